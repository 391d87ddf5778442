/** All judges over a run. */
import type { World } from '../world/world.ts'
import { judgeCounters } from './counters.ts'
import { type KeyHistory, keyHistoryOf } from './key-history.ts'
import { judgeLinearizability, mayBeHidden } from './linearizability.ts'
import { judgeLostWrites } from './lost-writes.ts'
import { judgeRegions } from './regions.ts'
import { judgeConvergence, judgeLiveness } from './rest.ts'
import { judgeVersionOrder } from './version-order.ts'

export const JUDGES = [
  'order',
  'linearizability',
  'counters',
  'lost',
  'liveness',
  'convergence',
  'rest',
  'core',
  'regions',
  'epochs',
] as const
export type Judge = (typeof JUDGES)[number]

export interface Violation {
  readonly judge: Judge
  readonly key: number
  readonly why: string
}

export interface Verdict {
  readonly violations: readonly Violation[]
  /** Keys of which the search has not found out. */
  readonly undecided: number
  /** Keys that were searched. */
  readonly searched: number
}

/** @param searchesAll also where there is a witness, to compare the judges */
export function judge(world: World, searchesAll: boolean): Verdict {
  const violations: Violation[] = []
  let undecided = 0
  let searched = 0
  const [wrong] = world.phases.wrongs
  if (wrong !== undefined) violations.push({ judge: 'epochs', key: 0, why: wrong })
  if (!world.isAtRest) violations.push({ judge: 'rest', key: 0, why: 'it never comes to rest' })
  if (world.isAtRest && world.isMoving) violations.push({ judge: 'rest', key: 0, why: 'the keys still move' })
  const outsiders = world.mastered?.master.isUp === true ? world.mastered.outsiders : []
  if (outsiders.length > 0) violations.push({ judge: 'rest', key: 0, why: `${outsiders} never came in` })
  const isOfRegions = world.plan.setup.regions !== undefined
  for (const key of world.keys.keys()) {
    const history = keyHistoryOf(world.history, key)
    const found = isOfRegions ? judgeKeyOfRegions(world, history) : judgeKey(history, searchesAll)
    violations.push(...found.violations)
    undecided += found.undecided
    searched += found.searched
    judgeRest(world, history, violations)
  }
  return { violations, undecided, searched }
}

/** What clients saw of one key, whoever they asked. */
export function judgeKey(history: KeyHistory, searchesAll: boolean): Verdict {
  const { key } = history
  const violations: Violation[] = []
  const add = (name: Judge, why: string) => {
    if (why !== '') violations.push({ judge: name, key, why })
  }
  const order = judgeVersionOrder(history)
  // A delete that nobody was told of is in no order of versions; the search can put it somewhere.
  const mayLackOne = history.hidesAbsences === true && history.operations.some(mayBeHidden)
  if (!mayLackOne) add('order', order.why)
  const isSearched = (order.why !== '' || searchesAll) && !hasExpiries(history)
  const found = isSearched ? judgeLinearizability(history, order.seen) : 'yes'
  if (found === 'no') add('linearizability', whyNoOrder(order.why))
  add('counters', judgeCounters(history))
  add('lost', judgeLostWrites(history))
  // With a witness it is decided; the search only looks over its shoulder.
  const undecided = found === 'undecided' && order.why !== '' ? 1 : 0
  return { violations, undecided, searched: isSearched ? 1 : 0 }
}

function judgeKeyOfRegions(world: World, history: KeyHistory): Verdict {
  const { violations, undecided } = judgeRegions(world, history)
  const { key } = history
  return { violations: violations.map((why) => ({ judge: 'regions', key, why })), undecided, searched: 1 }
}

/** When exactly something is gone is a matter of clocks, and of no order. */
function hasExpiries({ operations }: KeyHistory): boolean {
  return operations.some(({ start }) => start.expiresAtMs > 0)
}

function judgeRest(world: World, history: KeyHistory, violations: Violation[]): void {
  if (!world.isAtRest) return
  const { key } = history
  const silence = judgeLiveness(history, world.members.filter(({ isUp }) => isUp).length)
  if (silence !== '') violations.push({ judge: 'liveness', key, why: silence })
  const difference = judgeConvergence(world, key)
  if (difference !== '') violations.push({ judge: 'convergence', key, why: difference })
}

function whyNoOrder(order: string): string {
  return order === '' ? 'there is a witness, and the search finds no order' : `no order is right (${order})`
}
