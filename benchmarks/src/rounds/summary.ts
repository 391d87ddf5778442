/**
 * What the rounds of one case come to: medians of each contestant's figures, how far the rounds lay apart,
 * and one contestant divided by another.
 */
import type { LoadFigures } from '../load/load-figures.ts'
import { type Spread, spread } from '../spread.ts'

const MEASURES = [
  'opsPerSecond',
  'serverCpuMicrosPerOp',
  'p50Micros',
  'p99Micros',
  'p999Micros',
  'clientCpuShare',
] as const
export type Measure = (typeof MEASURES)[number]
export type Summary = Record<Measure, Spread>

/** A round with what the server did after it counted, too. */
export interface RoundFigures extends LoadFigures {
  /** CPU the server used behind the last reply, until its own next round. */
  readonly afterwardsCpuSeconds: number
}

/** Every contestant's rounds and what they come to; who took no part is missing in both. */
export interface Measured<Name extends string> {
  readonly summaries: Partial<Record<Name, Summary>>
  readonly rounds: Partial<Record<Name, readonly RoundFigures[]>>
}

export function summarise(rounds: readonly LoadFigures[]): Summary {
  const entries = MEASURES.map((measure) => [measure, spread(rounds.map((figures) => figures[measure]))])
  return Object.fromEntries(entries) as Summary
}

/** One contestant divided by another, round by round; null where one of them took no part. */
export function ratioOf<Name extends string>(
  result: Pick<Measured<Name>, 'rounds'>,
  measure: Measure,
  ours: Name,
  theirs: Name,
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
