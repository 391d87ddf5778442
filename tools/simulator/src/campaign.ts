/** Many seeds, one after the other. Some are run twice, and must not differ; some are searched in full. */
import { Coverage } from './coverage.ts'
import type { Plan } from './plan/plan.ts'
import { runPlan } from './run.ts'
import { addCoverage, addHistory, emptyTally, type Tally } from './tally.ts'
import type { ClusterPackage } from './world/member.ts'

const TWICE_EVERY = 25
const SEARCHED_EVERY = 20

export interface CampaignOptions {
  readonly cluster: ClusterPackage
  readonly first: number
  readonly seeds: number
  readonly planOf: (seed: number) => Plan
  /** True: that is enough. */
  readonly onRun?: (tally: Tally) => boolean
}

export function runCampaign({ cluster, first, seeds, planOf, onRun }: CampaignOptions): Tally {
  const tally = emptyTally()
  for (let seed = first; seed < first + seeds; seed++) {
    const coverage = new Coverage()
    const plan = planOf(seed)
    const searchesAll = seed % SEARCHED_EVERY === 0
    const result = runPlan(plan, cluster, { observers: [coverage], searchesAll })
    tally.runs += 1
    tally.happenings += result.happenings
    tally.undecided += result.undecided
    tally.searched += result.searched
    addHistory(tally, result.history)
    addCoverage(tally, coverage.counts)
    if (result.violations.length > 0) tally.failures.push({ seed, violations: result.violations })
    if (seed % TWICE_EVERY === 0 && runPlan(plan, cluster).digest !== result.digest) tally.unequal += 1
    if (onRun?.(tally) === true) break
  }
  return tally
}
