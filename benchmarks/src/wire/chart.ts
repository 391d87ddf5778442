/**
 * A bar chart of server CPU per operation with the smallest values and 50 connections: one row for each
 * operation and level, one column for each pipeline, and there a bar of each contestant. The bars of a
 * pipeline share a scale.
 */

import { bytes, OPERATION_NAMES } from '../report/quantities.ts'
import type { CaseResult, ContestantName, WireFacts } from './figures.ts'

const WIDTH = 960
const LABEL_WIDTH = 220
const TOP = 64
const BAR_HEIGHT = 12
const BAR_STEP = 14
const ROW_GAP = 14
const CONNECTIONS = 50
const BARS: readonly (readonly [name: ContestantName, label: string, colour: string])[] = [
  ['minivault', 'minivault', '#2f7d5b'],
  ['redis', 'redis', '#b9473c'],
  ['frames', 'minivault, frame form', '#7fb59c'],
  ['floor', 'bare Node server', '#9a9a9a'],
]

export function drawChart(facts: WireFacts, all: readonly CaseResult[]): string {
  const results = shownIn(all)
  const pipelines = [...new Set(results.map((result) => result.pipeline))]
  const tops = rowTops(results)
  const columnWidth = (WIDTH - LABEL_WIDTH) / Math.max(1, pipelines.length)
  const height = tops.end + 4
  const parts = [
    text(12, 22, 'Server CPU per operation, µs (shorter is better)', 'font-size="15" font-weight="bold"'),
    text(12, 42, provenance(facts)),
    legend(WIDTH - 500, 22),
    ...pipelines.map((pipeline, column) =>
      text(LABEL_WIDTH + column * columnWidth, TOP - 4, `pipeline ${pipeline}`, 'font-weight="bold"'),
    ),
    ...[...tops.of].map(([row, top]) => text(12, top + 17, row)),
  ]
  for (const result of results) {
    const x = LABEL_WIDTH + pipelines.indexOf(result.pipeline) * columnWidth
    const inColumn = results.filter((other) => other.pipeline === result.pipeline)
    const widest = Math.max(...inColumn.flatMap((other) => barsOf(other).map(({ micros }) => micros)))
    const scale = (columnWidth - 60) / widest
    barsOf(result).forEach(({ micros, colour }, index) => {
      parts.push(bar(x, tops.of.get(rowName(result))! + index * BAR_STEP, micros, scale, colour))
    })
  }
  const style = 'font-family="sans-serif" font-size="12" fill="#222"'
  const size = `width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}"`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${style}>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n')
}

/** Of one size and one number of connections, so that the rows can be compared. */
function shownIn(results: readonly CaseResult[]): CaseResult[] {
  const smallest = Math.min(...results.map(({ valueBytes }) => valueBytes))
  return results.filter(
    ({ valueBytes, connections }) => valueBytes === smallest && connections === CONNECTIONS,
  )
}

/** Where each row begins, as high as its most bars need. */
function rowTops(results: readonly CaseResult[]): { of: Map<string, number>; end: number } {
  const of = new Map<string, number>()
  let end = TOP + 6
  for (const row of new Set(results.map(rowName))) {
    of.set(row, end)
    const bars = results.filter((result) => rowName(result) === row).map((result) => barsOf(result).length)
    end += Math.max(...bars) * BAR_STEP + ROW_GAP
  }
  return { of, end }
}

function barsOf(result: CaseResult): { micros: number; colour: string }[] {
  return BARS.flatMap(([name, , colour]) => {
    const summary = result.summaries[name]
    return summary === undefined ? [] : [{ micros: summary.serverCpuMicrosPerOp.median, colour }]
  })
}

function provenance({ cpu, nodeVersion, redisVersion, date, commit }: WireFacts): string {
  return `${cpu}, Node ${nodeVersion}, redis ${redisVersion}, ${date.slice(0, 10)}, ${commit}`
}

function rowName(result: CaseResult): string {
  const operation = OPERATION_NAMES[result.operation]
  return `${operation} ${bytes(result.valueBytes)}, ${result.minivault} / ${result.redis}`
}

function bar(x: number, y: number, micros: number, scale: number, colour: string): string {
  const width = Math.max(1, micros * scale).toFixed(1)
  const size = `width="${width}" height="${BAR_HEIGHT}"`
  const rectangle = `<rect x="${x.toFixed(1)}" y="${y}" ${size} fill="${colour}"/>`
  return rectangle + text(x + Number(width) + 4, y + BAR_HEIGHT - 2, micros.toFixed(2))
}

function legend(x: number, y: number): string {
  let at = x
  return BARS.map(([, label, colour]) => {
    const square = `<rect x="${at}" y="${y - 10}" width="12" height="12" fill="${colour}"/>`
    const words = text(at + 18, y, label)
    at += 40 + label.length * 7
    return square + words
  }).join('')
}

function text(x: number, y: number, words: string, style = ''): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x.toFixed(1)}" y="${y}" ${style}>${escaped}</text>`
}
