/** The flags of `pnpm bench wire`. */
import { choice, FLAG, number, numbers, parseFlags, TEXT } from '../flags.ts'
import { WORKLOADS } from '../load/request-batches.ts'
import { NODE_DURABILITIES } from '../servers/minivault-server.ts'
import type { WireCase } from './figures.ts'
import { planCases, type Wanted } from './plan.ts'

const PARTS = ['load', 'large', 'idle'] as const
export type Part = (typeof PARTS)[number]

export interface WireOptions {
  readonly parts: readonly Part[]
  readonly cases: readonly WireCase[]
  /** At most; see `keyspaceOf`. */
  readonly keyspace: number
  readonly rounds: number
  readonly seconds: number
  readonly idleConnections: number
  readonly pin: boolean
  /** Everything, whatever the length of the rounds: only then the documents are written. */
  readonly complete: boolean
  /** Measures nothing, writes the documents of the last complete run again. */
  readonly render: boolean
}

const FULL = { keyspace: 100_000, rounds: 3, seconds: 2, idleConnections: 10_000 }
const QUICK = { keyspace: 10_000, rounds: 1, seconds: 0.3, idleConnections: 1000 }
/** All values of the keyspace together: they fit into the memory of both stores at their defaults. */
const KEYSPACE_BYTES = 64 * 2 ** 20

export const HELP = `pnpm bench wire: minivault-node against redis-server in the same run
  --quick               one short round of each case; writes nothing
  --part load|large|idle  load: SET, GET and the mix; large: 100 MiB values; idle: 10,000 idle connections
  --operation set|get|mix   only this one (mix: 90 % GET, 10 % SET)
  --durability D        only this level of minivault (memory, os, fsync) and its pair
  --bytes 64,1024       value sizes
  --pipeline 1,16,64    requests on their way on each connection
  --connections 1,50,1000
  --rounds 3            --seconds 2 (of a round)      --keyspace 100000 (at most)
  --no-pin              leave the cores to the scheduler
  --render              measures nothing: writes the documents from the last complete run again
Sizes, levels, pipelines and connections that are asked for are combined with each other; without them the
plan of src/wire/plan.ts is measured. A complete run is written to docs/BENCHMARKS.md and benchmarks/results/;
a part of it is only printed.
`

/** Null when the words ask for help. */
export function readWireOptions(words: string[]): WireOptions | null {
  const values = parse(words)
  if (values.help) return null
  const base = values.quick ? QUICK : FULL
  const wanted: Wanted = {
    operation: choice('operation', values.operation, WORKLOADS),
    durability: choice('durability', values.durability, NODE_DURABILITIES),
    valueBytes: numbers('bytes', values.bytes),
    connections: numbers('connections', values.connections),
    pipelines: numbers('pipeline', values.pipeline),
  }
  const isNarrowed = Object.values(wanted).some((value) => value !== undefined)
  const part = choice('part', values.part, PARTS) ?? (isNarrowed ? 'load' : undefined)
  const changed = Object.entries(values).some(([name]) => !['rounds', 'seconds', 'render'].includes(name))
  return {
    parts: part === undefined ? PARTS : [part],
    cases: planCases(wanted),
    keyspace: number('keyspace', values.keyspace) ?? base.keyspace,
    rounds: number('rounds', values.rounds) ?? base.rounds,
    seconds: number('seconds', values.seconds, 0.05) ?? base.seconds,
    idleConnections: base.idleConnections,
    pin: !values['no-pin'],
    complete: !changed,
    render: values.render ?? false,
  }
}

/** How many keys hold values of this size. */
export function keyspaceOf(valueBytes: number, { keyspace }: Pick<WireOptions, 'keyspace'>): number {
  return Math.min(keyspace, Math.max(64, Math.floor(KEYSPACE_BYTES / valueBytes)))
}

function parse(words: string[]) {
  return parseFlags(words, {
    help: FLAG,
    quick: FLAG,
    render: FLAG,
    'no-pin': FLAG,
    part: TEXT,
    operation: TEXT,
    durability: TEXT,
    bytes: TEXT,
    pipeline: TEXT,
    connections: TEXT,
    keyspace: TEXT,
    rounds: TEXT,
    seconds: TEXT,
  })
}
