/**
 * Rounds in an order drawn anew each time, so that nobody always follows the same one. A contestant's CPU is
 * that of all its processes from the beginning of its round until a moment after it: what its members tell
 * each other behind the last answer is its own, what they do while another one is measured is nobody's.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { LoadFigures } from '../load/load-figures.ts'
import { type Measured, type RoundFigures, summarise, withAfterwards } from '../rounds/summary.ts'
import { readCpuSeconds } from '../servers/server-process.ts'
import { shuffled } from '../shuffled.ts'
import type { ClusterContestant } from './figures.ts'

const AFTERWARDS_MS = 300

export interface ClusterRunner {
  readonly name: ClusterContestant
  readonly pids: readonly number[]
  readonly measure: (seconds: number) => Promise<LoadFigures>
}

export async function measureClusterRounds(
  runners: readonly ClusterRunner[],
  roundCount: number,
  seconds: number,
): Promise<Measured<ClusterContestant>> {
  const rounds: Partial<Record<ClusterContestant, RoundFigures[]>> = {}
  for (let round = 0; round < roundCount; round++) {
    for (const index of shuffled(runners.length, round + 1)) {
      const { name, pids, measure } = runners[index]!
      const figures = await measure(seconds)
      const before = readCpuSeconds(...pids)
      await sleep(AFTERWARDS_MS)
      const list = rounds[name] ?? []
      list.push(withAfterwards(figures, readCpuSeconds(...pids) - before))
      rounds[name] = list
    }
  }
  const summaries = Object.entries(rounds).map(([name, list]) => [name, summarise(list)])
  return { summaries: Object.fromEntries(summaries), rounds }
}
