/**
 * The cases of the cluster. Those of one durability and size share three nodes, a single one and three
 * members of etcd; all are filled, and each case is warmed.
 */
import type { Run } from '../run.ts'
import type { ClusterOptions } from './cluster-options.ts'
import { type ClusterRunner, measureClusterRounds } from './cluster-rounds.ts'
import { Contestants } from './contestants.ts'
import type { Away, ClusterCase, ClusterCaseResult, ClusterResult } from './figures.ts'
import { CONNECTIONS } from './plan.ts'

/** As much as etcd's windows take at 1 KB. */
const FILL_PIPELINE = 16
const WARM_SECONDS = 0.3
/** Before the first case: compiled code in every member, of which each has a part of two cores. */
const FIRST_WARM_ROUNDS = 6

export async function measureGroup(
  cases: readonly ClusterCase[],
  options: ClusterOptions,
  run: Pick<Run<ClusterResult>, 'attempt'>,
  onResult: (result: ClusterCaseResult) => void,
  from: 'build' | 'source' = 'build',
): Promise<void> {
  const [first] = cases as [ClusterCase]
  const names = [...new Set(cases.flatMap(({ contestants }) => contestants))]
  await using contestants = await Contestants.start(names, first.durability, from)
  const fill: ClusterCase = { ...first, operation: 'set', pipeline: FILL_PIPELINE, isThroughOne: false }
  for (const name of names) {
    await contestants.ask(name, fill, options.keyspace, 'once')
    await contestants.ask(name, fill, options.keyspace, FIRST_WARM_ROUNDS * options.seconds)
  }
  let isAway: Away = 'nobody'
  for (const one of cases) {
    await run.attempt(titleOf(one), async () => {
      if (one.away !== isAway) await contestants.takeAway(one)
      isAway = one.away
      onResult(await measureCase(one, contestants, options))
    })
  }
}

function titleOf({ operation, level, durability, valueBytes, pipeline, away }: ClusterCase): string {
  const words = `${operation} of ${valueBytes} bytes, ${level}, ${durability}, pipeline ${pipeline}`
  return away === 'nobody' ? words : `${words}, one ${away}`
}

async function measureCase(
  one: ClusterCase,
  contestants: Contestants,
  { keyspace, rounds, seconds }: ClusterOptions,
): Promise<ClusterCaseResult> {
  const runners: ClusterRunner[] = one.contestants.map((name) => ({
    name,
    pids: contestants.pids(name),
    measure: (time) => contestants.ask(name, one, keyspace, time),
  }))
  for (const { measure } of runners) await measure(Math.min(WARM_SECONDS, seconds))
  const measured = await measureClusterRounds(runners, rounds, seconds)
  return { part: 'case', ...one, connections: CONNECTIONS, keyspace, ...measured }
}
