/**
 * What the rounds of one case come to: medians of each server's figures, and how far the rounds lay apart.
 */
import { type Spread, spread } from '../spread.ts'
import type { Operation } from './language.ts'
import type { LoadFigures } from './load.ts'
import type { NodeDurability } from './minivault-server.ts'
import type { RedisDurability } from './redis-server.ts'

export interface WireCase {
  readonly operation: Operation
  readonly minivault: NodeDurability
  readonly redis: RedisDurability
  readonly valueBytes: number
  readonly pipeline: number
}

const MEASURES = ['opsPerSecond', 'serverCpuMicrosPerOp', 'p50Micros', 'p99Micros', 'clientCpuShare'] as const
type Measure = (typeof MEASURES)[number]
export type ServerSummary = Record<Measure, Spread>

export interface CaseResult extends WireCase {
  readonly minivaultFigures: ServerSummary
  readonly redisFigures: ServerSummary
  /** minivault divided by redis, round by round. */
  readonly opsRatio: Spread
  readonly cpuRatio: Spread
  readonly rounds: readonly (readonly [LoadFigures, LoadFigures])[]
}

/** Each round holds minivault's figures and then those of redis. */
export function summarise(wireCase: WireCase, rounds: readonly [LoadFigures, LoadFigures][]): CaseResult {
  const ratio = (measure: Measure) => spread(rounds.map(([ours, theirs]) => ours[measure] / theirs[measure]))
  return {
    ...wireCase,
    minivaultFigures: summariseServer(rounds.map(([ours]) => ours)),
    redisFigures: summariseServer(rounds.map(([, theirs]) => theirs)),
    opsRatio: ratio('opsPerSecond'),
    cpuRatio: ratio('serverCpuMicrosPerOp'),
    rounds,
  }
}

function summariseServer(rounds: readonly LoadFigures[]): ServerSummary {
  const entries = MEASURES.map((measure) => [measure, spread(rounds.map((figures) => figures[measure]))])
  return Object.fromEntries(entries) as ServerSummary
}
