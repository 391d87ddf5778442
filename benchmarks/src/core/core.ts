/**
 * `pnpm bench core`: what one operation costs in the quorum core, without sockets, files or timers: three
 * cores in one process, a Map as their log, and messages handed over directly; and how many simulated
 * histories one core of the machine gets through.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { BenchmarkError } from '../benchmark-error.ts'
import { FLAG, number, parseFlags, TEXT } from '../flags.ts'
import { type MachineFacts, machineFacts, ROOT } from '../machine.ts'
import { pageOf, writeBetweenMarkers } from '../page.ts'
import { type Column, markdownTable } from '../report/table.ts'
import { keepResult, lastRun } from '../results-file.ts'
import { type Spread, spread } from '../spread.ts'
import type { CoreFigures } from './core-figures.ts'
import { OPERATIONS, type Operation } from './operations.ts'

const HELP = `pnpm bench core: CPU of one operation in the quorum core, and simulated histories a second
  --operations 50000    in a round, of each kind
  --rounds 5
  --histories 300       in a round
  --quick               a look: one short round; writes nothing
  --render              measures nothing: writes the page from the last run again
Needs nothing but this workspace. Written to docs/BENCHMARKS.md and benchmarks/results/.
`
const MAIN = fileURLToPath(new URL('core-main.ts', import.meta.url))
const DEFAULTS = { operations: 50_000, rounds: 5, histories: 300 }
const QUICK = { operations: 2000, rounds: 1, histories: 5 }
const OPERATION_MICROS_MAX = 5
const HISTORIES_MIN = 100

interface CoreResult {
  readonly part: 'core'
  readonly figures: CoreFigures
}

export async function runCore(words: string[]): Promise<void> {
  const flags = parseFlags(words, {
    help: FLAG,
    quick: FLAG,
    render: FLAG,
    operations: TEXT,
    rounds: TEXT,
    histories: TEXT,
  })
  if (flags.help) {
    process.stdout.write(HELP)
    return
  }
  const usual = flags.quick ? QUICK : DEFAULTS
  const operations = number('operations', flags.operations) ?? usual.operations
  const rounds = number('rounds', flags.rounds) ?? usual.rounds
  const histories = number('histories', flags.histories) ?? usual.histories
  const facts = machineFacts()
  if (flags.quick) {
    process.stdout.write(`${corePage(facts, measure(operations, rounds, histories))}\n`)
    return
  }
  if (!flags.render) {
    const figures = measure(operations, rounds, histories)
    keepResult('core', facts, { part: 'core', figures } satisfies CoreResult)
  }
  const last = lastRun<MachineFacts, CoreResult>('core')
  const page = corePage(last.facts, last.results.at(-1)!.figures)
  writeBetweenMarkers('core', page)
  process.stdout.write(`${page}\n\nwritten: docs/BENCHMARKS.md, benchmarks/results/core.ndjson\n`)
}

/** In a process of its own, so that nothing of ours is counted. */
function measure(operations: number, rounds: number, histories: number): CoreFigures {
  const args = ['--import=tsx', '--conditions=minivault:source', MAIN]
  const counts = [operations, rounds, histories].map(String)
  try {
    const stdio = ['ignore', 'pipe', 'inherit'] as ('ignore' | 'pipe' | 'inherit')[]
    const text = execFileSync(process.execPath, [...args, ...counts], { cwd: ROOT, encoding: 'utf8', stdio })
    return JSON.parse(text) as CoreFigures
  } catch (error) {
    const [reason] = (error as Error).message.split('\n', 1)
    throw new BenchmarkError('BENCH_INVALID', `the measured process failed: ${reason}`, { cause: error })
  }
}

interface Row {
  readonly operation: Operation
  readonly coordinator: Spread
  readonly all: Spread
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'one operation, µs of CPU', width: 26, cell: ({ operation }) => operation },
  { title: 'coordinator (range)', width: 20, cell: ({ coordinator }) => micros(coordinator) },
  { title: 'three members together (range)', width: 30, cell: ({ all }) => micros(all) },
]

export function corePage(facts: MachineFacts, { operations, histories }: CoreFigures): string {
  const rows = OPERATIONS.flatMap((operation): Row[] => {
    const rounds = operations[operation]
    if (rounds === undefined) return []
    const coordinator = spread(rounds.map((one) => one.coordinator))
    return [{ operation, coordinator, all: spread(rounds.map((one) => one.all)) }]
  })
  const perSecond = spread(histories)
  const head =
    `minivault ${facts.commit} on Node ${facts.nodeVersion}, ${facts.date.slice(0, 10)}, ${facts.cpu}, ` +
    `${histories.length} rounds, medians`
  const most = rows.map(({ operation, coordinator: { median } }) => {
    return `${operation} ${median.toFixed(1)} µs, ${judged(median <= OPERATION_MICROS_MAX)}`
  })
  const line = `at most ${OPERATION_MICROS_MAX} µs of CPU for one coordinator operation`
  const target = `Target: ${line}: ${most.join('; ')}.`
  const { median, min, max } = perSecond
  const speed =
    `Target: at least ${HISTORIES_MIN} simulated histories for each second of CPU: ${median.toFixed(0)} ` +
    `(${min.toFixed(0)}–${max.toFixed(0)}), ${judged(median >= HISTORIES_MIN)}.`
  return pageOf([head, `${target}\n\n${speed}`, markdownTable(COLUMNS, rows, 1)])
}

function judged(isReached: boolean): string {
  return isReached ? 'reached' : '**missed**'
}

function micros({ median, min, max }: Spread): string {
  return `${median.toFixed(1)} (${min.toFixed(1)}–${max.toFixed(1)})`
}
