/** What a client asked for, on its way through one coordinator. */
import type { Version } from '@minivault/clock'
import type { Request } from './request.ts'

export interface Operation {
  readonly token: number
  readonly request: Request
  readonly id: Version
  /** Of `Env.now`. */
  readonly deadlineMs: number
  /** Message rounds so far. */
  rounds: number
  /** Something was sent that may take effect. */
  isSent: boolean
}
