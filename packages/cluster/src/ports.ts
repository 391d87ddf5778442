/** The world as the core sees it. Whoever owns a core implements these; the simulator has its own. */
import type { Version } from '@minivault/clock'
import type { Electorate } from './electorate.ts'
import type { Mark } from './marks.ts'
import type { Message } from './messages.ts'
import type { HeldRecord, Placed } from './record.ts'
import type { Answer } from './request.ts'

/** As in @minivault/storage: what an acknowledged write survives. */
export const DURABILITY = { memory: 0, os: 1, fsync: 2 } as const
export type Durability = (typeof DURABILITY)[keyof typeof DURABILITY]

export interface Key {
  /** The same for equal keys, another for all others. */
  readonly id: string
  /** Its 64-bit hash, and where that puts it. */
  readonly high: number
  readonly low: number
  readonly partition: number
  readonly leaf: number
}

export interface Env {
  /** Milliseconds that only rise. */
  now(): number
  /** The wall clock: for expiry alone. */
  wallMs(): number
  /** 0 ≤ x < 1. */
  random(): number
  /** To a member by its number, never to ourselves. May be lost, come late, twice, or out of order. */
  send(member: number, message: Message): void
  /** `NodeCore.onTimer(exchange, stage)` after so long. Timers are not taken back. */
  setTimer(afterMs: number, exchange: number, stage: number): void
  answer(token: number, answer: Answer): void
}

/** Who holds what, by the layout that this member goes by. */
export interface Placement {
  /** A number that rises with every change of it. */
  readonly epoch: number
  /** Numbered from 0. */
  readonly partitionCount: number
  /** Whose quorum is one for us: the replicas in our own region; where all regions decide together, all. */
  electorateOf(partition: number): Electorate
  /** Whose quorum decides what is conditional: of the home region. If it is ours, the same object. */
  homeElectorateOf(partition: number): Electorate
  /** Of all regions; while the partition moves, old and new. */
  replicasOf(partition: number): readonly number[]
  /** Those of them that decide without us, in other regions. */
  foreignersOf(partition: number): readonly number[]
  isForeign(member: number): boolean
  /** Empty: not a member any more. */
  regionOf(member: number): string
}

/** What stands under a key. */
export interface Standing {
  /** Null: nothing. */
  readonly record: HeldRecord | null
  /** The highest ballot promised; zero: none. */
  readonly promised: Version
  /** The log's end behind the newer of both. */
  readonly position: number
  /** At which a record is durable when its position is. */
  readonly durability: Durability
}

/** What decides about an offer: the order, and nothing else. */
export interface Glance {
  readonly record: Placed | null
  readonly promised: Version
  readonly position: number
}

/** What an open knows of a record before anybody has read it. */
export interface Outline {
  readonly key: Key
  readonly ballot: Version
  readonly isTombstone: boolean
  readonly expiresAtMs: number
}

export interface Pledge {
  readonly ballot: Version
  readonly request: Version
  readonly attempt: number
}

/**
 * The log of one replica. Synchronous: before a message is handed to the core, whoever hands it has brought
 * what stands under its key into memory. A position is the log's end behind what was written; when it is
 * durable, `NodeCore.onDurable` is told.
 */
export interface ReplicaStore {
  /** Without the value, which is undefined where there is one: what it costs to look at ballots. */
  find(key: Key): Standing
  /** All of it, the versions too, may change with the next call of anything here but `hold`. */
  glance(key: Key): Glance
  /** With the value. */
  read(key: Key): Standing
  hold(key: Key, record: HeldRecord, durability: Durability): number
  pledge(key: Key, pledge: Pledge): number
  /** Takes a tombstone away, its floor having become durable. */
  release(key: Key): void
  /** All that stands under keys of a partition is gone at once; it is held elsewhere. */
  drop(partition: number): void
  /** Writes down what holds for more than one key; from now on among `marks`. */
  note(mark: Mark): number
  /** Once, at the open: all that were written down; of equal kind and place the last is enough. */
  marks(): Iterable<Mark>
  /** At or above every promise and every record of a key in this partition. */
  promisedUpTo(partition: number): Version
  /** All keys of a leaf, those of tombstones too. */
  keysIn(partition: number, leaf: number): Iterable<Key>
  /** Once, at the open, before any key is asked for: all records. */
  outlines(): Iterable<Outline>
  /** Somebody waits for all that was written so far to be this durable. */
  want(durability: Durability): void
  /** Up to where the log is durable at a level. */
  durableUpTo(durability: Durability): number
  /** Above every ballot found at the open: what was forgotten in the restart lies at or below. */
  readonly highestBallot: Version
}
