/**
 * `pnpm bench start`: packs what is published, installs it into an empty folder as a user would, and takes
 * the time from the command to the node's ready line. Beside it stands a command that is ready at once: the
 * part of npx and of Node.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { installTarballs } from '../../../tools/packing/src/installation.ts'
import { measureStarts, type StartTimes, WAYS, type Way } from '../../../tools/packing/src/start-times.ts'
import { pack, publishedFolders } from '../../../tools/packing/src/tarballs.ts'
import { BenchmarkError } from '../benchmark-error.ts'
import { FLAG, number, parseFlags, TEXT } from '../flags.ts'
import { DATA_PARENT, type MachineFacts, machineFacts, ROOT } from '../machine.ts'
import { pageOf, writeBetweenMarkers } from '../page.ts'
import { type Column, markdownTable } from '../report/table.ts'
import { keepResult, lastRun } from '../results-file.ts'
import { type Spread, spread } from '../spread.ts'

const HELP = `pnpm bench start: from the command to the ready line, of an installed package
  --starts 15           of each way, in turns
  --render              measures nothing: writes the page from the last run again
Builds, packs and installs first (a minute; needs the registry). Written to docs/BENCHMARKS.md and
benchmarks/results/.
`
const STARTS = 15
const NPX_MS_MAX = 400

const NAMES: Readonly<Record<Way, string>> = {
  npx: '`npx minivault-node`',
  itself: '`minivault-node` itself',
  'npx alone': 'npx of a command that is ready at once',
  'Node alone': 'that command itself',
}

interface StartResult {
  readonly part: 'start'
  readonly times: StartTimes
}

export async function runStart(words: string[]): Promise<void> {
  const flags = parseFlags(words, { help: FLAG, render: FLAG, starts: TEXT })
  const starts = number('starts', flags.starts) ?? STARTS
  if (flags.help) {
    process.stdout.write(HELP)
    return
  }
  if (!flags.render) {
    const facts = machineFacts()
    keepResult('start', facts, { part: 'start', times: await measureInstalled(starts) } satisfies StartResult)
  }
  const { facts, results } = lastRun<MachineFacts, StartResult>('start')
  const page = startPage(facts, results.at(-1)!.times)
  writeBetweenMarkers('start', page)
  process.stdout.write(`${page}\n\nwritten: docs/BENCHMARKS.md, benchmarks/results/start.ndjson\n`)
}

async function measureInstalled(starts: number): Promise<StartTimes> {
  const work = mkdtempSync(join(DATA_PARENT, 'minivault-start-'))
  try {
    const tarballs = join(work, 'tarballs')
    mkdirSync(tarballs)
    make('building', () => {
      const turbo = join(ROOT, 'node_modules', '.bin', 'turbo')
      const args = ['run', 'build', '--output-logs=errors-only', '--ui=stream']
      execFileSync(turbo, args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] })
    })
    const user = join(work, 'user')
    make('packing and installing', () =>
      installTarballs(
        publishedFolders(ROOT).map((folder) => pack(folder, tarballs)),
        user,
      ),
    )
    process.stdout.write(`starting, ${starts} times each way …\n`)
    return await measureStarts(user, starts)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function make(what: string, work: () => void): void {
  process.stdout.write(`${what} …\n`)
  try {
    work()
  } catch (error) {
    const reason = (error as Error).message.split('\n', 1)[0]
    throw new BenchmarkError('BENCH_MISSING', `${what} failed: ${reason}`, { cause: error })
  }
}

interface Row {
  readonly name: string
  readonly ms: Spread
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'from the command to its ready line, ms', width: 40, cell: ({ name }) => name },
  { title: 'least', width: 6, cell: ({ ms }) => ms.min.toFixed(0) },
  { title: 'median', width: 6, cell: ({ ms }) => ms.median.toFixed(0) },
  { title: 'most', width: 6, cell: ({ ms }) => ms.max.toFixed(0) },
]

export function startPage(facts: MachineFacts, times: StartTimes): string {
  const rows = WAYS.map((way) => ({ name: NAMES[way], ms: spread(times[way]) }))
  const head =
    `minivault ${facts.commit} on Node ${facts.nodeVersion}, ${facts.date.slice(0, 10)}, ${facts.cpu}, ` +
    `${times.npx.length} starts of each in turns`
  const target =
    `Target: the ready line within ${NPX_MS_MAX} ms of \`npx minivault-node\`: ${judged(times.npx)}; ` +
    `of the command that npx runs: ${judged(times.itself)}.`
  return pageOf([head, target, markdownTable(COLUMNS, rows, 1)])
}

function judged(times: readonly number[]): string {
  const { median } = spread(times)
  return `${median.toFixed(0)} ms, ${median <= NPX_MS_MAX ? 'reached' : '**missed**'}`
}
