/** The tables of the HTTP benchmark: what was measured, and what was to be reached. */
import { type JudgedTarget, judgeRatio, targetTable } from '../report/judged-target.ts'
import { cpu, rate, ratioTo, times } from '../report/measured-cells.ts'
import { bytes } from '../report/quantities.ts'
import { runHeader } from '../report/run-header.ts'
import { type Column, markdownTable } from '../report/table.ts'
import { ratioOf } from '../rounds/summary.ts'
import type { HttpCaseResult, HttpFacts, HttpResult } from './figures.ts'
import { KINDS, type RequestKind } from './requests.ts'

export const COLUMNS: readonly Column<HttpCaseResult>[] = [
  { title: '', width: 22, cell: ({ kind }) => KINDS[kind].title },
  { title: 'durability', width: 10, cell: durabilityOf },
  { title: 'value', width: 5, cell: ({ valueBytes }) => bytes(valueBytes) },
  { title: 'connections', width: 11, cell: ({ connections }) => String(connections) },
  { title: 'CPU µs/request', width: 14, cell: cpu('minivault') },
  { title: 'node:http', width: 9, cell: cpu('bare') },
  { title: 'ratio (range)', width: 17, cell: ratioTo('serverCpuMicrosPerOp', 'minivault', 'bare') },
  { title: 'requests/s', width: 10, cell: rate('minivault') },
  { title: 'node:http', width: 9, cell: rate('bare') },
  { title: 'ratio (range)', width: 17, cell: ratioTo('opsPerSecond', 'minivault', 'bare') },
  { title: 'p50 · p99 ms', width: 12, cell: times('minivault') },
  { title: 'node:http', width: 12, cell: times('bare') },
  { title: 'bare Node µs', width: 12, cell: cpu('floor') },
]

function durabilityOf({ kind, durability }: HttpCaseResult): string {
  return KINDS[kind].method === 'PUT' ? durability : ''
}

export function httpHeader(facts: HttpFacts): string {
  return runHeader(facts, `node:http alone, asked by wrk ${facts.wrkVersion}`)
}

export function caseTable(results: readonly HttpCaseResult[]): string {
  return results.length === 0 ? '' : markdownTable(COLUMNS, results, 2)
}

interface HttpTarget {
  readonly what: string
  readonly kind: RequestKind
  readonly durability: string
  readonly valueBytes: number
  readonly must: number
}

const CONNECTIONS = 50
const TARGETS: readonly HttpTarget[] = [
  {
    what: 'GET 64 B, what node:http alone allows',
    kind: 'get',
    durability: 'memory',
    valueBytes: 64,
    must: 1.15,
  },
  { what: 'GET 64 B, with a fast lane', kind: 'get', durability: 'memory', valueBytes: 64, must: 0.5 },
  { what: 'PUT 1 KB at os', kind: 'put', durability: 'os', valueBytes: 1024, must: 1.3 },
]

export function judgeTargets(results: readonly HttpResult[]): JudgedTarget[] {
  return TARGETS.map(({ what, must, ...wanted }) => {
    const result = results.find(
      (one): one is HttpCaseResult =>
        one.part === 'case' &&
        one.kind === wanted.kind &&
        one.durability === wanted.durability &&
        one.valueBytes === wanted.valueBytes &&
        one.connections === CONNECTIONS,
    )
    const reached = result && ratioOf(result, 'serverCpuMicrosPerOp', 'minivault', 'bare')
    const floor = result && ratioOf(result, 'serverCpuMicrosPerOp', 'floor', 'bare')
    return judgeRatio(`${what}, CPU a request`, { must }, reached, floor)
  })
}

export function httpTargetTable(results: readonly HttpResult[], isComplete: boolean): string {
  const titles = { what: 'minivault beside node:http', beside: 'bare Node / node:http' }
  return targetTable(judgeTargets(results), isComplete, titles)
}
