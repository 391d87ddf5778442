/** What a client asks of a coordinator, and what comes of it. */
import type { Version } from '@minivault/clock'
import type { Change } from './change.ts'
import type { Durability, Key } from './ports.ts'
import type { HeldRecord } from './record.ts'

/** How many replicas stand behind an answer. */
export const LEVEL = { one: 1, quorum: 2 } as const
export type Level = (typeof LEVEL)[keyof typeof LEVEL]

export interface Request {
  readonly key: Key
  /** Null: a read. */
  readonly change: Change | null
  /** Stamped once by whoever retries; null: nobody will, the coordinator stamps it. */
  readonly id: Version | null
  /** 0, and one more with each retry under the same id. */
  readonly attempt: number
  readonly level: Level
  readonly durability: Durability
  /** From now. After it the answer is `failed` or `inDoubt`. */
  readonly deadlineMs: number
}

/**
 * ok: done. no: the condition did not hold, and nothing was done. failed: nothing was done, and never will
 * be. inDoubt: it may have been done, it may yet be, at most once.
 */
export const OUTCOME = { ok: 0, no: 1, failed: 2, inDoubt: 3 } as const
export type Outcome = (typeof OUTCOME)[keyof typeof OUTCOME]

export const REASON = {
  none: 0,
  /** Too few replicas answered in time. */
  noQuorum: 1,
  /** The request id lies too far ahead of this node's clock: take a new one. */
  idAhead: 2,
  /** A later attempt of the same request is under way elsewhere. */
  superseded: 3,
  /** The replicas have forgotten whether it was done. */
  forgotten: 4,
  /** Too many operations are under way here. */
  busy: 5,
  /** This node does not coordinate: its clock is off, or it has not joined. */
  notServing: 6,
} as const
export type Reason = (typeof REASON)[keyof typeof REASON]

export interface Answer {
  readonly outcome: Outcome
  readonly reason: Reason
  /** Of a read and of a `no`: what is there. Of a write that is ok: what it made; else null. */
  readonly record: HeldRecord | null
  /** Message rounds that it took. */
  readonly rounds: number
}
