/** The tables of the wire benchmark: columns of each, and the lines above them. */
import { cpu, rate, ratioTo, times } from '../report/measured-cells.ts'
import { bytes, micros, milliseconds, OPERATION_NAMES, ratio } from '../report/quantities.ts'
import { runHeader } from '../report/run-header.ts'
import { type Column, markdownTable } from '../report/table.ts'
import type { Summary } from '../rounds/summary.ts'
import type { CaseResult, IdleResult, LargeResult, WireFacts } from './figures.ts'

const ALL_TIMES = ['p50Micros', 'p99Micros', 'p999Micros'] as const

export const CASE_COLUMNS: readonly Column<CaseResult>[] = [
  { title: '', width: 5, cell: (result) => OPERATION_NAMES[result.operation] },
  { title: 'durability', width: 21, cell: (result) => `${result.minivault} / ${result.redis}` },
  { title: 'value', width: 5, cell: (result) => bytes(result.valueBytes) },
  { title: 'connections', width: 11, cell: (result) => String(result.connections) },
  { title: 'pipeline', width: 8, cell: (result) => String(result.pipeline) },
  { title: 'CPU µs/op', width: 9, cell: cpu('minivault') },
  { title: 'redis', width: 7, cell: cpu('redis') },
  { title: 'ratio (range)', width: 17, cell: ratioTo('serverCpuMicrosPerOp', 'minivault', 'redis') },
  { title: 'ops/s', width: 7, cell: rate('minivault') },
  { title: 'redis', width: 7, cell: rate('redis') },
  { title: 'ratio (range)', width: 17, cell: ratioTo('opsPerSecond', 'minivault', 'redis') },
  { title: 'p50 · p99 · p99.9 ms', width: 20, cell: times('minivault', ALL_TIMES) },
  { title: 'redis', width: 20, cell: times('redis', ALL_TIMES) },
  { title: 'log files', width: 9, cell: (result) => String(result.segmentsBegun) },
]

const OTHER_COLUMNS: readonly Column<CaseResult>[] = [
  { title: '64 B, CPU µs/op', width: 5, cell: (result) => OPERATION_NAMES[result.operation] },
  { title: 'pipeline', width: 8, cell: (result) => String(result.pipeline) },
  { title: 'documented form', width: 15, cell: cpu('minivault') },
  { title: 'frame form', width: 10, cell: cpu('frames') },
  { title: 'frame / documented', width: 18, cell: ratioTo('serverCpuMicrosPerOp', 'frames', 'minivault') },
  { title: 'bare Node', width: 9, cell: cpu('floor') },
  { title: 'bare Node / redis', width: 17, cell: ratioTo('serverCpuMicrosPerOp', 'floor', 'redis') },
  { title: 'redis', width: 7, cell: cpu('redis') },
  { title: 'redis under redis-benchmark', width: 7, cell: cpu('redisBenchmark') },
  { title: 'its ops/s', width: 9, cell: rate('redisBenchmark') },
  { title: 'with our generator', width: 9, cell: rate('redis') },
]

export const LARGE_COLUMNS: readonly Column<LargeResult>[] = [
  { title: '', width: 3, cell: ({ operation }) => OPERATION_NAMES[operation] },
  { title: 'value', width: 7, cell: ({ valueBytes }) => bytes(valueBytes) },
  { title: 'MB/s', width: 6, cell: (result) => result.minivaultMegabytesPerSecond.median.toFixed(0) },
  { title: 'piped', width: 6, cell: (result) => result.pipeMegabytesPerSecond.median.toFixed(0) },
  { title: 'ratio (range)', width: 17, cell: (result) => ratio(result.ratio) },
  { title: 'CPU ms', width: 6, cell: (result) => (result.minivaultCpuSeconds.median * 1000).toFixed(0) },
  { title: 'piped', width: 6, cell: (result) => (result.pipeCpuSeconds.median * 1000).toFixed(0) },
  { title: 'memory grown', width: 12, cell: (result) => megabytes(result.grownBytes) },
]

export const IDLE_COLUMNS: readonly Column<IdleResult>[] = [
  { title: '', width: 9, cell: ({ server }) => server },
  { title: 'idle connections', width: 16, cell: (result) => String(result.idleConnections) },
  { title: 'KB each', width: 7, cell: (result) => (result.bytesPerConnection / 1024).toFixed(2) },
  { title: 'p50 · p99 ms without', width: 20, cell: ({ alone }) => twoTimes(alone) },
  { title: 'with', width: 13, cell: ({ beside }) => twoTimes(beside) },
  { title: 'p99 ratio', width: 9, cell: (result) => idleRatio(result).toFixed(2) },
  { title: 'CPU µs/op without', width: 17, cell: ({ alone }) => micros(alone.serverCpuMicrosPerOp) },
  { title: 'with', width: 6, cell: ({ beside }) => micros(beside.serverCpuMicrosPerOp) },
]

export function idleRatio({ alone, beside }: IdleResult): number {
  return beside.p99Micros.median / alone.p99Micros.median
}

export function megabytes(value: number): string {
  return `${(value / 1e6).toFixed(1)} MB`
}

function twoTimes({ p50Micros, p99Micros }: Summary): string {
  return [p50Micros, p99Micros].map(milliseconds).join(' · ')
}

export function caseTable(results: readonly CaseResult[]): string {
  return markdownTable(CASE_COLUMNS, results, 2)
}

export function otherTable(results: readonly CaseResult[]): string {
  const rows = results.filter(({ others }) => others.length > 0)
  return rows.length === 0 ? '' : markdownTable(OTHER_COLUMNS, rows, 1)
}

export function largeTable(results: readonly LargeResult[]): string {
  return results.length === 0 ? '' : markdownTable(LARGE_COLUMNS, results, 1)
}

export function idleTable(results: readonly IdleResult[]): string {
  return results.length === 0 ? '' : markdownTable(IDLE_COLUMNS, results, 1)
}

export function wireHeader(facts: WireFacts): string {
  return runHeader(facts, `redis-server ${facts.redisVersion}`)
}
