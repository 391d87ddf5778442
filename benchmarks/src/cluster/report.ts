/** The tables of the cluster benchmark: what was measured, and what was to be reached. */
import { type JudgedTarget, judgeRatio, targetTable, verdict } from '../report/judged-target.ts'
import { cpu, rate, ratioTo, times } from '../report/measured-cells.ts'
import { bytes, OPERATION_NAMES } from '../report/quantities.ts'
import { runHeader } from '../report/run-header.ts'
import { type Column, markdownTable } from '../report/table.ts'
import { ratioOf } from '../rounds/summary.ts'
import type { Spread } from '../spread.ts'
import type { ClusterCaseResult, ClusterFacts, ClusterResult, ConvergeResult, HealResult } from './figures.ts'

export const CASE_COLUMNS: readonly Column<ClusterCaseResult>[] = [
  { title: '', width: 4, cell: ({ operation }) => OPERATION_NAMES[operation] },
  { title: 'level', width: 6, cell: ({ level }) => level },
  {
    title: 'durability',
    width: 10,
    cell: ({ operation, durability }) => (operation === 'get' ? '' : durability),
  },
  { title: 'value', width: 5, cell: ({ valueBytes }) => bytes(valueBytes) },
  { title: 'pipeline', width: 8, cell: ({ pipeline }) => String(pipeline) },
  { title: 'asked', width: 9, cell: askedCell },
  { title: 'CPU µs/op', width: 9, cell: cpu('trio') },
  { title: 'single', width: 7, cell: cpu('single') },
  { title: 'ratio (range)', width: 17, cell: ratioTo('serverCpuMicrosPerOp', 'trio', 'single') },
  { title: 'etcd', width: 7, cell: cpu('etcd') },
  { title: 'ops/s', width: 7, cell: rate('trio') },
  { title: 'single', width: 7, cell: rate('single') },
  { title: 'etcd', width: 7, cell: rate('etcd') },
  { title: 'ratio (range)', width: 17, cell: ratioTo('opsPerSecond', 'trio', 'etcd') },
  { title: 'p50 · p99 ms', width: 13, cell: times('trio') },
  { title: 'single', width: 13, cell: times('single') },
  { title: 'etcd', width: 13, cell: times('etcd') },
]

export const CONVERGE_COLUMNS: readonly Column<ConvergeResult>[] = [
  {
    title: 'all members show a write',
    width: 24,
    cell: ({ isLoaded }) => (isLoaded ? 'under load' : 'no load'),
  },
  { title: 'writes', width: 6, cell: ({ writes }) => String(writes) },
  { title: 'when first asked', width: 16, cell: ({ writes, shownAtOnce }) => share(shownAtOnce / writes) },
  { title: 'p50 ms', width: 7, cell: ({ p50Micros }) => millis(p50Micros) },
  { title: 'p99 ms', width: 7, cell: ({ p99Micros }) => millis(p99Micros) },
  { title: 'longest ms', width: 10, cell: ({ maxMicros }) => millis(maxMicros) },
]

export const HEAL_COLUMNS: readonly Column<HealResult>[] = [
  { title: 'healed by', width: 9, cell: ({ by }) => by },
  { title: 'keys', width: 9, cell: ({ keys }) => String(keys) },
  { title: 'differing', width: 9, cell: ({ differing }) => String(differing) },
  { title: 'value', width: 6, cell: ({ valueBytes }) => bytes(valueBytes) },
  { title: 'seconds (range)', width: 17, cell: ({ seconds }) => ranged(seconds, '') },
  {
    title: 'beside the records, bytes (range)',
    width: 33,
    cell: (result) => ranged(bytesRatio(result), '×'),
  },
]

export function clusterHeader(facts: ClusterFacts): string {
  return runHeader(facts, `etcd ${facts.etcdVersion}, asked over gRPC`)
}

export function caseTable(results: readonly ClusterResult[]): string {
  const cases = results.filter((result) => result.part === 'case')
  return cases.length === 0 ? '' : markdownTable(CASE_COLUMNS, cases, 3)
}

export function convergeTable(results: readonly ClusterResult[]): string {
  const rows = results.filter((result) => result.part === 'converge')
  return rows.length === 0 ? '' : markdownTable(CONVERGE_COLUMNS, rows, 1)
}

export function healTable(results: readonly ClusterResult[]): string {
  const rows = results.filter((result) => result.part === 'heal')
  return rows.length === 0 ? '' : markdownTable(HEAL_COLUMNS, rows, 1)
}

const ETCD_RATIO_MIN = 5
const SINGLE_RATIO_MAX = 5
const CONVERGE_MS_MAX = 50
const HEAL_SECONDS_MAX = 5
const HEAL_BYTES_MAX = 2

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
    ...(['hints', 'trees'] as const).flatMap((by) => judgeHealing(results, by)),
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

export function clusterTargetTable(results: readonly ClusterResult[], isComplete: boolean): string {
  return targetTable(judgeTargets(results), isComplete, { what: 'three nodes', beside: '' })
}

function askedCell({ isThroughOne, away }: ClusterCaseResult): string {
  if (away !== 'nobody') return `two, the third ${away}`
  return isThroughOne ? 'one' : 'all three'
}

function bytesRatio({ bytes: { median, min, max }, differingBytes }: HealResult): Spread {
  return { median: median / differingBytes, min: min / differingBytes, max: max / differingBytes }
}

function ranged({ median, min, max }: Spread, unit: string): string {
  return `${median.toFixed(2)}${unit} (${min.toFixed(2)}–${max.toFixed(2)})`
}

function millis(value: number): string {
  return (value / 1000).toFixed(2)
}

function share(value: number): string {
  return `${(value * 100).toFixed(0)} %`
}
