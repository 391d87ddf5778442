/**
 * What happens in a history before anything has happened: the circumstances, and a flat list of items, each
 * with its time. A run is a function of its plan, so a failure is a file, and may be made smaller by taking
 * items away.
 */
import type { Durability, Level } from '@minivault/cluster'

export const KINDS = ['get', 'put', 'delete', 'cas', 'create', 'increment', 'deleteIf'] as const
export type Kind = (typeof KINDS)[number]

/** The number of the master among those that a partition cuts from each other. */
export const MASTER = 15

/** A clock is off by so much at most. */
export const SKEW_MAX_MS = 500

/** Clients believe a `no` of any attempt; or all stamp as if they were one; a member waits for its master. */
export type ClientFault = 'trustsEveryNo' | 'sameWriter' | 'waitsForMaster'

export interface Setup {
  /** Replicas of every key at the beginning. */
  readonly members: number
  /** Members that hold nothing until the layout says so. */
  readonly spares: number
  readonly clients: number
  readonly keys: number
  /** Every message takes 0.2 ms and up to so much more. */
  readonly delayMs: number
  readonly lossShare: number
  readonly duplicateShare: number
  /** Of the lost offers that come much later, as a hint. */
  readonly hintShare: number
  /** Every sync takes 0.5 ms and up to so much more. */
  readonly syncMs: number
  readonly durability: Durability
  /** After which a client asks another member, under the same request id. */
  readonly patienceMs: number
  readonly deadlineMs: number
  /** That a replica's ledger remembers. */
  readonly ledgerEntries: number
  /** Else a member that crashed starts with a clock up to 12 s ahead of the wall. */
  readonly startsNearTheWall: boolean
  /** How often members look after what nobody asks for, and compare with each other. */
  readonly tickMs: number
  readonly compareEveryMs: number
  readonly clientFault?: ClientFault
  /** By member, the region in which it is; the home is the first that holds keys. Else all are in one. */
  readonly regions?: readonly number[]
  /** What a message takes longer from one region to another. */
  readonly farDelayMs?: number
  /** A master brings the members together: a new cluster waits for so many. Else they know each other. */
  readonly founders?: number
  /** As `Limits` of the core has them; else its own. */
  readonly writePatienceMs?: number
  readonly copiesAtOnce?: number
}

interface Timed {
  readonly atMs: number
}

export interface OperationItem extends Timed {
  readonly kind: 'operation'
  readonly operation: Kind
  readonly client: number
  readonly member: number
  readonly key: number
  /** A conditional one reads first, instead of trusting what it saw last. */
  readonly readsFirst: boolean
  /** Where it is tried again when no answer comes. */
  readonly retries: readonly number[]
  /** Has no request id of its own, so it cannot be tried again. */
  readonly isAnonymous: boolean
  readonly level: Level
  /** What it writes is gone after so long; 0: never. */
  readonly ttlMs: number
}

export interface CrashItem extends Timed {
  readonly kind: 'crash'
  readonly members: readonly number[]
  readonly loss: Loss
  readonly forMs: number
}

/** What a crash takes: what the process had not written, what the disk had not synced, everything. */
export type Loss = 'unwritten' | 'unsynced' | 'everything'

export interface PartitionItem extends Timed {
  readonly kind: 'partition'
  readonly side: readonly number[]
  /** Only what this side sends is lost. */
  readonly isOneWay: boolean
  readonly forMs: number
}

export interface SkewItem extends Timed {
  readonly kind: 'skew'
  readonly member: number
  readonly skewMs: number
}

/** A record is pushed from one replica to another. */
export interface RepairItem extends Timed {
  readonly kind: 'repair'
  readonly from: number
  readonly to: number
  readonly key: number
}

/** Two members compare what they hold, and bring each other to the newer record. */
export interface CompareItem extends Timed {
  readonly kind: 'compare'
  readonly from: number
  readonly to: number
}

/** A member ends the tombstones of a leaf that are older than this. */
export interface ReleaseItem extends Timed {
  readonly kind: 'release'
  readonly member: number
  readonly key: number
  readonly agoMs: number
}

/** It is proposed that from now on these hold the keys. */
export interface LayoutItem extends Timed {
  readonly kind: 'layout'
  readonly members: readonly number[]
  /** A region of theirs; else it stays where it is, as long as that has members. */
  readonly home?: number
}

/** An operator goes on with the layout that is on its way, without those that do not come. */
export interface SettleItem extends Timed {
  readonly kind: 'settle'
  readonly member: number
}

/** Where there is a master: a process that knows it is started for the first time. */
export interface WorkerItem extends Timed {
  readonly kind: 'worker'
  readonly member: number
}

/** The master is away, for so long or, where nobody needs it, for ever. */
export interface MasterItem extends Timed {
  readonly kind: 'master'
  readonly losesFolder: boolean
  readonly forMs: number
  readonly returns: boolean
}

export type Item =
  | WorkerItem
  | MasterItem
  | OperationItem
  | CrashItem
  | PartitionItem
  | SkewItem
  | RepairItem
  | CompareItem
  | ReleaseItem
  | LayoutItem
  | SettleItem

export interface Plan {
  readonly seed: number
  readonly setup: Setup
  readonly items: readonly Item[]
}

/** When the last item is over. */
export function endOf(plan: Plan): number {
  let end = 0
  for (const item of plan.items) end = Math.max(end, item.atMs + ('forMs' in item ? item.forMs : 0))
  return end
}

export function planText(plan: Plan): string {
  const items = plan.items.map((item) => `    ${JSON.stringify(item)}`).join(',\n')
  const { seed, setup } = plan
  return `{\n  "seed": ${seed},\n  "setup": ${JSON.stringify(setup)},\n  "items": [\n${items}\n  ]\n}\n`
}

/** Throws when it is none. */
export function readPlan(text: string): Plan {
  const plan = JSON.parse(text) as Partial<Plan>
  if (typeof plan.seed !== 'number' || typeof plan.setup !== 'object' || !Array.isArray(plan.items)) {
    throw new Error('a plan has a seed, a setup and items')
  }
  return plan as Plan
}
