/** The tables of the cluster benchmark. */
import { cpu, rate, ratioTo, times } from '../report/measured-cells.ts'
import { bytes, OPERATION_NAMES } from '../report/quantities.ts'
import { runHeader } from '../report/run-header.ts'
import { type Column, markdownTable } from '../report/table.ts'
import type { Spread } from '../spread.ts'
import type {
  ClusterCaseResult,
  ClusterFacts,
  ClusterResult,
  ConvergeResult,
  HealResult,
  Incident,
  IncidentResult,
  JoinResult,
  RegionsResult,
} from './figures.ts'

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

export const INCIDENT_WORDS: Readonly<Record<Incident, string>> = {
  killed: 'one member killed',
  frozen: 'one member frozen',
  restarted: 'all restarted, one by one',
}

export const INCIDENT_COLUMNS: readonly Column<IncidentResult>[] = [
  { title: 'our client, SET and GET', width: 25, cell: ({ incident }) => INCIDENT_WORDS[incident] },
  { title: 'calls', width: 7, cell: ({ operations }) => String(operations) },
  { title: 'failed', width: 6, cell: ({ failed }) => String(failed) },
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

export const JOIN_COLUMNS: readonly Column<JoinResult>[] = [
  { title: 'a fourth joins', width: 25, cell: ({ keys }) => `${keys} keys` },
  { title: 'seconds', width: 9, cell: ({ seconds }) => seconds.toFixed(1) },
  { title: 'MB', width: 7, cell: ({ bytes }) => (bytes / 1e6).toFixed(0) },
  { title: 'its records, MB', width: 15, cell: ({ neededBytes }) => (neededBytes / 1e6).toFixed(0) },
  { title: 'calls', width: 8, cell: ({ operations }) => `${operations}` },
  { title: 'failed', width: 6, cell: ({ failed, firstFailure }) => `${failed} ${firstFailure ?? ''}`.trim() },
  { title: 'p50 quiet, ms', width: 13, cell: ({ quiet }) => millis(quiet.p50Micros) },
  { title: 'p99', width: 7, cell: ({ quiet }) => millis(quiet.p99Micros) },
  { title: 'p50 joining', width: 11, cell: ({ joining }) => millis(joining.p50Micros) },
  { title: 'p99', width: 7, cell: ({ joining }) => millis(joining.p99Micros) },
  { title: 'max', width: 7, cell: ({ joining }) => millis(joining.maxMicros) },
]

export const REGIONS_COLUMNS: readonly Column<RegionsResult>[] = [
  {
    title: 'writes beside far regions',
    width: 30,
    cell: ({ regions, farMs }) => `${regions} regions, ${farMs} ms each way`,
  },
  { title: 'writes', width: 7, cell: ({ federated }) => `${federated.writes}` },
  { title: 'p50 ms', width: 7, cell: ({ federated }) => millis(federated.p50Micros) },
  { title: 'p99', width: 7, cell: ({ federated }) => millis(federated.p99Micros) },
  { title: 'one region, p50', width: 15, cell: ({ near }) => millis(near.p50Micros) },
  { title: 'p99', width: 7, cell: ({ near }) => millis(near.p99Micros) },
  { title: 'there after, p50', width: 16, cell: ({ arrival }) => millis(arrival.p50Micros) },
  { title: 'p99', width: 7, cell: ({ arrival }) => millis(arrival.p99Micros) },
  { title: 'max', width: 7, cell: ({ arrival }) => millis(arrival.maxMicros) },
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

export function incidentTable(results: readonly ClusterResult[]): string {
  const rows = results.filter((result) => result.part === 'incident')
  return rows.length === 0 ? '' : markdownTable(INCIDENT_COLUMNS, rows, 1)
}

export function healTable(results: readonly ClusterResult[]): string {
  const rows = results.filter((result) => result.part === 'heal')
  return rows.length === 0 ? '' : markdownTable(HEAL_COLUMNS, rows, 1)
}

export function regionsTable(results: readonly ClusterResult[]): string {
  const rows = results.filter((result) => result.part === 'regions')
  return rows.length === 0 ? '' : markdownTable(REGIONS_COLUMNS, rows, 1)
}

export function joinTable(results: readonly ClusterResult[]): string {
  const rows = results.filter((result) => result.part === 'join')
  return rows.length === 0 ? '' : markdownTable(JOIN_COLUMNS, rows, 1)
}

function askedCell({ isThroughOne, away }: ClusterCaseResult): string {
  if (away !== 'nobody') return `two, the third ${away}`
  return isThroughOne ? 'one' : 'all three'
}

export function bytesRatio({ bytes: { median, min, max }, differingBytes }: HealResult): Spread {
  return { median: median / differingBytes, min: min / differingBytes, max: max / differingBytes }
}

export function ranged({ median, min, max }: Spread, unit: string): string {
  return `${median.toFixed(2)}${unit} (${min.toFixed(2)}–${max.toFixed(2)})`
}

export function millis(value: number): string {
  return (value / 1000).toFixed(2)
}

function share(value: number): string {
  return `${(value * 100).toFixed(0)} %`
}
