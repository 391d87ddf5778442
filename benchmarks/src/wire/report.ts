/** The tables of the wire benchmark: columns of each, and the lines above them. */
import type { Spread } from '../spread.ts'
import {
  type CaseResult,
  type ContestantName,
  type IdleResult,
  type LargeResult,
  ratioOf,
  type Summary,
  type WireFacts,
} from './figures.ts'
import { bytes, micros, milliseconds, OPERATION_NAMES, ratio, thousands } from './quantities.ts'
import { type Column, markdownTable } from './table.ts'

type Measure = keyof Summary

function of(result: CaseResult, name: ContestantName, measure: Measure, show: (value: Spread) => string) {
  const value = result.summaries[name]?.[measure]
  return value === undefined ? '' : show(value)
}

function latency(result: CaseResult, name: 'minivault' | 'redis'): string {
  const { p50Micros, p99Micros, p999Micros } = result.summaries[name]!
  return [p50Micros, p99Micros, p999Micros].map(milliseconds).join(' · ')
}

function cpu(name: ContestantName) {
  return (result: CaseResult) => of(result, name, 'serverCpuMicrosPerOp', micros)
}

function rate(name: ContestantName) {
  return (result: CaseResult) => of(result, name, 'opsPerSecond', thousands)
}

function ratioTo(measure: Measure, ours: ContestantName, theirs: ContestantName) {
  return (result: CaseResult) => ratio(ratioOf(result, measure, ours, theirs))
}

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
  { title: 'p50 · p99 · p99.9 ms', width: 20, cell: (result) => latency(result, 'minivault') },
  { title: 'redis', width: 20, cell: (result) => latency(result, 'redis') },
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

/** Three lines before the tables: what was run, where and how. */
export function runHeader(facts: WireFacts): string {
  const { cpu: model, cores, memoryGib, kernel } = facts
  const pinning = facts.pinned
    ? 'server on core 0, load generator on core 1 (taskset)'
    : 'no pinning: server and load generator share the cores'
  const minivault = `minivault ${facts.commit} on Node ${facts.nodeVersion}`
  const machine = `${model}, ${cores} cores, ${memoryGib} GiB, Linux ${kernel}`
  return (
    `${minivault} against redis-server ${facts.redisVersion}, ${facts.date.slice(0, 10)}\n` +
    `${machine}; data folders on ${facts.fileSystem}; ${pinning}\n` +
    `${facts.roundCount} rounds of ${facts.roundSeconds} s in turns, medians\n`
  )
}
