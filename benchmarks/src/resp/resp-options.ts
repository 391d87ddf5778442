/** The flags of `pnpm bench resp`. */
import { CASE_FLAGS, type CaseOptions, readCaseOptions } from '../cases.ts'
import { choice, numbers, parseFlags, TEXT } from '../flags.ts'
import { NODE_DURABILITIES } from '../servers/minivault-server.ts'
import { COMMANDS, type CommandName } from './commands.ts'
import type { RespCase } from './figures.ts'
import { CASES } from './plan.ts'

export interface RespOptions extends CaseOptions {
  readonly cases: readonly RespCase[]
}

const SECONDS_MIN = 0.05
const FULL = { keyspace: 50_000, rounds: 3, seconds: 1.5 }
const QUICK = { keyspace: 5000, rounds: 1, seconds: 0.2 }
const COMMAND_NAMES = Object.keys(COMMANDS) as CommandName[]

export const HELP = `pnpm bench resp: minivault-node beside redis-server, asked by redis-benchmark
  --quick               one short round of each case; writes nothing
  --command C           only ${COMMAND_NAMES.join(', ')}
  --durability D        only this level of minivault (memory, os, fsync) and its pair
  --bytes 64,1024       only these value sizes
  --pipeline 1,16,64    only these pipelines
  --rounds 3            --seconds 1.5 (of a round, about)      --keyspace 50000
  --no-pin              leave the cores to the scheduler
  --render              measures nothing: writes the page from the last complete run again
A complete run takes about six minutes and is written to docs/BENCHMARKS.md and benchmarks/results/; a part
of it is only printed.
`

/** Null when the words ask for help. */
export function readRespOptions(words: readonly string[]): RespOptions | null {
  const values = parseFlags(words, { ...CASE_FLAGS, command: TEXT, pipeline: TEXT })
  if (values.help) return null
  const base = values.quick ? QUICK : FULL
  const command = choice('command', values.command, COMMAND_NAMES)
  const durability = choice('durability', values.durability, NODE_DURABILITIES)
  const bytes = numbers('bytes', values.bytes)
  const pipelines = numbers('pipeline', values.pipeline)
  return {
    cases: CASES.filter(
      (one) =>
        (command ?? one.command) === one.command &&
        (durability ?? one.minivault) === one.minivault &&
        (bytes ?? [one.valueBytes]).includes(one.valueBytes) &&
        (pipelines ?? [one.pipeline]).includes(one.pipeline),
    ),
    ...readCaseOptions(values, base, SECONDS_MIN),
  }
}
