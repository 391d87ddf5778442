/** What the cluster was to reach, and what it did. */
import { type JudgedTarget, judgeRatio, targetTable, verdict } from '../report/judged-target.ts'
import { bytes } from '../report/quantities.ts'
import { ratioOf } from '../rounds/summary.ts'
import {
  type ClusterCaseResult,
  type ClusterResult,
  type ConvergeResult,
  type HealResult,
  INCIDENTS,
  type Incident,
  type IncidentResult,
  type JoinResult,
  type RegionsResult,
} from './figures.ts'
import { bytesRatio, INCIDENT_WORDS, millis, ranged } from './report.ts'

const ETCD_RATIO_MIN = 5
const SINGLE_RATIO_MAX = 5
const CONVERGE_MS_MAX = 50
const INCIDENT_MS_MAX = 100
const HEAL_SECONDS_MAX = 5
const HEAL_BYTES_MAX = 2
const JOIN_P99_MAX = 3
const JOIN_BYTES_MAX = 1.1
const FAR_P50_MAX = 1.2
const ARRIVAL_MS_MAX = 150

export function judgeTargets(results: readonly ClusterResult[]): JudgedTarget[] {
  const find = (durability: string, valueBytes: number, pipeline: number) =>
    results.find(
      (one): one is ClusterCaseResult =>
        one.part === 'case' &&
        one.operation === 'set' &&
        one.level === 'quorum' &&
        one.away === 'nobody' &&
        !one.isThroughOne &&
        one.durability === durability &&
        one.valueBytes === valueBytes &&
        one.pipeline === pipeline,
    )
  const beside = (one: ClusterCaseResult | undefined, rival: 'etcd' | 'single') =>
    one && ratioOf(one, rival === 'etcd' ? 'opsPerSecond' : 'serverCpuMicrosPerOp', 'trio', rival)
  const single = (valueBytes: number) => {
    const what = `SET ${bytes(valueBytes)} at os, pipeline 16, CPU of all nodes beside the single one`
    return judgeRatio(what, { must: SINGLE_RATIO_MAX }, beside(find('os', valueBytes, 16), 'single'), null)
  }
  const fsync = beside(find('fsync', 1024, 1), 'etcd')
  const toReach = { must: ETCD_RATIO_MIN, sign: '≥' } as const
  return [
    judgeRatio('SET 1 KB at fsync, 50 connections, ops/s beside etcd', toReach, fsync, null),
    single(64),
    single(1024),
    ...[false, true].map((isLoaded) => judgeConvergence(results, isLoaded)),
    ...INCIDENTS.map((incident) => judgeIncident(results, incident)),
    ...(['hints', 'trees'] as const).flatMap((by) => judgeHealing(results, by)),
    ...judgeJoin(results),
    ...judgeRegions(results),
  ]
}

function judgeConvergence(results: readonly ClusterResult[], isLoaded: boolean): JudgedTarget {
  const found = results.find(
    (one): one is ConvergeResult => one.part === 'converge' && one.isLoaded === isLoaded,
  )
  return {
    what: `all members show a write, ${isLoaded ? '50 connections writing' : 'no load'}, p99`,
    must: `≤ ${CONVERGE_MS_MAX} ms`,
    stretch: '',
    reached: found ? `${millis(found.p99Micros)} ms` : '',
    verdict: verdict(found && found.p99Micros <= CONVERGE_MS_MAX * 1000),
    beside: '',
  }
}

function judgeIncident(results: readonly ClusterResult[], incident: Incident): JudgedTarget {
  const found = results.find(
    (one): one is IncidentResult => one.part === 'incident' && one.incident === incident,
  )
  // Of a rolling restart only that nothing fails is asked for.
  const isTimed = incident !== 'restarted'
  const isInTime = !isTimed || (found?.p99Micros ?? 0) <= INCIDENT_MS_MAX * 1000
  return {
    what: `our client, ${INCIDENT_WORDS[incident]}: failed calls${isTimed ? ', p99' : ''}`,
    must: isTimed ? `0, ≤ ${INCIDENT_MS_MAX} ms` : '0',
    stretch: '',
    reached: found ? `${found.failed}, ${millis(found.p99Micros)} ms` : '',
    verdict: verdict(found && found.failed === 0 && isInTime),
    beside: '',
  }
}

function judgeHealing(results: readonly ClusterResult[], by: HealResult['by']): JudgedTarget[] {
  const found = results.find((one): one is HealResult => one.part === 'heal' && one.by === by)
  const what = found ? `${found.differing} of ${found.keys} keys healed by ${by}` : `keys healed by ${by}`
  const byteRatio = found && bytesRatio(found)
  return [
    {
      what: `${what}, time`,
      must: `≤ ${HEAL_SECONDS_MAX} s`,
      stretch: '',
      reached: found ? ranged(found.seconds, ' s') : '',
      verdict: verdict(found && found.seconds.median <= HEAL_SECONDS_MAX),
      beside: '',
    },
    judgeRatio(`${what}, bytes beside those of the records`, { must: HEAL_BYTES_MAX }, byteRatio, null),
  ]
}

function judgeJoin(results: readonly ClusterResult[]): JudgedTarget[] {
  const found = results.find((one): one is JoinResult => one.part === 'join')
  const what = found ? `a fourth joins, ${found.keys} keys` : 'a fourth joins'
  const row = (name: string, most: number, value: number | undefined): JudgedTarget => {
    const reached = value === undefined ? '' : `${value.toFixed(2)}×`
    const isReached = value === undefined ? undefined : value <= most
    return {
      what: `${what}: ${name}`,
      must: `≤ ${most}×`,
      stretch: '',
      reached,
      verdict: verdict(isReached),
      beside: '',
    }
  }
  const failed: JudgedTarget = {
    what: `${what}: failed calls of our client`,
    must: '0',
    stretch: '',
    reached: found ? `${found.failed}` : '',
    verdict: verdict(found && found.failed === 0),
    beside: '',
  }
  return [
    failed,
    row('p99 beside the quiet one', JOIN_P99_MAX, found && found.joining.p99Micros / found.quiet.p99Micros),
    row('bytes beside those of its records', JOIN_BYTES_MAX, found && found.bytes / found.neededBytes),
  ]
}

function judgeRegions(results: readonly ClusterResult[]): JudgedTarget[] {
  const found = results.find((one): one is RegionsResult => one.part === 'regions')
  const ratio = found && found.federated.p50Micros / found.near.p50Micros
  const arrival = found?.arrival.p99Micros
  return [
    {
      what: 'federated write beside that of one region, p50',
      must: `≤ ${FAR_P50_MAX}×`,
      stretch: '',
      reached: ratio === undefined ? '' : `${ratio.toFixed(2)}×`,
      verdict: verdict(ratio === undefined ? undefined : ratio <= FAR_P50_MAX),
      beside: '',
    },
    {
      what: `another region${found ? `, ${found.farMs} ms away,` : ''} shows a write, p99`,
      must: `≤ ${ARRIVAL_MS_MAX} ms`,
      stretch: '',
      reached: arrival === undefined ? '' : `${millis(arrival)} ms`,
      verdict: verdict(arrival === undefined ? undefined : arrival <= ARRIVAL_MS_MAX * 1000),
      beside: '',
    },
  ]
}

export function clusterTargetTable(results: readonly ClusterResult[], isComplete: boolean): string {
  return targetTable(judgeTargets(results), isComplete, { what: 'three nodes', beside: '' })
}
