/**
 * A set or a delete of whatever is there. It is its own effect: such writes are many, and one object is
 * enough.
 */
import type { Effect, HeldRecord } from '@minivault/cluster'
import { bug } from '../../bug.ts'
import type { Answer } from '../../key-value.ts'
import type { MemberValue } from '../member-value.ts'
import type { KeyChange } from './key-change.ts'

export class Write implements KeyChange, Effect {
  readonly isConditional: boolean
  readonly value: MemberValue | null
  readonly expiresAtMs: number
  readonly sum = null

  /**
   * @param value null: a delete
   * @param isConditional it takes a round though it depends on nothing
   */
  constructor(value: MemberValue | null, expiresAtMs: number, isConditional: boolean) {
    this.value = value
    this.expiresAtMs = expiresAtMs
    this.isConditional = isConditional
  }

  apply(): Effect {
    return this
  }

  tell(answer: Answer, { version }: HeldRecord): void {
    answer.ok().version.copy(version)
    // Of a delete nobody has asked whether there was anything; that it was carried out is what is known.
    answer.exists = this.value === null
  }

  refuse(): void {
    bug('a write without a condition is not refused')
  }
}
