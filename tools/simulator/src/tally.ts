/** What a campaign adds up: of many runs, in several processes. Plain data, so that it travels. */
import type { Counts, State } from './coverage.ts'
import type { Violation } from './judges/verdict.ts'
import type { History } from './world/history.ts'
import type { Operation } from './world/operation.ts'

export interface Failure {
  readonly seed: number
  readonly violations: readonly Violation[]
}

export interface Rounds {
  operations: number
  rounds: number
}

export interface Tally {
  runs: number
  operations: number
  acknowledged: number
  writes: number
  writesInDoubt: number
  happenings: number
  undecided: number
  searched: number
  /** Run twice, with different results. */
  unequal: number
  failures: Failure[]
  coverage: Counts
  /** Message rounds by kind; a conditional write's by its answer, too. */
  rounds: Record<string, Rounds>
}

export function emptyTally(): Tally {
  return {
    runs: 0,
    operations: 0,
    acknowledged: 0,
    writes: 0,
    writesInDoubt: 0,
    happenings: 0,
    undecided: 0,
    searched: 0,
    unequal: 0,
    failures: [],
    coverage: {},
    rounds: {},
  }
}

export function addHistory(tally: Tally, { operations }: History): void {
  for (const operation of operations) {
    const { ending, isRead, rounds } = operation
    tally.operations += 1
    if (!isRead) tally.writes += 1
    if (!isRead && ending === 'doubt') tally.writesInDoubt += 1
    if (ending !== 'ok' && ending !== 'no') continue
    tally.acknowledged += 1
    const sum = (tally.rounds[kindOf(operation)] ??= { operations: 0, rounds: 0 })
    sum.operations += 1
    sum.rounds += rounds
  }
}

function kindOf({ start, isConditional, ending }: Operation): string {
  if (!isConditional) return start.kind
  return ending === 'ok' ? 'conditional yes' : 'conditional no'
}

export function addCoverage(tally: Tally, counts: Counts): void {
  for (const [state, count] of Object.entries(counts)) {
    const name = state as State
    tally.coverage[name] = (tally.coverage[name] ?? 0) + count
  }
}

export function addTally(into: Tally, other: Tally): void {
  for (const name of COUNTED) into[name] += other[name]
  into.failures.push(...other.failures)
  addCoverage(into, other.coverage)
  for (const [kind, { operations, rounds }] of Object.entries(other.rounds)) {
    const sum = (into.rounds[kind] ??= { operations: 0, rounds: 0 })
    sum.operations += operations
    sum.rounds += rounds
  }
}

const COUNTED = [
  'runs',
  'operations',
  'acknowledged',
  'writes',
  'writesInDoubt',
  'happenings',
  'undecided',
  'searched',
  'unequal',
] as const
