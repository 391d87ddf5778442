/**
 * What members say to each other about a key. docs/CLUSTER.md has them one by one: what is durable before
 * which answer, and what is compared. An answer carries the `exchange` of its question, which the asker chose
 * and uses once.
 */
import type { Version } from '@minivault/clock'
import type { LayoutState } from './layout-state.ts'
import type { Floor, Leaf, Life } from './marks.ts'
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
  introduce: 13,
  introduced: 14,
  fence: 15,
  fenced: 16,
  release: 17,
  released: 18,
  hello: 19,
  learn: 20,
  layout: 21,
  ready: 22,
  copied: 23,
} as const

/** Why a record is offered; the rule is the same for all. */
export const CAUSE = { plain: 0, accept: 1, writeBack: 2, hint: 3, repair: 4 } as const
export type Cause = (typeof CAUSE)[keyof typeof CAUSE]

interface Envelope {
  readonly exchange: number
  /** The phase of the layout that the sender goes by. */
  readonly epoch: number
  /** The sender's clock. */
  readonly time: Version
}

/** Of what is counted. */
interface Counted extends Envelope {
  /** Whether it counts: a member that may have forgotten something does not vote. */
  readonly votes: boolean
  /** Which life of each member the sender knows, its own among them: of an older one nothing counts. */
  readonly lives: readonly Life[]
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

export interface Offered extends Counted {
  readonly kind: typeof MESSAGE.offered
  readonly verdict: Verdict
  /** Of a refusal: the highest ballot held or promised. */
  readonly above: Version
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

export interface Promised extends Counted {
  readonly kind: typeof MESSAGE.promised
  /** `held`: it is promised. */
  readonly verdict: Verdict
  readonly above: Version
  readonly record: HeldRecord
  /** What it held of the request. */
  readonly evidence: readonly Evidence[]
  /** It may have held more, and forgotten. */
  readonly isForgetful: boolean
  /** Else the record is known only, from others: it does not count as held. */
  readonly isHeld: boolean
}

export interface Read extends Envelope {
  readonly kind: typeof MESSAGE.read
  readonly key: Key
  /** Else only the ballots are wanted. */
  readonly wantsValue: boolean
}

export interface State extends Counted {
  readonly kind: typeof MESSAGE.state
  readonly record: HeldRecord
  /** As of a promise. */
  readonly isHeld: boolean
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
  /** Of this partition: whoever votes takes them over. */
  readonly floors: readonly Floor[]
  /** Of leaves of which the asker holds nothing, where the answerer can do that: see `Copied`. */
  readonly wantsRecords: boolean
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
  /** Of this partition. */
  readonly floors: readonly Floor[]
}

/**
 * The same to one that wants records: of leaves of which it holds nothing it needs all, and gets them without
 * being told of them first.
 */
export interface Copied extends Omit<Entries, 'kind'> {
  readonly kind: typeof MESSAGE.copied
  readonly records: readonly { readonly key: Key; readonly record: HeldRecord }[]
}

export interface Fetch extends Envelope {
  readonly kind: typeof MESSAGE.fetch
  readonly keys: readonly Key[]
}

export interface Fetched extends Envelope {
  readonly kind: typeof MESSAGE.fetched
  readonly records: readonly { readonly key: Key; readonly record: HeldRecord }[]
  /** So many of the keys asked for, from the first on: at least one. The others did not fit. */
  readonly answered: number
}

// --- beginning anew

/** A member that may have forgotten something says so, before it compares. */
export interface Introduce extends Envelope {
  readonly kind: typeof MESSAGE.introduce
  /** Its own, from now on; above all that it knows of. */
  readonly life: number
  readonly partitions: readonly number[]
}

/** It is written down: no answer to anybody counts any more beside one of an older life. */
export interface Introduced extends Envelope {
  readonly kind: typeof MESSAGE.introduced
  /** That the answerer knows of: its own, and that of the asker, which may be above what he said. */
  readonly lives: readonly Life[]
  /** Of each partition: whether the answerer votes in it. */
  readonly votes: readonly boolean[]
  /** Of each partition: nothing above it was held or promised. */
  readonly promised: readonly Version[]
  readonly floors: readonly Floor[]
}

// --- the end of tombstones

/** Promise for all keys of the leaf, and tell what is held up to there. */
export interface Fence extends Envelope, Floor {
  readonly kind: typeof MESSAGE.fence
}

export interface Fenced extends Envelope {
  readonly kind: typeof MESSAGE.fenced
  /** As of what is counted: of a life that is over nothing is promised any more. */
  readonly lives: readonly Life[]
  /** Two words; null: it does not vote, or by its clock those have not expired. */
  readonly digest: Int32Array | null
}

/** All hold the same up to there. */
export interface Release extends Envelope, Floor {
  readonly kind: typeof MESSAGE.release
}

export interface Released extends Envelope, Leaf {
  readonly kind: typeof MESSAGE.released
}

/** Sent with every tick: the sender is there. */
export interface Hello extends Envelope {
  readonly kind: typeof MESSAGE.hello
  readonly lives: readonly Life[]
  /** In all that it holds. */
  readonly votes: boolean
}

// --- layouts

/** Asks for the layout that the other goes by. */
export interface Learn extends Envelope {
  readonly kind: typeof MESSAGE.learn
}

/** What the sender goes by; it has written it down. */
export interface LayoutMessage extends Envelope {
  readonly kind: typeof MESSAGE.layout
  readonly state: LayoutState
}

/** In this joint phase the sender holds all that it will hold, and votes in it. Sent with every tick. */
export interface Ready extends Envelope {
  readonly kind: typeof MESSAGE.ready
}

export type RepairQuestion = Roots | Leaves | Fetch | Introduce | Fence | Release
export type RepairReply = RootsDiffer | Entries | Copied | Fetched | Introduced | Fenced | Released
export type Question = Offer | Prepare | Read
export type Reply = Offered | Promised | State
export type LayoutChangeMessage = Learn | LayoutMessage | Ready
export type Message = Question | Reply | RepairQuestion | RepairReply | Hello | LayoutChangeMessage
