/**
 * What other members missed: pointers only, by member. Bounded: the oldest are dropped, and left to the next
 * comparison.
 */
import type { Version } from '@minivault/clock'
import type { Key } from './ports.ts'

export interface Hint {
  readonly key: Key
  readonly ballot: Version
}

export class Hints {
  /** By member, by key: the newest of each, in the order in which keys were first missed. */
  readonly #byMember = new Map<number, Map<string, Hint>>()
  readonly #hintsMax: number

  /** @param hintsMax for each member */
  constructor(hintsMax: number) {
    this.#hintsMax = hintsMax
  }

  add(member: number, key: Key, ballot: Version): void {
    let hints = this.#byMember.get(member)
    if (hints === undefined) {
      hints = new Map()
      this.#byMember.set(member, hints)
    }
    hints.set(key.id, { key, ballot })
    if (hints.size > this.#hintsMax) hints.delete(hints.keys().next().value!)
  }

  count(member: number): number {
    return this.#byMember.get(member)?.size ?? 0
  }

  /** Undefined: there is none. */
  oldest(member: number): Hint | undefined {
    return this.#byMember.get(member)?.values().next().value
  }

  /** The oldest, which are not kept any more. */
  take(member: number, countMax: number): Hint[] {
    const hints = this.#byMember.get(member)
    if (hints === undefined) return []
    const taken: Hint[] = []
    for (const [id, hint] of hints) {
      if (taken.length === countMax) break
      taken.push(hint)
      hints.delete(id)
    }
    return taken
  }
}
