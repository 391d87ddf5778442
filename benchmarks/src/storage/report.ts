/**
 * The figures as people read them: a line for each row while the run goes on, Markdown tables for the page.
 */
import type { MachineFacts } from '../machine.ts'
import type { Spread } from '../spread.ts'
import type { Figure, RowResult, Unit } from './figures.ts'
import type { Sizes } from './sizes.ts'

const CONTESTANTS = ['minivault', 'lmdb', 'classic-level', 'better-sqlite3', 'Map'] as const
/** Stand in the last column: they are no stores. */
const YARDSTICKS = ['pread', 'dd'] as const

/** Those whose processor time is known. */
const TIMED = [...CONTESTANTS, 'pread'] as const

export interface StorageFacts extends MachineFacts {
  readonly lmdb: string
  readonly classicLevel: string
  readonly betterSqlite3: string
}

type Column = readonly [title: string, width: number, cell: (result: RowResult) => string]

const COLUMNS: readonly Column[] = [
  ['', 48, ({ title }) => title],
  ['durability', 10, ({ durability }) => durability],
  ['unit', 17, ({ unit }) => unit],
  ...CONTESTANTS.map((name): Column => [name, 14, (result) => shown(result, name)]),
  ['yardstick', 12, yardstick],
  ['wanted', 22, ({ goals }) => goals.map(({ wanted }) => wanted).join('; ')],
  [
    'reached',
    24,
    ({ goals }) => goals.map(({ reached, isMet }) => `${reached} ${isMet ? '✓' : '✗'}`).join('; '),
  ],
]

export function tableHeader(): string {
  return line(COLUMNS.map(([title]) => title))
}

export function rowLine(result: RowResult): string {
  return line(COLUMNS.map(([, , cell]) => cell(result)))
}

function line(cells: readonly string[]): string {
  const padded = cells.map((cell, at) =>
    at === 0 ? cell.padEnd(COLUMNS[0]![1]) : cell.padStart(COLUMNS[at]![1]),
  )
  return `${padded.join('  ').trimEnd()}\n`
}

export function markdownTable(results: readonly RowResult[]): string {
  return table(
    COLUMNS.map(([title]) => title),
    results.map((result) => COLUMNS.map(([, , cell]) => cell(result))),
    3,
  )
}

/** CPU and latencies, for the rows that have them. */
export function markdownCosts(results: readonly RowResult[]): string {
  const timed = results.filter(({ figures }) => figures[0]!.cpuMicrosPerOp !== undefined)
  if (timed.length === 0) return ''
  const cells = timed.map((result) => [
    result.title,
    result.durability,
    ...TIMED.map((name) => {
      const figure = result.figures.find(({ contestant }) => contestant === name)
      return figure === undefined ? '–' : costOf(figure)
    }),
  ])
  return table(['CPU µs an operation; p50 · p99 µs', 'durability', ...TIMED], cells, 2)
}

/** What each really does at a level of ours. */
export const PROMISES = table(
  ['', ...CONTESTANTS.slice(0, 4)],
  [
    [
      '`memory`',
      'answered from memory, written within 10 ms',
      '`noSync`: committed to the page cache by its write thread, then answered',
      '`sync: false`: write(2) into its log, then answered',
      'WAL, `synchronous=OFF`: write(2), never fsync',
    ],
    [
      '`os`',
      'answered after write(2): survives kill -9',
      'the same as above; a power cut may leave the file unreadable',
      'the same as above',
      'WAL, `synchronous=NORMAL`: write(2), fsync at checkpoints only',
    ],
    [
      '`fsync`',
      'answered after a group-committed fdatasync',
      '`overlappingSync` and `flushed`: answered when its transaction is synced',
      '`sync: true`: answered after fdatasync, shared by writers that wait',
      'WAL, `synchronous=FULL`: fsync at every commit',
    ],
  ],
  5,
)

/** Lines before the table: what was run, where and how. */
export function runHeader(facts: StorageFacts, sizes: Sizes): string {
  const { commit, nodeVersion, cpu, cores, memoryGib, kernel, fileSystem, date } = facts
  const { lmdb, classicLevel, betterSqlite3 } = facts
  const rivals = `lmdb ${lmdb}, classic-level ${classicLevel}, better-sqlite3 ${betterSqlite3}`
  return (
    `minivault ${commit} on Node ${nodeVersion} beside ${rivals}, ${date.slice(0, 10)}\n` +
    `${cpu}, ${cores} cores, ${memoryGib} GiB, Linux ${kernel}; data folders on ${fileSystem}\n` +
    `${sizes.rounds} rounds of ${sizes.seconds} s in turns, medians; each store in a process of its own\n`
  )
}

function shown({ unit, figures }: RowResult, name: string): string {
  const figure = figures.find(({ contestant }) => contestant === name)
  return figure === undefined ? '–' : amount(figure.value, unit)
}

function yardstick(result: RowResult): string {
  const name = YARDSTICKS.find((one) => result.figures.some(({ contestant }) => contestant === one))
  return name === undefined ? '' : `${name} ${shown(result, name)}`
}

function amount({ median }: Spread, unit: Unit): string {
  if (unit === 'ops/s' && median >= 10_000) return `${grouped(median / 1000)} k`
  return median >= 100 || unit === 'ops/s' ? grouped(median) : median.toFixed(median < 10 ? 2 : 1)
}

function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

function costOf({ cpuMicrosPerOp, p50Micros, p99Micros }: Figure): string {
  return `${short(cpuMicrosPerOp!)}; ${short(p50Micros!)} · ${short(p99Micros!)}`
}

function short({ median }: Spread): string {
  if (median >= 100) return grouped(median)
  return median.toFixed(median < 10 ? 2 : 1)
}

function table(titles: readonly string[], rows: readonly (readonly string[])[], leftColumns: number): string {
  const rule = titles.map((_, at) => (at < leftColumns ? '---' : '--:'))
  return [titles, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}
