/**
 * A bar chart of speeds: one panel a row, a bar for each contestant, each panel on a scale of its own, so
 * that rows of a hundred operations a second and of millions can stand under each other.
 */
import type { RowResult } from './figures.ts'
import type { StorageFacts } from './report.ts'

const WIDTH = 960
const LABEL_WIDTH = 330
const VALUE_WIDTH = 90
const TOP = 76
const BAR_HEIGHT = 11
const PANEL_GAP = 14
const COLOURS: Readonly<Record<string, string>> = {
  minivault: '#2f7d5b',
  lmdb: '#b9473c',
  'classic-level': '#c98a2b',
  'better-sqlite3': '#3b6ea5',
  Map: '#8a8a8a',
  pread: '#555555',
}

export function drawChart(facts: StorageFacts, results: readonly RowResult[]): string {
  const rows = results.filter(({ unit }) => unit === 'ops/s')
  const { cpu, nodeVersion, date, commit } = facts
  const parts = [
    text(12, 22, 'Operations a second (longer is better)', 'font-size="15" font-weight="bold"'),
    text(12, 42, `${cpu}, Node ${nodeVersion}, ${date.slice(0, 10)}, ${commit}`),
    ...Object.entries(COLOURS).map(([name, colour], at) => legend(12 + at * 130, 62, name, colour)),
  ]
  let y = TOP
  for (const row of rows) {
    const fastest = Math.max(...row.figures.map(({ value }) => value.median))
    parts.push(text(12, y + BAR_HEIGHT, `${row.title}, ${row.durability}`, 'font-weight="bold"'))
    for (const { contestant, value } of row.figures) {
      const share = value.median / fastest
      const width = Math.max(1, (WIDTH - LABEL_WIDTH - VALUE_WIDTH) * share)
      parts.push(
        bar(LABEL_WIDTH, y, width, COLOURS[contestant] ?? '#000'),
        text(LABEL_WIDTH + width + 4, y + BAR_HEIGHT - 2, speedOf(value.median)),
      )
      y += BAR_HEIGHT + 1
    }
    y += PANEL_GAP
  }
  const style = 'font-family="sans-serif" font-size="12" fill="#222"'
  const size = `width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}"`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${style}>`,
    `<rect width="${WIDTH}" height="${y}" fill="#fff"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n')
}

function speedOf(opsPerSecond: number): string {
  if (opsPerSecond < 10_000) return `${Math.round(opsPerSecond)}/s`
  return `${Math.round(opsPerSecond / 1000).toLocaleString('en-US')} k/s`
}

function bar(x: number, y: number, width: number, colour: string): string {
  return `<rect x="${x}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" fill="${colour}"/>`
}

function legend(x: number, y: number, name: string, colour: string): string {
  return `<rect x="${x}" y="${y - 10}" width="12" height="12" fill="${colour}"/>${text(x + 18, y, name)}`
}

function text(x: number, y: number, words: string, style = ''): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x.toFixed(1)}" y="${y}" ${style}>${escaped}</text>`
}
