/** A set or a delete that depends on what is there. */

import type { Version } from '@minivault/clock'
import { type Effect, type HeldRecord, isEqual } from '@minivault/cluster'
import { ERROR } from '@minivault/protocol'
import type { Answer } from '../../key-value.ts'
import type { MemberValue } from '../member-value.ts'
import type { KeyChange } from './key-change.ts'
import { versionThere } from './version-there.ts'

/** What must be there: nothing, anything, or a value of this version. */
export type Wanted = 'nothing' | 'anything' | Version

export class ConditionalWrite implements KeyChange {
  readonly isConditional = true
  readonly #effect: Effect
  readonly #wanted: Wanted

  /** @param value null: a delete */
  constructor(value: MemberValue | null, expiresAtMs: number, wanted: Wanted) {
    this.#effect = { value, expiresAtMs, sum: null }
    this.#wanted = wanted
  }

  apply(current: HeldRecord): Effect | null {
    return holds(this.#wanted, current) ? this.#effect : null
  }

  tell(answer: Answer, { version }: HeldRecord): void {
    answer.ok().version.copy(version)
    answer.exists = this.#effect.value === null
  }

  refuse(answer: Answer, current: HeldRecord): void {
    // A delete that found nothing is done.
    if (this.#wanted === 'anything') answer.ok().version.copy(current.version)
    else {
      answer.fail(this.#wanted === 'nothing' ? ERROR.KEY_EXISTS : ERROR.VERSION_MISMATCH)
      answer.version.copy(versionThere(current))
    }
  }
}

function holds(wanted: Wanted, { value, version }: HeldRecord): boolean {
  if (wanted === 'nothing') return value === null
  return value !== null && (wanted === 'anything' || isEqual(version, wanted))
}
