/** A table that is shown while the run goes on, and written as Markdown afterwards. */
export interface Column<Row> {
  readonly title: string
  /** In characters, at the terminal. */
  readonly width: number
  readonly cell: (row: Row) => string
}

export function terminalHeader<Row>(columns: readonly Column<Row>[]): string {
  return `${columns.map(({ title, width }) => title.padStart(width)).join('  ')}\n`
}

export function terminalLine<Row>(columns: readonly Column<Row>[], row: Row): string {
  return `${columns.map(({ cell, width }) => cell(row).padStart(width)).join('  ')}\n`
}

/** The first columns are words, to the left; the others figures, to the right. */
export function markdownTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  wordColumns: number,
): string {
  const lines = [
    columns.map(({ title }) => title),
    columns.map((_, index) => (index < wordColumns ? '---' : '--:')),
    ...rows.map((row) => columns.map(({ cell }) => cell(row))),
  ]
  return lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}
