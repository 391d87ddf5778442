/** What a client asked for, on its way through one coordinator. */
import type { Version } from '@minivault/clock'
import type { Request } from './request.ts'

export interface Operation {
  readonly token: number
  /** Of a round of our own, for nobody outside: who is told that it is over. */
  readonly onOver: (() => void) | null
  readonly request: Request
  readonly id: Version
  /** Of `Env.now`. */
  readonly deadlineMs: number
  /** Message rounds so far. */
  rounds: number
  /** Something was sent that may take effect. */
  isSent: boolean
}
