/**
 * The scorecard's command line: `pnpm reliability --profile smoke|ci|long [--row N …] [--seed N]`. Prints
 * the table while it goes and writes it to a file. Exit code: 0 all green, 1 something red, 3 nothing red
 * but something skipped.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { commitOf, machineFacts } from './machine-facts.ts'
import { PROFILES, type Profile } from './row.ts'
import { ROWS } from './rows.ts'
import { type RowResult, runRow, tableHead, tableLine, tableNotes, writeResults } from './scorecard.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const EXIT = { green: 0, red: 1, skipped: 3, interrupted: 130 } as const
const PROGRESS_INTERVAL_MS = 10_000

function readArguments() {
  return yargs(hideBin(process.argv))
    .scriptName('pnpm reliability')
    .usage('$0 --profile smoke|ci|long [--row N …] [--seed N]\n\nShows what minivault survives.')
    .option('profile', {
      choices: PROFILES,
      default: 'smoke' as Profile,
      describe: 'smoke: ≤ 3 minutes; ci: ≤ 30; long: hours',
    })
    .option('row', { type: 'number', array: true, describe: `only these of ${numbers()}` })
    .option('seed', { type: 'number', default: 1, describe: 'the first seed; the same seed, the same cases' })
    .option('minutes', { type: 'number', describe: 'a shorter try of a row that takes its time (24)' })
    .option('output', { type: 'string', describe: 'where the results go' })
    .check(({ row = [], seed }) => {
      const wrong = row.find((one) => !ROWS.some(({ number }) => number === one))
      if (wrong !== undefined) throw new Error(`--row ${wrong}: the rows are ${numbers()}`)
      if (!Number.isSafeInteger(seed) || seed < 1) throw new Error('--seed must be an integer of at least 1')
      return true
    })
    .epilogue('Exit code: 0 all green, 1 something red, 3 nothing red but something skipped.')
    .strict()
    .parseSync()
}

function numbers(): string {
  return ROWS.map(({ number }) => number).join(', ')
}

/** One line that moves on a terminal; now and then a line elsewhere. */
function progressPrinter() {
  const { stderr } = process
  let printedAt = performance.now()
  return (text: string) => {
    if (stderr.isTTY) return void stderr.write(`\r\u001b[K${text}`)
    if (performance.now() - printedAt < PROGRESS_INTERVAL_MS) return
    printedAt = performance.now()
    stderr.write(`${text}\n`)
  }
}

async function main(): Promise<void> {
  const { profile, row, seed, minutes, output } = readArguments()
  // Some take too long for a run of three minutes.
  const chosen = ROWS.filter(({ number, cases }) => (row?.includes(number) ?? true) && cases[profile] > 0)
  const print = progressPrinter()
  const settings = {
    profile,
    seed,
    minutes,
    commit: commitOf(ROOT),
    machine: machineFacts(),
    isComplete: process.env['CI'] !== undefined,
    progress: (one: { number: number }, what: string, done: number, of: number) =>
      print(`row ${one.number}, ${what}: ${done} of ${of}`),
    nowMs: () => performance.now(),
  }
  const results: RowResult[] = []
  process.stdout.write(
    `${settings.machine}\ncommit ${settings.commit}, ${profile}, seed ${seed}\n\n${tableHead()}\n`,
  )
  for (const one of chosen) {
    const result = await runRow(one, settings)
    results.push(result)
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
    process.stdout.write(`${[tableLine(result), ...tableNotes(result)].join('\n')}\n`)
  }
  const path =
    output ??
    join(ROOT, profile === 'smoke' || minutes !== undefined ? '.cache/reliability.json' : 'reliability.json')
  writeResults(path, results)
  const count = (status: string) => results.filter((result) => result.status === status).length
  const skipped = results.filter(({ status }) => status === 'skipped')
  process.stdout.write(`\nwritten to ${path}\n`)
  // Again: of a long log often the end alone is kept.
  for (const one of results.filter(({ status }) => status === 'red')) {
    process.stdout.write(`${[`RED row ${one.row}`, ...tableNotes(one)].join('\n')}\n`)
  }
  for (const one of skipped) process.stdout.write(`SKIPPED row ${one.row}, so not green: ${one.why}\n`)
  process.stdout.write(`${count('green')} passed, ${count('red')} failed\n`)
  process.exitCode = count('red') > 0 ? EXIT.red : skipped.length > 0 ? EXIT.skipped : EXIT.green
}

// Not the default: what was mounted is let go of by the listeners of the exit.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(EXIT.interrupted))
await main()
