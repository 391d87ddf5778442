/**
 * Keeps what a full run found: one NDJSON line per case in benchmarks/results/wire.ndjson (appended: the
 * history), the chart beside it, and the table between the markers in docs/BENCHMARKS.md. What stands
 * outside the markers is written by people and never touched.
 */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RESULTS, writeBetweenMarkers } from '../page.ts'
import { drawChart } from './chart.ts'
import type { CaseResult } from './figures.ts'
import { markdownTable, runHeader, type WireFacts } from './report.ts'
import type { WireOptions } from './wire-options.ts'

/** Returns the line that says where everything went. */
export function writeResults(
  facts: WireFacts,
  options: WireOptions,
  pinned: boolean,
  results: readonly CaseResult[],
): string {
  const { connections, keyspace, seconds } = options
  const setting = { benchmark: 'wire', ...facts, pinned, connections, keyspace, roundSeconds: seconds }
  mkdirSync(RESULTS, { recursive: true })
  const lines = results.map((result) => `${JSON.stringify({ ...setting, ...result })}\n`)
  appendFileSync(join(RESULTS, 'wire.ndjson'), lines.join(''))
  writeFileSync(join(RESULTS, 'wire.svg'), drawChart(facts, results))
  const head = runHeader(facts, options, pinned).trimEnd().split('\n').join('  \n')
  const chart = '![Server CPU per operation](../benchmarks/results/wire.svg)'
  writeBetweenMarkers('wire', `${head}\n\n${markdownTable(results)}\n${chart}`)
  return 'written: docs/BENCHMARKS.md, benchmarks/results/wire.ndjson, benchmarks/results/wire.svg\n'
}
