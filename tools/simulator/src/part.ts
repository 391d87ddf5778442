/** A share of a campaign, as its process is told. */
import * as cluster from '@minivault/cluster'
import { runCampaign } from './campaign.ts'
import { calmPlan, drawPlan } from './plan/draw-plan.ts'
import { withPatience } from './plan/patience.ts'
import type { Plan } from './plan/plan.ts'
import { type Swarm, swarmPlan } from './plan/swarms.ts'
import type { Tally } from './tally.ts'

/** What is drawn from a seed. */
export interface Drawn {
  readonly isCalm: boolean
  readonly swarm?: Swarm | undefined
}

export interface Part extends Drawn {
  readonly first: number
  readonly seeds: number
}

export function runPart(part: Part, onRun: (tally: Tally) => boolean): Tally {
  const { first, seeds } = part
  return runCampaign({ cluster, first, seeds, planOf: (seed) => planOf(part, seed), onRun })
}

export function planOf({ isCalm, swarm }: Drawn, seed: number): Plan {
  if (swarm !== undefined) return withPatience(swarmPlan(swarm, seed))
  return isCalm ? calmPlan(seed) : withPatience(drawPlan(seed))
}
