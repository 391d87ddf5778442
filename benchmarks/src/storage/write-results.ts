/**
 * Keeps what a full run found: one NDJSON line for each figure in benchmarks/results/storage.ndjson
 * (appended: the history), the chart beside it, and the tables between the markers in docs/BENCHMARKS.md.
 */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RESULTS, writeBetweenMarkers } from '../page.ts'
import { drawChart } from './chart.ts'
import type { RowResult } from './figures.ts'
import { markdownCosts, markdownTable, PROMISES, runHeader, type StorageFacts } from './report.ts'
import type { Sizes } from './sizes.ts'

/** Returns the line that says where everything went. */
export function writeResults(facts: StorageFacts, sizes: Sizes, results: readonly RowResult[]): string {
  mkdirSync(RESULTS, { recursive: true })
  appendFileSync(join(RESULTS, 'storage.ndjson'), linesOf(facts, sizes, results))
  writeFileSync(join(RESULTS, 'storage.svg'), drawChart(facts, results))
  const head = runHeader(facts, sizes).trimEnd().split('\n').join('  \n')
  const chart = '![Operations a second](../benchmarks/results/storage.svg)'
  const tables = [markdownTable(results), chart, markdownCosts(results), PROMISES.trimEnd()]
  writeBetweenMarkers('storage', `${head}\n\n${tables.join('\n')}`)
  return 'written: docs/BENCHMARKS.md, benchmarks/results/storage.ndjson, benchmarks/results/storage.svg\n'
}

export function linesOf(facts: StorageFacts, sizes: Sizes, results: readonly RowResult[]): string {
  const { rounds, seconds } = sizes
  const setting = { benchmark: 'storage', ...facts, rounds, roundSeconds: seconds }
  const lines = results.flatMap(({ figures, goals, ...row }) =>
    figures.map((figure) => {
      const judged = figure.contestant === 'minivault' ? { goals } : {}
      return `${JSON.stringify({ ...setting, ...row, ...figure, ...judged })}\n`
    }),
  )
  return lines.join('')
}
