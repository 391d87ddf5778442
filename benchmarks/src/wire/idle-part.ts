/**
 * Thousands of connections that have each asked once and then keep silent: what each costs the server in
 * memory, and whether those that go on asking feel them. The active ones are measured without idle ones
 * beside them, with, and without again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { BenchmarkError } from '../benchmark-error.ts'
import { DATA_PARENT } from '../machine.ts'
import { type IdleResult, summarise } from './figures.ts'
import { Generator } from './generator.ts'
import type { LoadFigures, LoadOptions } from './load.ts'
import { minivaultPlan } from './minivault-server.ts'
import { CORES } from './pinning.ts'
import { redisPlan } from './redis-server.ts'
import { HOST, Server, type ServerPlan } from './server.ts'
import { readMemory } from './server-process.ts'
import type { WireOptions } from './wire-options.ts'

const ACTIVE = { operation: 'get', valueBytes: 64, connections: 50, pipeline: 1 } as const
/** p99 jumps more than other figures do: more and shorter rounds. */
const ROUNDS_FACTOR = 2
const SECONDS_SHARE = 0.5
/** Until memory is quiet. */
const SETTLE_MS = 1000

export async function measureIdleConnections(
  options: WireOptions,
  pin: boolean,
  onResult: (result: IdleResult) => void,
): Promise<void> {
  onResult(await measureServer('minivault', minivaultPlan('os'), options, pin))
  onResult(await measureServer('redis', await redisPlan('AOF everysec'), options, pin))
}

async function measureServer(
  name: IdleResult['server'],
  plan: ServerPlan,
  options: WireOptions,
  pin: boolean,
): Promise<IdleResult> {
  const { idleConnections } = options
  const generatorCore = pin ? CORES.generator : null
  await using server = await Server.start(plan, DATA_PARENT, pin ? CORES.server : null)
  await using active = Generator.start(generatorCore)
  const run = async (generator: Generator, changes: Partial<LoadOptions>) => {
    const target = { host: HOST, port: server.port, serverPid: server.pid, language: plan.language }
    const shape = { ...ACTIVE, keyspace: Math.max(options.keyspace, idleConnections) }
    const seconds = options.seconds * SECONDS_SHARE
    const figures = await generator.run({ ...target, ...shape, seconds, ...changes })
    if (figures.invalid === null) return figures
    throw new BenchmarkError('BENCH_INVALID', `invalid run against ${plan.name}: ${figures.invalid}`)
  }
  const rounds = async () => {
    const list: LoadFigures[] = []
    while (list.length < options.rounds * ROUNDS_FACTOR) list.push(await run(active, {}))
    return list
  }
  await run(active, { operation: 'set', pipeline: 64, seconds: 'once' })
  await run(active, {})
  const before = await rounds()
  const memoryBefore = readMemory(server.pid).now
  const idle = Generator.start(generatorCore)
  try {
    await run(idle, { connections: idleConnections, seconds: 'once' })
    await sleep(SETTLE_MS)
    const grown = readMemory(server.pid).now - memoryBefore
    const beside = await rounds()
    await idle.close()
    await sleep(SETTLE_MS)
    const alone = [...before, ...(await rounds())]
    return {
      part: 'idle',
      server: name,
      idleConnections,
      bytesPerConnection: grown / idleConnections,
      alone: summarise(alone),
      beside: summarise(beside),
    }
  } finally {
    await idle.close()
  }
}
