/**
 * What a row comes to: a figure for each contestant (medians of its rounds), and what was wanted of ours
 * beside what was reached, round by round.
 */
import { type Spread, spread } from '../spread.ts'
import type { Durability, EngineName } from './engines/engine.ts'
import type { RoundFigures } from './measures.ts'

export interface Figure {
  /** An engine, or `dd`. */
  readonly contestant: string
  /** What the row's table shows, in the row's unit. */
  readonly value: Spread
  readonly opsPerSecond?: Spread
  readonly cpuMicrosPerOp?: Spread
  readonly p50Micros?: Spread
  readonly p99Micros?: Spread
  /** Of what a fixed set of keys held in the end: the same for all engines and runs. */
  readonly resultHash?: string
  /** Whatever else was seen. */
  readonly more?: Readonly<Record<string, number>>
}

export interface Goal {
  readonly wanted: string
  readonly reached: string
  readonly isMet: boolean
}

export type Unit = 'ops/s' | 'ms' | 'bytes a key' | 'bytes a live byte' | 'MB/s'

export interface RowResult {
  readonly row: string
  readonly title: string
  readonly durability: Durability
  readonly unit: Unit
  readonly figures: readonly Figure[]
  readonly goals: readonly Goal[]
}

/**
 * `atLeast`: so many times as fast as that contestant; `atMost`: so many times its time for one operation.
 */
export interface SpeedGoal {
  readonly against: EngineName
  readonly what?: string
  readonly atLeast?: number
  readonly atMost?: number
}

export function speedFigure(contestant: string, rounds: readonly RoundFigures[], resultHash: string): Figure {
  const opsPerSecond = spread(rounds.map((round) => round.operations / round.seconds))
  return {
    contestant,
    value: opsPerSecond,
    opsPerSecond,
    cpuMicrosPerOp: spread(rounds.map((round) => (round.cpuSeconds * 1e6) / round.operations)),
    p50Micros: spread(rounds.map((round) => round.p50Micros)),
    p99Micros: spread(rounds.map((round) => round.p99Micros)),
    resultHash,
  }
}

/** Each pair is one round's speed of ours and of the other one. */
export function judgeSpeed(goal: SpeedGoal, pairs: readonly (readonly [number, number])[]): Goal {
  const { against, what = '', atLeast, atMost } = goal
  const name = what === '' ? against : `${against} ${what}`
  if (atLeast !== undefined) {
    const ratio = spread(pairs.map(([ours, theirs]) => ours / theirs))
    return { wanted: `≥ ${atLeast}× ${name}`, reached: times(ratio), isMet: ratio.median >= atLeast }
  }
  const ratio = spread(pairs.map(([ours, theirs]) => theirs / ours))
  return { wanted: `≤ ${atMost}× ${name}`, reached: times(ratio), isMet: ratio.median <= atMost! }
}

function times({ median, min, max }: Spread): string {
  const short = (value: number) => (value >= 10 ? value.toFixed(1) : value.toFixed(2))
  return min === max ? `${short(median)}×` : `${short(median)}× (${short(min)}–${short(max)})`
}
