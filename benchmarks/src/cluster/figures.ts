/** What a case of the cluster is, and the shapes of what stands in results/cluster.ndjson, one line each. */
import type { RunFacts } from '../machine.ts'
import type { Measured } from '../rounds/summary.ts'
import type { FailedResult } from '../run.ts'
import type { NodeDurability } from '../servers/minivault-server.ts'
import type { Spread } from '../spread.ts'
import type { CallTimes } from './callers.ts'

/** Three nodes, one node alone, three members of etcd. */
export type ClusterContestant = 'trio' | 'single' | 'etcd'

export const LEVELS = ['quorum', 'one'] as const
export type Level = (typeof LEVELS)[number]

/** What is the matter with the third member. */
export const AWAY = ['nobody', 'frozen', 'killed'] as const
export type Away = (typeof AWAY)[number]

export interface ClusterCase {
  readonly operation: 'set' | 'get'
  readonly level: Level
  readonly durability: NodeDurability
  readonly valueBytes: number
  readonly pipeline: number
  /** Whether all connections go to one member, or are spread over those that answer. */
  readonly isThroughOne: boolean
  readonly away: Away
  readonly contestants: readonly ClusterContestant[]
}

export interface ClusterCaseResult extends ClusterCase, Measured<ClusterContestant> {
  readonly part: 'case'
  readonly connections: number
  readonly keyspace: number
}

/** From the acknowledgement of a write until the last of three members shows it. */
export interface ConvergeResult {
  readonly part: 'converge'
  readonly durability: NodeDurability
  /** Whether 50 connections wrote other keys meanwhile. */
  readonly isLoaded: boolean
  readonly writes: number
  /** Where every member showed it the first time it was asked. */
  readonly shownAtOnce: number
  readonly p50Micros: number
  readonly p99Micros: number
  readonly maxMicros: number
}

export interface HealResult {
  readonly part: 'heal'
  /** Whether the others still knew what the returning member had missed, or had to compare. */
  readonly by: 'hints' | 'trees'
  readonly keys: number
  readonly differing: number
  readonly valueBytes: number
  /** From the member's ready line until it shows every value, by round. */
  readonly seconds: Spread
  /** Between all members in both directions meanwhile, beside those of the differing records. */
  readonly bytes: Spread
  readonly differingBytes: number
}

/** What happens to the members while our client asks. */
export const INCIDENTS = ['killed', 'frozen', 'restarted'] as const
export type Incident = (typeof INCIDENTS)[number]

export interface IncidentResult {
  readonly part: 'incident'
  readonly incident: Incident
  readonly durability: NodeDurability
  /** From the incident on, answered or failed. */
  readonly operations: number
  readonly failed: number
  readonly firstFailure: string | null
  readonly p50Micros: number
  readonly p99Micros: number
  readonly maxMicros: number
}

/** A fourth member joins three. */
export interface JoinResult {
  readonly part: 'join'
  readonly keys: number
  readonly valueBytes: number
  readonly durability: NodeDurability
  /** Replicas of partitions that it gets. */
  readonly copies: number
  /** From the decision until the layout is settled. */
  readonly seconds: number
  /** Between the other members and it, in connections of theirs; what is written meanwhile is among them. */
  readonly bytes: number
  /** Keys and values of what it gets. */
  readonly neededBytes: number
  readonly operations: number
  readonly failed: number
  readonly firstFailure: string | null
  readonly quiet: CallTimes
  readonly joining: CallTimes
}

/** Of writes at level `quorum`. */
interface WriteTimes {
  readonly writes: number
  readonly p50Micros: number
  readonly p99Micros: number
}

/** Regions that are far from each other, beside one alone. */
export interface RegionsResult {
  readonly part: 'regions'
  readonly regions: number
  /** One way. */
  readonly farMs: number
  readonly durability: NodeDurability
  readonly near: WriteTimes
  readonly federated: WriteTimes
  /** From the call of a write until a member of another region shows it, at level `one`. */
  readonly arrival: WriteTimes & { readonly maxMicros: number }
}

export type ClusterResult =
  | ClusterCaseResult
  | ConvergeResult
  | IncidentResult
  | HealResult
  | JoinResult
  | RegionsResult
  | FailedResult

export interface ClusterFacts extends RunFacts {
  readonly etcdVersion: string
}
