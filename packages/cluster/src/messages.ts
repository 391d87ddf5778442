/**
 * What members say to each other about a key. docs/CLUSTER.md has them one by one: what is durable before
 * which answer, and what is compared. An answer carries the `exchange` of its question, which the asker chose
 * and uses once.
 */
import type { Version } from '@minivault/clock'
import type { Durability, Key } from './ports.ts'
import type { HeldRecord } from './record.ts'

export const MESSAGE = {
  offer: 1,
  offered: 2,
  prepare: 3,
  promised: 4,
  read: 5,
  state: 6,
  roots: 7,
  rootsDiffer: 8,
  leaves: 9,
  entries: 10,
  fetch: 11,
  fetched: 12,
} as const

/** Why a record is offered; the rule is the same for all. */
export const CAUSE = { plain: 0, accept: 1, writeBack: 2, hint: 3, repair: 4 } as const
export type Cause = (typeof CAUSE)[keyof typeof CAUSE]

interface Envelope {
  readonly exchange: number
  /** The layout that the sender goes by. */
  readonly epoch: number
  /** The sender's clock. */
  readonly time: Version
}

export interface Offer extends Envelope {
  readonly kind: typeof MESSAGE.offer
  readonly key: Key
  readonly record: HeldRecord
  readonly durability: Durability
  readonly cause: Cause
}

export const VERDICT = {
  /** It is held, or was. */
  held: 0,
  /** Something newer is held. */
  older: 1,
  /** A higher ballot is promised. */
  promised: 2,
  /** A later attempt of the request was promised to. */
  superseded: 3,
  /** The asker goes by an old layout. */
  staleLayout: 4,
} as const
export type Verdict = (typeof VERDICT)[keyof typeof VERDICT]

export interface Offered extends Envelope {
  readonly kind: typeof MESSAGE.offered
  readonly verdict: Verdict
  /** Of a refusal: the highest ballot held or promised. */
  readonly above: Version
  /** Whether it counts: a member that may have forgotten something does not vote. */
  readonly votes: boolean
}

export interface Prepare extends Envelope {
  readonly kind: typeof MESSAGE.prepare
  readonly key: Key
  readonly ballot: Version
  readonly request: Version
  readonly attempt: number
}

/** A record that a replica once held for a request. */
export interface Evidence {
  readonly ballot: Version
  readonly version: Version
  readonly sum: bigint | null
}

export interface Promised extends Envelope {
  readonly kind: typeof MESSAGE.promised
  /** `held`: it is promised. */
  readonly verdict: Verdict
  readonly above: Version
  readonly record: HeldRecord
  /** What it held of the request. */
  readonly evidence: readonly Evidence[]
  /** It may have held more, and forgotten. */
  readonly isForgetful: boolean
  readonly votes: boolean
}

export interface Read extends Envelope {
  readonly kind: typeof MESSAGE.read
  readonly key: Key
  /** Else only the ballots are wanted. */
  readonly wantsValue: boolean
}

export interface State extends Envelope {
  readonly kind: typeof MESSAGE.state
  readonly record: HeldRecord
  readonly votes: boolean
}

// --- comparing what two members hold

export interface Roots extends Envelope {
  readonly kind: typeof MESSAGE.roots
  readonly partitions: readonly number[]
  /** Of each two words. */
  readonly roots: Int32Array
}

export interface RootsDiffer extends Envelope {
  readonly kind: typeof MESSAGE.rootsDiffer
  readonly partitions: readonly number[]
}

export interface Leaves extends Envelope {
  readonly kind: typeof MESSAGE.leaves
  readonly partition: number
  /** Of all leaves, as `Trees.digests` gives them. */
  readonly digests: Int32Array
  /** The first leaf that is asked for. */
  readonly from: number
}

export interface Entry {
  readonly key: Key
  readonly ballot: Version
}

/** What the answerer holds in leaves that differ. */
export interface Entries extends Envelope {
  readonly kind: typeof MESSAGE.entries
  readonly leaves: readonly number[]
  readonly entries: readonly Entry[]
  /** Where to go on; beyond the last leaf: that was all. */
  readonly next: number
}

export interface Fetch extends Envelope {
  readonly kind: typeof MESSAGE.fetch
  readonly keys: readonly Key[]
}

export interface Fetched extends Envelope {
  readonly kind: typeof MESSAGE.fetched
  readonly records: readonly { readonly key: Key; readonly record: HeldRecord }[]
}

export type RepairQuestion = Roots | Leaves | Fetch
export type RepairReply = RootsDiffer | Entries | Fetched
export type Question = Offer | Prepare | Read
export type Reply = Offered | Promised | State
export type Message = Question | Reply | RepairQuestion | RepairReply
