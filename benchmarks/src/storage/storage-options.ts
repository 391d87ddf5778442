/** The flags of `pnpm bench storage`. */
import { BenchmarkError } from '../benchmark-error.ts'
import { FLAG, number, parseFlags, TEXT } from '../flags.ts'
import { ROWS, type Row } from './rows.ts'
import { FULL, QUICK, type Sizes } from './sizes.ts'

export interface StorageOptions {
  readonly rows: readonly Row[]
  readonly sizes: Sizes
  /** Every row at full length: only then the documents are written. */
  readonly complete: boolean
}

/** Rounds are rounded up; seconds may be very few. */
const SHORTEST = 0.001
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
  const values = parseFlags(words, { help: FLAG, quick: FLAG, rows: TEXT, rounds: TEXT, seconds: TEXT })
  if (values.help) return null
  const base = values.quick ? QUICK : FULL
  const wanted = values.rows?.split(',') ?? NAMES
  const unknown = wanted.find((name) => !NAMES.includes(name))
  if (unknown !== undefined) {
    throw new BenchmarkError('BENCH_USAGE', `--rows ${unknown}: the rows are ${NAMES.join(', ')}`)
  }
  const rounds = number('rounds', values.rounds, SHORTEST) ?? base.rounds
  const seconds = number('seconds', values.seconds, SHORTEST) ?? base.seconds
  return {
    rows: ROWS.filter(({ name }) => wanted.includes(name)),
    sizes: { ...base, rounds: Math.ceil(rounds), seconds },
    complete: !values.quick && values.rows === undefined,
  }
}
