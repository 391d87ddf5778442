/** The flags of `pnpm bench storage`. */
import { parseArgs } from 'node:util'
import { BenchmarkError } from '../benchmark-error.ts'
import { ROWS, type Row } from './rows.ts'
import { FULL, QUICK, type Sizes } from './sizes.ts'

export interface StorageOptions {
  readonly rows: readonly Row[]
  readonly sizes: Sizes
  /** Every row at full length: only then the documents are written. */
  readonly complete: boolean
}

const NAMES = ROWS.map(({ name }) => name)

export const HELP = `pnpm bench storage: our store beside lmdb, classic-level, better-sqlite3 and a Map
  --quick         small inputs, one short round of each row; writes nothing
  --rows a,b      only these: ${NAMES.slice(0, 6).join(', ')},
                  ${NAMES.slice(6).join(', ')}
  --rounds 3      rounds of each row, in turns
  --seconds 0.8   of a round
The full run takes about ten minutes and is written to docs/BENCHMARKS.md and
benchmarks/results/; a part of it is only printed.
`

/** Null when the words ask for help. */
export function readStorageOptions(words: string[]): StorageOptions | null {
  const values = parse(words)
  if (values.help) return null
  const base = values.quick ? QUICK : FULL
  const wanted = values.rows?.split(',') ?? NAMES
  const unknown = wanted.find((name) => !NAMES.includes(name))
  if (unknown !== undefined) {
    throw new BenchmarkError('BENCH_USAGE', `--rows ${unknown}: the rows are ${NAMES.join(', ')}`)
  }
  const rounds = number('rounds', values.rounds) ?? base.rounds
  const seconds = number('seconds', values.seconds) ?? base.seconds
  return {
    rows: ROWS.filter(({ name }) => wanted.includes(name)),
    sizes: { ...base, rounds: Math.ceil(rounds), seconds },
    complete: !values.quick && values.rows === undefined,
  }
}

function parse(words: string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args: words.filter((word) => word !== '--'),
      options: { help: flag, quick: flag, rows: text, rounds: text, seconds: text },
    }).values
  } catch (error) {
    const message = `${(error as Error).message.split('. ')[0]} (see --help)`
    throw new BenchmarkError('BENCH_USAGE', message, { cause: error })
  }
}

function number(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (text !== '' && Number.isFinite(value) && value > 0) return value
  throw new BenchmarkError('BENCH_USAGE', `--${name} ${text}: a number above 0 is needed`)
}
