/** One plan, run and judged. */

import { judge, type Verdict, type Violation } from './judges/verdict.ts'
import type { Plan } from './plan/plan.ts'
import { mix } from './random.ts'
import type { History } from './world/history.ts'
import type { ClusterPackage } from './world/member.ts'
import { type Observer, World } from './world/world.ts'

export interface RunResult extends Verdict {
  readonly history: History
  /** Equal for equal runs. */
  readonly digest: number
  readonly happenings: number
}

export interface RunOptions {
  readonly observers?: readonly Observer[]
  readonly searchesAll?: boolean
}

export function runPlan(plan: Plan, cluster: ClusterPackage, options: RunOptions = {}): RunResult {
  const world = new World(plan, cluster, options.observers ?? [])
  const thrown = attempt(world)
  const verdict = judge(world, options.searchesAll ?? false)
  const { network, timeline, history } = world
  const violations = thrown === null ? verdict.violations : [thrown]
  const digest = mix(network.digest, timeline.count, history.operations.length)
  return { ...verdict, violations, history, digest, happenings: timeline.count }
}

/** A core that throws has broken. */
function attempt(world: World): Violation | null {
  try {
    world.run()
    return null
  } catch (error) {
    const where = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { judge: 'core', key: 0, why: where.split('\n').slice(0, 4).join(' ') }
  }
}
