/** What a client asked for, on its way through one coordinator. */
import type { Version } from '@minivault/clock'
import type { HeldRecord } from './record.ts'
import { OUTCOME, type Outcome, type Request } from './request.ts'

export type OnOver = (outcome: Outcome, record: HeldRecord | null) => void

export interface Operation {
  readonly token: number
  /** Of a round of our own, for nobody outside: who is told that it is over. */
  readonly onOver: OnOver | null
  readonly request: Request
  readonly id: Version
  /** Of `Env.now`. */
  readonly deadlineMs: number
  /** Message rounds so far. */
  rounds: number
  /** Rounds (of Paxos) that somebody else's overtook, or that too few answered. */
  lost: number
  /** What it finds has to come to all who can be reached. */
  readonly isForAll: boolean
  /** Held elsewhere: as if one of the promisers held it, and to be accepted if it is the newest. */
  readonly candidate: HeldRecord | null
  /** The candidate is to stand under its own ballot, as it does where it comes from. */
  readonly isAdmission: boolean
  /** Met before it began. */
  readonly above: Version
  /** Something was sent that may take effect. */
  isSent: boolean
  /** Of a plain write that only we can have sent: `Replica.timesShown` before it was. Else below zero. */
  shownBefore: number
}

/** So far below zero that no round, which adds one, reaches a count; an integer that needs no heap. */
export const NEVER_SHOWN = -(2 ** 30)

/** Whether this attempt or an earlier one may take effect, or has. */
export function mayBeDone({ request, isSent }: Operation): boolean {
  return isSent || (request.change !== null && request.attempt > 0)
}

/** Of what has come to no end. */
export function outcomeUnknown(operation: Operation): Outcome {
  return mayBeDone(operation) ? OUTCOME.inDoubt : OUTCOME.failed
}
