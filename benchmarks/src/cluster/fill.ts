/** The keys that a part of the cluster's benchmark begins with. */
import { BenchmarkError } from '../benchmark-error.ts'
import { Generator } from '../load/generator.ts'
import { HOST } from '../servers/server.ts'
import type { Trio } from '../servers/trio.ts'
import { CONNECTIONS } from './plan.ts'

/** Every key once, through all members. */
export async function fill(trio: Trio, keyspace: number, valueBytes: number): Promise<void> {
  await using generator = Generator.start(null)
  const target = { host: HOST, ports: trio.ports, serverPids: trio.pids, language: 'framesOfQuorum' } as const
  const shape = {
    operation: 'set',
    valueBytes,
    pipeline: 16,
    keyspace,
    seconds: 'once',
  } as const
  const { invalid } = await generator.run({ ...target, ...shape, connections: CONNECTIONS })
  if (invalid !== null) throw new BenchmarkError('BENCH_INVALID', `the keys could not be written: ${invalid}`)
}
