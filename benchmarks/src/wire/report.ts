/**
 * The figures as people read them: a plain table while the run goes on, a Markdown table for the documents.
 */
import type { MachineFacts } from '../machine.ts'
import type { Spread } from '../spread.ts'
import type { CaseResult } from './figures.ts'
import type { WireOptions } from './wire-options.ts'

export type WireFacts = MachineFacts & { readonly redisVersion: string }

type Column = readonly [title: string, cell: (result: CaseResult) => string]

const COLUMNS: readonly Column[] = [
  ['', (result) => result.operation.toUpperCase()],
  ['durability', (result) => `${result.minivault} / ${result.redis}`],
  ['bytes', (result) => String(result.valueBytes)],
  ['pipeline', (result) => String(result.pipeline)],
  ['CPU µs/op', (result) => cpu(result.minivaultFigures.serverCpuMicrosPerOp)],
  ['redis', (result) => cpu(result.redisFigures.serverCpuMicrosPerOp)],
  ['ratio (range)', (result) => ratio(result.cpuRatio)],
  ['ops/s', (result) => thousands(result.minivaultFigures.opsPerSecond)],
  ['redis ', (result) => thousands(result.redisFigures.opsPerSecond)],
  ['ratio (range) ', (result) => ratio(result.opsRatio)],
  ['p50 · p99 ms', (result) => latency(result.minivaultFigures)],
  ['redis  ', (result) => latency(result.redisFigures)],
]

const WIDTHS = [3, 21, 5, 8, 9, 6, 17, 7, 7, 17, 14, 14]

export function tableHeader(): string {
  return COLUMNS.map(([title], index) => title.trim().padStart(WIDTHS[index]!))
    .join('  ')
    .concat('\n')
}

export function caseLine(result: CaseResult): string {
  return COLUMNS.map(([, cell], index) => cell(result).padStart(WIDTHS[index]!))
    .join('  ')
    .concat('\n')
}

export function markdownTable(results: readonly CaseResult[]): string {
  const rows = [
    COLUMNS.map(([title]) => title.trim()),
    COLUMNS.map((_, index) => (index < 2 ? '---' : '--:')),
    ...results.map((result) => COLUMNS.map(([, cell]) => cell(result))),
  ]
  return rows.map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}

/** Three lines before the table: what was run, where and how. */
export function runHeader(facts: WireFacts, options: WireOptions, pinned: boolean): string {
  const { cpu: model, cores, memoryGib, kernel } = facts
  const pinning = pinned
    ? 'server on core 0, load generator on core 1 (taskset)'
    : 'no pinning: server and load generator share the cores'
  const minivault = `minivault ${facts.commit} on Node ${facts.nodeVersion}`
  const machine = `${model}, ${cores} cores, ${memoryGib} GiB, Linux ${kernel}`
  return (
    `${minivault} against redis-server ${facts.redisVersion}, ${facts.date.slice(0, 10)}\n` +
    `${machine}; data folders on ${facts.fileSystem}; ${pinning}\n` +
    `${options.connections} connections, ${options.keyspace} keys, ` +
    `${options.rounds} rounds of ${options.seconds} s in turns, medians\n`
  )
}

function cpu(value: Spread): string {
  return value.median.toFixed(2)
}

function ratio(value: Spread): string {
  return `${value.median.toFixed(2)} (${value.min.toFixed(2)}–${value.max.toFixed(2)})`
}

function thousands(value: Spread): string {
  return value.median >= 100_000
    ? `${Math.round(value.median / 1000)} k`
    : `${(value.median / 1000).toFixed(1)} k`
}

function latency(figures: { p50Micros: Spread; p99Micros: Spread }): string {
  const ms = (micros: Spread) => (micros.median / 1000).toFixed(micros.median < 10_000 ? 2 : 1)
  return `${ms(figures.p50Micros)} · ${ms(figures.p99Micros)}`
}
