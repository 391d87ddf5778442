/** A share of a campaign, as its process is told. */
import * as cluster from '@minivault/cluster'
import { runCampaign } from './campaign.ts'
import { calmPlan, drawPlan } from './plan/draw-plan.ts'
import type { Tally } from './tally.ts'

export interface Part {
  readonly first: number
  readonly seeds: number
  readonly isCalm: boolean
}

export function runPart({ first, seeds, isCalm }: Part, onRun: (tally: Tally) => boolean): Tally {
  return runCampaign({ cluster, first, seeds, planOf: isCalm ? calmPlan : drawPlan, onRun })
}
