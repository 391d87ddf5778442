/** What a write makes of what is there. The core asks; what values are is for others to know. */
import type { Version } from '@minivault/clock'
import type { HeldRecord, Value } from './record.ts'

export interface Effect {
  /** Null: a tombstone. */
  readonly value: Value | null
  readonly expiresAtMs: number
  /** Of an increment. */
  readonly sum: bigint | null
}

export interface Change {
  /** Whether it depends on what is there. Such a write takes a round; the others one message each way. */
  readonly isConditional: boolean
  /**
   * Null: the condition does not hold. Called again for every try, so it has no effect of its own.
   *
   * @param current what is there now; what has expired is shown as a tombstone
   * @param ballot the version that the effect will have
   */
  apply(current: HeldRecord, ballot: Version): Effect | null
}
