/**
 * A bar chart of server CPU per operation: one panel per row of (operation, durability, size), a pair of
 * bars per pipeline, minivault over redis. The bars of a pipeline share a scale across all panels.
 */
import type { CaseResult } from './figures.ts'
import type { WireFacts } from './report.ts'

const WIDTH = 960
const LABEL_WIDTH = 220
const ROW_HEIGHT = 44
const TOP = 64
const BAR_HEIGHT = 13
const COLOURS = { minivault: '#2f7d5b', redis: '#b9473c' } as const

export function drawChart(facts: WireFacts, results: readonly CaseResult[]): string {
  const pipelines = [...new Set(results.map((result) => result.pipeline))]
  const rows = [...new Set(results.map(rowName))]
  const columnWidth = (WIDTH - LABEL_WIDTH) / pipelines.length
  const height = TOP + rows.length * ROW_HEIGHT + 12
  const parts = [
    text(12, 22, 'Server CPU per operation, µs (shorter is better)', 'font-size="15" font-weight="bold"'),
    text(12, 42, provenance(facts)),
    legend(WIDTH - 210, 22),
    ...pipelines.map((pipeline, column) =>
      text(LABEL_WIDTH + column * columnWidth, TOP - 4, `pipeline ${pipeline}`, 'font-weight="bold"'),
    ),
    ...rows.map((row, index) => text(12, TOP + index * ROW_HEIGHT + 24, row)),
  ]
  for (const result of results) {
    const column = pipelines.indexOf(result.pipeline)
    const x = LABEL_WIDTH + column * columnWidth
    const y = TOP + rows.indexOf(rowName(result)) * ROW_HEIGHT + 6
    const widest = Math.max(
      ...results.filter((other) => other.pipeline === result.pipeline).flatMap(bothMicros),
    )
    const scale = (columnWidth - 60) / widest
    const [ours, theirs] = bothMicros(result)
    parts.push(
      bar(x, y, ours, scale, COLOURS.minivault),
      bar(x, y + BAR_HEIGHT + 2, theirs, scale, COLOURS.redis),
    )
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

function provenance({ cpu, nodeVersion, redisVersion, date, commit }: WireFacts): string {
  return `${cpu}, Node ${nodeVersion}, redis ${redisVersion}, ${date.slice(0, 10)}, ${commit}`
}

function rowName(result: CaseResult): string {
  return `${result.operation.toUpperCase()} ${result.valueBytes} B, ${result.minivault} / ${result.redis}`
}

function bothMicros(result: CaseResult): [number, number] {
  const { minivaultFigures, redisFigures } = result
  return [minivaultFigures.serverCpuMicrosPerOp.median, redisFigures.serverCpuMicrosPerOp.median]
}

function bar(x: number, y: number, micros: number, scale: number, colour: string): string {
  const width = Math.max(1, micros * scale).toFixed(1)
  const size = `width="${width}" height="${BAR_HEIGHT}"`
  const rectangle = `<rect x="${x.toFixed(1)}" y="${y}" ${size} fill="${colour}"/>`
  return rectangle + text(x + Number(width) + 4, y + BAR_HEIGHT - 2, micros.toFixed(2))
}

function legend(x: number, y: number): string {
  const entries = Object.entries(COLOURS).map(([name, colour], index) => {
    const at = x + index * 100
    return `<rect x="${at}" y="${y - 10}" width="12" height="12" fill="${colour}"/>${text(at + 18, y, name)}`
  })
  return entries.join('')
}

function text(x: number, y: number, words: string, style = ''): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x.toFixed(1)}" y="${y}" ${style}>${escaped}</text>`
}
