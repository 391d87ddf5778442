/**
 * The chart and the part of docs/BENCHMARKS.md between the markers, made from what the last complete run kept
 * in benchmarks/results/wire.ndjson. What stands outside the markers is written by people and never touched.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lines, pageOf, RESULTS, writeBetweenMarkers } from '../page.ts'
import { lastRun } from '../results-file.ts'
import { failedLines } from '../run.ts'
import { drawChart } from './chart.ts'
import type { CaseResult, IdleResult, LargeResult, WireFacts, WireResult } from './figures.ts'
import { caseTable, idleTable, largeTable, otherTable, wireHeader } from './report.ts'
import { wireTargetTable } from './targets.ts'

/** Makes the documents from the last run of the results file. Returns the line that says where they are. */
export function renderResults(): string {
  const { facts, results } = lastRun<WireFacts, WireResult>('wire')
  writeFileSync(join(RESULTS, 'wire.svg'), drawChart(facts, results.filter(isCase)))
  writeBetweenMarkers('wire', wirePage(facts, results))
  return 'written: docs/BENCHMARKS.md, benchmarks/results/wire.ndjson, benchmarks/results/wire.svg\n'
}

function isCase(result: WireResult): result is CaseResult {
  return result.part === 'load'
}

export function wirePage(facts: WireFacts, results: readonly WireResult[]): string {
  const cases = results.filter(isCase)
  const large = results.filter((result): result is LargeResult => result.part === 'large')
  const idle = results.filter((result): result is IdleResult => result.part === 'idle')
  const parts = [
    lines(wireHeader(facts)),
    failedLines(results),
    wireTargetTable(results, true),
    caseTable(cases),
    '![Server CPU per operation](../benchmarks/results/wire.svg)\n',
    otherTable(cases),
    largeTable(large),
    idleTable(idle),
  ]
  return pageOf(parts)
}
