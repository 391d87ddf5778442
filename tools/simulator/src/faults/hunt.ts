/** Looks for a fault seed by seed until one is red; and makes that one small. */

import * as cluster from '@minivault/cluster'
import type { Violation } from '../judges/verdict.ts'
import type { Plan } from '../plan/plan.ts'
import { runPlan } from '../run.ts'
import { shrink } from '../shrink.ts'
import type { ClusterPackage } from '../world/member.ts'
import { type Fault, planFor } from './fault.ts'

export interface Found {
  /** Seeds that were tried until it was found, that one among them. */
  readonly seeds: number
  readonly seed: number
  readonly violation: Violation
  readonly plan: Plan
}

export interface Hunt {
  readonly first: number
  readonly seeds: number
  /** Of those found so far the smallest is taken, or the first that is not larger than this. */
  readonly itemsMax: number
}

const FOUND_MAX = 4

/** Null: it is not found. */
export function hunt(fault: Fault, broken: ClusterPackage, { first, seeds, itemsMax }: Hunt): Found | null {
  let smallest: Found | null = null
  let count = 0
  for (let seed = first; seed < first + seeds && count < FOUND_MAX; seed++) {
    const found = huntIn(fault, broken, seed)
    if (found === null) continue
    count += 1
    const tried: number = smallest?.seeds ?? seed - first + 1
    const isSmaller: boolean = smallest === null || found.plan.items.length < smallest.plan.items.length
    smallest = isSmaller ? { ...found, seeds: tried } : smallest
    if (found.plan.items.length <= itemsMax) break
  }
  return smallest
}

function huntIn(fault: Fault, broken: ClusterPackage, seed: number): Omit<Found, 'seeds'> | null {
  const plan = planFor(fault, seed)
  const violation = violationOf(plan, broken)
  if (violation === null) return null
  // Of the fault, and not of the core as it is.
  const isOfFault = (one: Plan) => fault.planted === null || violationOf(one, cluster) === null
  if (!isOfFault(plan)) return null
  const { judge } = violation
  const fails = (smaller: Plan) => violationOf(smaller, broken)?.judge === judge && isOfFault(smaller)
  return { seed, violation, plan: shrink(plan, fails).plan }
}

export function violationOf(plan: Plan, broken: ClusterPackage): Violation | null {
  return runPlan(plan, broken).violations[0] ?? null
}
