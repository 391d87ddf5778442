/** A change of a key as the core applies it, that knows what its client is told of it. */
import type { Change, HeldRecord } from '@minivault/cluster'
import type { Answer } from '../../key-value.ts'

export interface KeyChange extends Change {
  /** Of an ok: `made` is what came of it; of that its value may be unknown by now. */
  tell(answer: Answer, made: HeldRecord): void
  /** Of a no: `current` is what is there. */
  refuse(answer: Answer, current: HeldRecord): void
}
