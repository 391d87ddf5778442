/** Simulated histories, run once for all rows that look at them. */
import { availableParallelism } from 'node:os'
import { type Judge, runJobs, type Tally } from '@minivault/simulator'
import type { Context } from '../row.ts'

const kept = new Map<string, Promise<Tally>>()

/** So many histories from the first seed of the context, with all judges. */
export function histories(context: Context, seeds: number): Promise<Tally> {
  const { seed: first, profile } = context
  const name = `${first} ${seeds}`
  // Hours are worth processes; minutes are not.
  const jobs = profile === 'long' ? availableParallelism() : 1
  const tally =
    kept.get(name) ?? runJobs({ first, seeds, isCalm: false }, jobs, (runs) => context.progress(runs, seeds))
  kept.set(name, tally)
  return tally
}

/** A line for each history in which one of these judges, and no other, has the word. */
export function foundBy(tally: Tally, isMeant: (judge: Judge) => boolean): string[] {
  return tally.failures.flatMap(({ seed, violations }) => {
    const [first] = violations.filter(({ judge }) => isMeant(judge))
    return first === undefined ? [] : [`seed ${seed}: ${first.judge}, key ${first.key}: ${first.why}`]
  })
}
