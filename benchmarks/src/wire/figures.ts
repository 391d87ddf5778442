/**
 * What the rounds of one case come to: medians of each contestant's figures, and how far the rounds lay
 * apart. The shapes below are what stands in results/wire.ndjson, one line each.
 */
import type { MachineFacts } from '../machine.ts'
import { type Spread, spread } from '../spread.ts'
import type { LoadFigures } from './load.ts'
import type { NodeDurability } from './minivault-server.ts'
import type { RedisDurability } from './redis-server.ts'
import type { Workload } from './request-batches.ts'

/**
 * `frames`: minivault again, spoken to in its frame form. `floor`: the bare Node server. `redisBenchmark`:
 * redis again, under its own load generator.
 */
export type ContestantName = 'minivault' | 'redis' | 'frames' | 'floor' | 'redisBenchmark'

export interface WireCase {
  readonly operation: Workload
  readonly minivault: NodeDurability
  readonly redis: RedisDurability
  readonly valueBytes: number
  readonly connections: number
  readonly pipeline: number
  /** minivault and redis always take part; these, too. */
  readonly others: readonly ContestantName[]
}

const MEASURES = [
  'opsPerSecond',
  'serverCpuMicrosPerOp',
  'p50Micros',
  'p99Micros',
  'p999Micros',
  'clientCpuShare',
] as const
type Measure = (typeof MEASURES)[number]
export type Summary = Record<Measure, Spread>

/** A round with what the server did after it counted, too. */
export interface RoundFigures extends LoadFigures {
  /** CPU the server used behind the last reply, until its own next round. */
  readonly afterwardsCpuSeconds: number
}

export interface CaseResult extends WireCase {
  readonly part: 'load'
  readonly keyspace: number
  readonly summaries: Partial<Record<ContestantName, Summary>>
  readonly rounds: Partial<Record<ContestantName, readonly RoundFigures[]>>
  /** Log files that minivault began during the rounds: how often it had a whole one to put away. */
  readonly segmentsBegun: number
}

export interface LargeResult {
  readonly part: 'large'
  readonly operation: 'set' | 'get'
  readonly valueBytes: number
  readonly minivaultMegabytesPerSecond: Spread
  readonly pipeMegabytesPerSecond: Spread
  /** minivault divided by the pipe, round by round. */
  readonly ratio: Spread
  readonly minivaultCpuSeconds: Spread
  readonly pipeCpuSeconds: Spread
  /** Above what the node had before its first large value, at the most. */
  readonly grownBytes: number
}

export interface IdleResult {
  readonly part: 'idle'
  readonly server: 'minivault' | 'redis'
  readonly idleConnections: number
  readonly bytesPerConnection: number
  /** Of 50 active connections: without idle ones beside them, and with (before and after). */
  readonly alone: Summary
  readonly beside: Summary
}

/** A part that could not be measured, with the reason. */
export interface FailedResult {
  readonly part: 'failed'
  readonly what: string
  readonly reason: string
}

export type WireResult = CaseResult | LargeResult | IdleResult | FailedResult

export interface WireFacts extends MachineFacts {
  readonly redisVersion: string
  readonly pinned: boolean
  readonly roundCount: number
  readonly roundSeconds: number
}

export function summarise(rounds: readonly LoadFigures[]): Summary {
  const entries = MEASURES.map((measure) => [measure, spread(rounds.map((figures) => figures[measure]))])
  return Object.fromEntries(entries) as Summary
}

/** One contestant divided by another, round by round; null where one of them took no part. */
export function ratioOf(
  result: CaseResult,
  measure: Measure,
  ours: ContestantName,
  theirs: ContestantName,
): Spread | null {
  const mine = result.rounds[ours]
  const others = result.rounds[theirs]
  if (mine === undefined || others === undefined) return null
  return spread(mine.map((figures, round) => figures[measure] / others[round]![measure]))
}

/** With the server's later work in its CPU an operation. */
export function withAfterwards(figures: LoadFigures, afterwardsCpuSeconds: number): RoundFigures {
  const cpuSeconds = figures.serverCpuSeconds + afterwardsCpuSeconds
  return { ...figures, afterwardsCpuSeconds, serverCpuMicrosPerOp: (cpuSeconds * 1e6) / figures.operations }
}
