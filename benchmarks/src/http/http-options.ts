/** The flags of `pnpm bench http`. */
import { CASE_FLAGS, type CaseOptions, readCaseOptions } from '../cases.ts'
import { choice, numbers, parseFlags, TEXT } from '../flags.ts'
import { NODE_DURABILITIES } from '../servers/minivault-server.ts'
import type { HttpCase } from './figures.ts'
import { CASES } from './plan.ts'
import { KINDS, type RequestKind } from './requests.ts'

export interface HttpOptions extends CaseOptions {
  readonly cases: readonly HttpCase[]
}

/** wrk takes whole seconds. */
const SECONDS_MIN = 1
const FULL = { keyspace: 10_000, rounds: 4, seconds: 2 }
const QUICK = { keyspace: 500, rounds: 1, seconds: 1 }
const KIND_NAMES = Object.keys(KINDS) as RequestKind[]

export const HELP = `pnpm bench http: minivault-node against bare node:http servers, asked by wrk
  --quick               one round of a second of each case; writes nothing
  --kind K              only ${KIND_NAMES.join(', ')}
  --durability D        only this level of minivault (memory, os, fsync)
  --bytes 64,1024       only these value sizes
  --connections 50      only these numbers of connections
  --rounds 4            --seconds 2 (of a round, whole)      --keyspace 10000 (at most)
  --no-pin              leave the cores to the scheduler
  --render              measures nothing: writes the page from the last complete run again
A complete run takes about five minutes and is written to docs/BENCHMARKS.md and benchmarks/results/; a part
of it is only printed.
`

/** Null when the words ask for help. */
export function readHttpOptions(words: readonly string[]): HttpOptions | null {
  const values = parseFlags(words, { ...CASE_FLAGS, kind: TEXT, connections: TEXT })
  if (values.help) return null
  const base = values.quick ? QUICK : FULL
  const kind = choice('kind', values.kind, KIND_NAMES)
  const durability = choice('durability', values.durability, NODE_DURABILITIES)
  const bytes = numbers('bytes', values.bytes)
  const connections = numbers('connections', values.connections)
  return {
    cases: CASES.filter(
      (one) =>
        (kind ?? one.kind) === one.kind &&
        (durability ?? one.durability) === one.durability &&
        (bytes ?? [one.valueBytes]).includes(one.valueBytes) &&
        (connections ?? [one.connections]).includes(one.connections),
    ),
    ...readCaseOptions(values, base, SECONDS_MIN),
  }
}
