/**
 * Keeps what a complete run found: one NDJSON line for each result in benchmarks/results/wire.ndjson
 * (appended: the history). The chart beside it and the part between the markers in docs/BENCHMARKS.md are
 * made from that file alone, so they can be made again. What stands outside the markers is written by people
 * and never touched.
 */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BenchmarkError } from '../benchmark-error.ts'
import { RESULTS, writeBetweenMarkers } from '../page.ts'
import { drawChart } from './chart.ts'
import type { CaseResult, FailedResult, IdleResult, LargeResult, WireFacts, WireResult } from './figures.ts'
import { caseTable, idleTable, largeTable, otherTable, runHeader } from './report.ts'
import { targetTable } from './targets.ts'

const FILE = join(RESULTS, 'wire.ndjson')

type Line = { readonly benchmark: 'wire' } & WireFacts & WireResult

/** As soon as it is known, so that a run that is cut short has lost nothing (`--render` shows it). */
export function keepResult(facts: WireFacts, result: WireResult): void {
  mkdirSync(RESULTS, { recursive: true })
  appendFileSync(FILE, `${JSON.stringify({ benchmark: 'wire', ...facts, ...result })}\n`)
}

/** Makes the documents from the last run of the results file. Returns the line that says where they are. */
export function renderResults(): string {
  const { facts, results } = lastRun(readFileSync(FILE, 'utf8'))
  writeFileSync(join(RESULTS, 'wire.svg'), drawChart(facts, results.filter(isCase)))
  writeBetweenMarkers('wire', wirePage(facts, results))
  return 'written: docs/BENCHMARKS.md, benchmarks/results/wire.ndjson, benchmarks/results/wire.svg\n'
}

export function lastRun(text: string): { facts: WireFacts; results: WireResult[] } {
  const all = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
  const last = all.at(-1)
  if (last?.part === undefined) {
    throw new BenchmarkError(
      'BENCH_MISSING',
      'benchmarks/results/wire.ndjson does not end with a complete run',
    )
  }
  return { facts: last, results: all.filter(({ date }) => date === last.date) }
}

function isCase(result: WireResult): result is CaseResult {
  return result.part === 'load'
}

export function wirePage(facts: WireFacts, results: readonly WireResult[]): string {
  const cases = results.filter(isCase)
  const large = results.filter((result): result is LargeResult => result.part === 'large')
  const idle = results.filter((result): result is IdleResult => result.part === 'idle')
  const failed = results.filter((result): result is FailedResult => result.part === 'failed')
  const parts = [
    runHeader(facts).trimEnd().split('\n').join('  \n'),
    failed.map(({ what, reason }) => `- not measured: ${what}: ${reason}\n`).join(''),
    targetTable(results, true),
    caseTable(cases),
    '![Server CPU per operation](../benchmarks/results/wire.svg)\n',
    otherTable(cases),
    largeTable(large),
    idleTable(idle),
  ]
  return parts
    .filter((part) => part !== '')
    .map((part) => part.trimEnd())
    .join('\n\n')
}
