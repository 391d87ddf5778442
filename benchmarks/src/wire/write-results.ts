/**
 * Keeps what a full run found: one NDJSON line per case in benchmarks/results/wire.ndjson (appended: the
 * history), the chart beside it, and the table between the markers in docs/BENCHMARKS.md. What stands
 * outside the markers is written by people and never touched.
 */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BenchmarkError } from '../benchmark-error.ts'
import { drawChart } from './chart.ts'
import type { CaseResult } from './figures.ts'
import { type MachineFacts, ROOT } from './machine.ts'
import { markdownTable, runHeader } from './report.ts'
import type { WireOptions } from './wire-options.ts'

const BEGIN = '<!-- wire:begin -->'
const END = '<!-- wire:end -->'
const RESULTS = join(ROOT, 'benchmarks', 'results')
const PAGE = join(ROOT, 'docs', 'BENCHMARKS.md')

/** Returns the line that says where everything went. */
export function writeResults(
  facts: MachineFacts,
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
  writeFileSync(
    PAGE,
    placeBetweenMarkers(readFileSync(PAGE, 'utf8'), `${head}\n\n${markdownTable(results)}\n${chart}`),
  )
  return 'written: docs/BENCHMARKS.md, benchmarks/results/wire.ndjson, benchmarks/results/wire.svg\n'
}

export function placeBetweenMarkers(page: string, text: string): string {
  const begin = page.indexOf(BEGIN)
  const end = page.indexOf(END)
  if (begin < 0 || end < begin) {
    throw new BenchmarkError('BENCH_MISSING', `docs/BENCHMARKS.md has lost its markers ${BEGIN} and ${END}`)
  }
  return `${page.slice(0, begin + BEGIN.length)}\n${text}\n${page.slice(end)}`
}
