/** Looks for a fault seed by seed until one is red; and makes that one small. */

import * as cluster from '@minivault/cluster'
import type { Violation } from '../judges/verdict.ts'
import type { Plan } from '../plan/plan.ts'
import { runPlan } from '../run.ts'
import { shrink } from '../shrink.ts'
import type { ClusterPackage } from '../world/member.ts'
import { type Fault, planFor } from './fault.ts'

export interface Found {
  /** Seeds that were tried, this one among them. */
  readonly seeds: number
  readonly seed: number
  readonly violation: Violation
  readonly plan: Plan
}

/** Null: it is not found. */
export function hunt(
  fault: Fault,
  broken: ClusterPackage,
  { first, seeds }: { first: number; seeds: number },
): Found | null {
  for (let seed = first; seed < first + seeds; seed++) {
    const plan = planFor(fault, seed)
    const violation = violationOf(plan, broken)
    if (violation === null) continue
    // Of the fault, and not of the core as it is.
    if (fault.planted !== null && violationOf(plan, cluster) !== null) continue
    const { judge } = violation
    const { plan: small } = shrink(plan, (smaller) => violationOf(smaller, broken)?.judge === judge)
    return { seeds: seed - first + 1, seed, violation, plan: small }
  }
  return null
}

export function violationOf(plan: Plan, broken: ClusterPackage): Violation | null {
  return runPlan(plan, broken).violations[0] ?? null
}
