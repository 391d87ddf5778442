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
  readonly #byMember = new Map<number, Missed>()
  readonly #hintsMax: number

  /** @param hintsMax for each member */
  constructor(hintsMax: number) {
    this.#hintsMax = hintsMax
  }

  add(member: number, key: Key, ballot: Version): void {
    let missed = this.#byMember.get(member)
    if (missed === undefined) {
      missed = new Missed()
      this.#byMember.set(member, missed)
    }
    missed.add({ key, ballot })
    if (missed.size > this.#hintsMax) missed.take()
  }

  count(member: number): number {
    return this.#byMember.get(member)?.size ?? 0
  }

  /** Undefined: there is none. */
  oldest(member: number): Hint | undefined {
    return this.#byMember.get(member)?.oldest
  }

  /** The oldest, which are not kept any more. */
  take(member: number, countMax: number): Hint[] {
    const missed = this.#byMember.get(member)
    const taken: Hint[] = []
    if (missed === undefined) return taken
    while (taken.length < countMax && missed.size > 0) taken.push(missed.take()!)
    return taken
  }
}

/** By one member: the newest of each key, in the order in which keys were first missed. */
class Missed {
  readonly #hints = new Map<string, Hint>()
  /** Stands behind the oldest: a search from the front would pass all that were taken before. */
  #cursor = this.#hints.values()
  /** Of the oldest; null: the cursor has not been there. */
  #oldestId: string | null = null

  get size(): number {
    return this.#hints.size
  }

  add(hint: Hint): void {
    this.#hints.set(hint.key.id, hint)
  }

  get oldest(): Hint | undefined {
    if (this.#oldestId !== null) return this.#hints.get(this.#oldestId)
    let { value } = this.#cursor.next()
    if (value === undefined) {
      // Past its end it stays there.
      this.#cursor = this.#hints.values()
      value = this.#cursor.next().value
    }
    this.#oldestId = value?.key.id ?? null
    return value
  }

  take(): Hint | undefined {
    const { oldest } = this
    if (oldest === undefined) return undefined
    this.#hints.delete(oldest.key.id)
    this.#oldestId = null
    return oldest
  }
}
