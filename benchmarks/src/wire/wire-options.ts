/** The flags of `pnpm bench wire`, checked: a wrong one is a usage error that names it. */
import { parseArgs } from 'node:util'
import { BenchmarkError } from '../benchmark-error.ts'
import type { WireCase } from './figures.ts'
import type { Operation } from './language.ts'
import type { NodeDurability } from './minivault-server.ts'
import type { RedisDurability } from './redis-server.ts'

export interface WireOptions {
  readonly cases: readonly WireCase[]
  readonly connections: number
  readonly keyspace: number
  readonly rounds: number
  readonly seconds: number
  readonly pin: boolean
  /** Every case of the full matrix at full length: only then the documents are written. */
  readonly complete: boolean
}

const FULL = { connections: 50, keyspace: 100_000, rounds: 3, seconds: 2 }
const QUICK = { connections: 50, keyspace: 10_000, rounds: 1, seconds: 0.3 }
const PIPELINES = [1, 16, 64]
const VALUE_BYTES = [64, 1024]

/** Levels that keep the same promise: what a killed process loses, and what a power cut loses. */
const PAIRS: readonly [NodeDurability, RedisDurability][] = [
  ['memory', 'no AOF'],
  ['os', 'AOF everysec'],
  ['fsync', 'AOF always'],
]

export const HELP = `pnpm bench wire: minivault-node against redis-server, SET and GET, in the same run
  --quick               one short round of each case; writes nothing
  --operation set|get   only this one
  --durability D        only this level of minivault (memory, os, fsync) and its pair
  --bytes 64,1024       value sizes
  --pipeline 1,16,64    requests on their way on each connection
  --connections 50      --keyspace 100000      --rounds 3      --seconds 2
  --no-pin              leave the cores to the scheduler
The full matrix is written to docs/BENCHMARKS.md and benchmarks/results/; a part of it is only printed.
`

/** Null when the words ask for help. */
export function readWireOptions(words: string[]): WireOptions | null {
  const values = parse(words)
  if (values.help) return null
  const base = values.quick ? QUICK : FULL
  const pipelines = numbers('pipeline', values.pipeline) ?? PIPELINES
  const valueBytes = numbers('bytes', values.bytes) ?? VALUE_BYTES
  const operation = choice('operation', values.operation, ['set', 'get'] as const)
  const levels = ['memory', 'os', 'fsync'] as const
  const durability = choice('durability', values.durability, levels)
  const cases: WireCase[] = []
  for (const one of ['set', 'get'] satisfies Operation[]) {
    for (const [minivault, redis] of PAIRS) {
      if (operation !== undefined && operation !== one) continue
      if (durability !== undefined ? durability !== minivault : one === 'get' && minivault !== 'memory')
        continue
      for (const bytes of valueBytes) {
        for (const pipeline of pipelines) {
          cases.push({ operation: one, minivault, redis, valueBytes: bytes, pipeline })
        }
      }
    }
  }
  const narrowed = Object.entries(values).some(([name]) => name !== 'rounds' && name !== 'seconds')
  return {
    cases,
    connections: number('connections', values.connections) ?? base.connections,
    keyspace: number('keyspace', values.keyspace) ?? base.keyspace,
    rounds: number('rounds', values.rounds) ?? base.rounds,
    seconds: number('seconds', values.seconds, 0.05) ?? base.seconds,
    pin: !values['no-pin'],
    complete: !narrowed,
  }
}

function parse(words: string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args: words.filter((word) => word !== '--'),
      options: {
        help: flag,
        quick: flag,
        'no-pin': flag,
        operation: text,
        durability: text,
        bytes: text,
        pipeline: text,
        connections: text,
        keyspace: text,
        rounds: text,
        seconds: text,
      },
    }).values
  } catch (error) {
    throw new BenchmarkError('BENCH_USAGE', `${(error as Error).message.split('. ')[0]} (see --help)`, {
      cause: error,
    })
  }
}

function number(name: string, text: string | undefined, min = 1): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  const whole = min < 1 || Number.isInteger(value)
  if (text === '' || !Number.isFinite(value) || value < min || !whole) {
    throw new BenchmarkError('BENCH_USAGE', `--${name} ${text}: a number of at least ${min} is needed`)
  }
  return value
}

function numbers(name: string, text: string | undefined): number[] | undefined {
  return text?.split(',').map((part) => number(name, part)!)
}

function choice<T extends string>(
  name: string,
  text: string | undefined,
  known: readonly T[],
): T | undefined {
  if (text === undefined || known.includes(text as T)) return text as T | undefined
  throw new BenchmarkError('BENCH_USAGE', `--${name} ${text}: the choices are ${known.join(', ')}`)
}
