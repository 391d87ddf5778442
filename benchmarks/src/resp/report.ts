/** The tables of the RESP benchmark: what was measured, and what was to be reached. */
import { type JudgedTarget, judgeRatio, targetTable } from '../report/judged-target.ts'
import { cpu, rate, ratioTo, times } from '../report/measured-cells.ts'
import { bytes } from '../report/quantities.ts'
import { runHeader } from '../report/run-header.ts'
import { type Column, markdownTable } from '../report/table.ts'
import { ratioOf } from '../rounds/summary.ts'
import { COMMANDS, type CommandName } from './commands.ts'
import type { RespCaseResult, RespFacts, RespResult } from './figures.ts'

export const COLUMNS: readonly Column<RespCaseResult>[] = [
  { title: '', width: 13, cell: ({ command }) => COMMANDS[command].title },
  { title: 'durability', width: 17, cell: ({ minivault, redis }) => `${minivault} / ${redis}` },
  { title: 'value', width: 5, cell: ({ valueBytes }) => bytes(valueBytes) },
  { title: 'pipeline', width: 8, cell: ({ pipeline }) => String(pipeline) },
  { title: 'CPU µs/op', width: 9, cell: cpu('minivault') },
  { title: 'redis', width: 7, cell: cpu('redis') },
  { title: 'ratio (range)', width: 17, cell: ratioTo('serverCpuMicrosPerOp', 'minivault', 'redis') },
  { title: 'ops/s', width: 7, cell: rate('minivault') },
  { title: 'redis', width: 7, cell: rate('redis') },
  { title: 'ratio (range)', width: 17, cell: ratioTo('opsPerSecond', 'minivault', 'redis') },
  { title: 'p50 · p99 ms', width: 12, cell: times('minivault') },
  { title: 'redis', width: 12, cell: times('redis') },
]

const OURS_COLUMNS: readonly Column<RespCaseResult>[] = [
  { title: 'our generator, CPU µs/op', width: 5, cell: ({ command }) => COMMANDS[command].title },
  { title: 'durability', width: 17, cell: ({ minivault, redis }) => `${minivault} / ${redis}` },
  { title: 'pipeline', width: 8, cell: ({ pipeline }) => String(pipeline) },
  { title: 'minivault', width: 9, cell: cpu('minivaultOurs') },
  { title: 'redis', width: 7, cell: cpu('redisOurs') },
  { title: 'ratio (range)', width: 17, cell: ratioTo('serverCpuMicrosPerOp', 'minivaultOurs', 'redisOurs') },
  { title: 'under redis-benchmark', width: 17, cell: ratioTo('serverCpuMicrosPerOp', 'minivault', 'redis') },
  { title: 'ops/s', width: 7, cell: rate('minivaultOurs') },
  { title: 'redis', width: 7, cell: rate('redisOurs') },
]

export function respHeader(facts: RespFacts): string {
  return runHeader(facts, `redis-server ${facts.redisVersion}, asked by redis-benchmark`)
}

export function caseTable(results: readonly RespCaseResult[]): string {
  return results.length === 0 ? '' : markdownTable(COLUMNS, results, 2)
}

export function oursTable(results: readonly RespCaseResult[]): string {
  const rows = results.filter(({ hasOurs }) => hasOurs)
  return rows.length === 0 ? '' : markdownTable(OURS_COLUMNS, rows, 2)
}

interface RespTarget {
  readonly what: string
  readonly command: CommandName
  readonly minivault: 'memory' | 'os'
  readonly stretch?: number
  /** By pipeline. */
  readonly must: Readonly<Record<number, number>>
}

const TARGETS: readonly RespTarget[] = [
  {
    what: 'GET at memory / no AOF',
    command: 'get',
    minivault: 'memory',
    stretch: 0.8,
    must: { 1: 1.1, 16: 1.1, 64: 0.95 },
  },
  {
    what: 'SET at memory / no AOF',
    command: 'set',
    minivault: 'memory',
    stretch: 0.8,
    must: { 1: 1.1, 16: 1.1, 64: 0.95 },
  },
  { what: 'SET at os / AOF everysec', command: 'set', minivault: 'os', must: { 16: 0.9, 64: 0.8 } },
]
const VALUE_BYTES = 64

export function judgeTargets(results: readonly RespResult[]): JudgedTarget[] {
  return TARGETS.flatMap(({ what, command, minivault, stretch, must }) =>
    Object.entries(must).map(([pipeline, line]) => {
      const result = results.find(
        (one): one is RespCaseResult =>
          one.part === 'case' &&
          one.command === command &&
          one.minivault === minivault &&
          one.pipeline === Number(pipeline) &&
          one.valueBytes === VALUE_BYTES,
      )
      const reached = result && ratioOf(result, 'serverCpuMicrosPerOp', 'minivault', 'redis')
      const ours = result && ratioOf(result, 'serverCpuMicrosPerOp', 'minivaultOurs', 'redisOurs')
      const name = `${what}, CPU an operation, pipeline ${pipeline}`
      return judgeRatio(name, { must: line, stretch }, reached, ours)
    }),
  )
}

export function respTargetTable(results: readonly RespResult[], isComplete: boolean): string {
  const titles = { what: 'minivault beside redis', beside: 'with our generator' }
  return targetTable(judgeTargets(results), isComplete, titles)
}
