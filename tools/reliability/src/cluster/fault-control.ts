/**
 * A fault of the simulator as a control of the scorecard: histories over the core with the fault, from the
 * seed that is known to show it, until one is red that is good over the core as it is. A fault of which no
 * seed is known is hunted in the longer profiles alone. What is too rare for seeds its scenario
 * has to show, or a plan that was kept.
 */
import * as cluster from '@minivault/cluster'
import {
  type ClusterPackage,
  clusterWith,
  type Fault,
  keptPlanFor,
  type Plan,
  planFor,
  runPlan,
  shownBy,
  type Violation,
} from '@minivault/simulator'
import { type Context, type Control, type Findings, PROFILES, type Profile } from '../row.ts'
import { RED_SEEDS } from './red-seeds.ts'

/** Within so many it has to be found; `smoke` begins at the seed that is known, and looks little further. */
const SEEDS_MAX: Readonly<Record<Profile, number>> = { smoke: 300, ci: 2000, long: 2000 }

/** Which histories are looked at, and what counts as red. */
export interface Look {
  readonly planOf: (seed: number) => Plan
  readonly violationsOf: (plan: Plan, cluster: ClusterPackage) => readonly Violation[]
}

export function allViolations(plan: Plan, of: ClusterPackage): readonly Violation[] {
  return runPlan(plan, of).violations
}

export function faultControl(fault: Fault): Control {
  const name = `${fault.name}: ${fault.what}`
  if (fault.scenario !== undefined) return scenarioControl(name, fault)
  const kept = keptPlanFor(fault)
  if (kept !== null) return planControl(name, fault, kept)
  const look = { planOf: (seed: number) => planFor(fault, seed), violationsOf: allViolations }
  return control(name, fault, look)
}

function scenarioControl(name: string, fault: Fault): Control {
  return {
    fault: name,
    async run(context: Context): Promise<Findings> {
      const folder = context.folder()
      await clusterWith(fault, folder)
      const difference = await shownBy(fault, folder)
      if (difference === null) return { n: 1, failures: [] }
      const { line, wanted, came } = difference
      return { n: 1, failures: [`scenario ${fault.scenario}, line ${line}: ${came} in place of ${wanted}`] }
    },
  }
}

export function control(name: string, fault: Fault, look: Look): Control {
  const isKnown = Object.hasOwn(RED_SEEDS, fault.name)
  return {
    fault: name,
    profiles: PROFILES.filter((profile) => isKnown || profile !== 'smoke'),
    async run(context: Context): Promise<Findings> {
      const broken = await clusterWith(fault, context.folder())
      const { profile, seed } = context
      const first = profile === 'smoke' ? (RED_SEEDS[fault.name] ?? seed) : seed
      return hunt(fault, broken, look, { first, seeds: SEEDS_MAX[profile] })
    },
  }
}

function planControl(name: string, fault: Fault, plan: Plan): Control {
  return {
    fault: name,
    async run(context: Context): Promise<Findings> {
      const violations = allViolations(plan, await clusterWith(fault, context.folder()))
      const failures = violations.map(({ judge, why }) => `plan ${fault.keptPlan}: ${judge}: ${why}`)
      return { n: 1, failures: failures.slice(0, 1) }
    },
  }
}

interface Range {
  readonly first: number
  readonly seeds: number
}

function hunt(
  { planted }: Fault,
  broken: ClusterPackage,
  { planOf, violationsOf }: Look,
  { first, seeds }: Range,
): Findings {
  for (let n = 1; n <= seeds; n++) {
    const seed = first + n - 1
    const plan = planOf(seed)
    const [violation] = violationsOf(plan, broken)
    if (violation === undefined) continue
    // Of the fault, and not of the core as it is; a client's fault is in the plan.
    if (planted !== null && violationsOf(plan, cluster).length > 0) continue
    const { judge, key, why } = violation
    return { n, failures: [`seed ${seed}: ${judge}, key ${key}: ${why}`] }
  }
  return { n: seeds, failures: [] }
}
