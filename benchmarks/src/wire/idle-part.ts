/**
 * Thousands of connections that have each asked and then keep silent: what each costs the server in memory,
 * and whether those that go on asking feel them. Memory is compared with that of a twin, as fresh, that was
 * asked the same over a few connections: a server that has worked has room left in its heap, and connections
 * would seem to cost less there. The active ones are measured with idle ones beside them, without, and with
 * again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { BenchmarkError } from '../benchmark-error.ts'
import { Generator } from '../load/generator.ts'
import type { LoadOptions } from '../load/load.ts'
import type { LoadFigures } from '../load/load-figures.ts'
import { DATA_PARENT } from '../machine.ts'
import { summarise } from '../rounds/summary.ts'
import { minivaultPlan } from '../servers/minivault-server.ts'
import { CORES } from '../servers/pinning.ts'
import { redisPlan } from '../servers/redis-server.ts'
import { HOST, Server } from '../servers/server.ts'
import { readMemory } from '../servers/server-process.ts'
import type { ServerPlan } from '../servers/started-process.ts'
import type { IdleResult } from './figures.ts'
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
  onResult(await measureServer('minivault', () => minivaultPlan('os'), options, pin))
  onResult(await measureServer('redis', () => redisPlan('AOF everysec'), options, pin))
}

async function measureServer(
  name: IdleResult['server'],
  planOf: () => Promise<ServerPlan> | ServerPlan,
  options: WireOptions,
  pin: boolean,
): Promise<IdleResult> {
  const { idleConnections } = options
  const core = pin ? CORES.server : null
  const startGenerator = () => Generator.start(pin ? CORES.generator : null)
  const twinMemory = await memoryOfTwin(await planOf(), options, core, startGenerator)
  await using server = await Server.start(await planOf(), DATA_PARENT, core)
  const openIdle = async (operation: 'set' | 'get') => {
    const generator = startGenerator()
    try {
      await ask(generator, server, { ...once(options, operation), connections: idleConnections })
    } catch (error) {
      await generator.close()
      throw error
    }
    await sleep(SETTLE_MS)
    return generator
  }
  await using active = startGenerator()
  const shape = { ...ACTIVE, keyspace: idleConnections, seconds: options.seconds * SECONDS_SHARE }
  const rounds = async () => {
    const list: LoadFigures[] = []
    while (list.length < options.rounds * ROUNDS_FACTOR) list.push(await ask(active, server, shape))
    return list
  }
  let idle = await openIdle('set')
  try {
    const bytesPerConnection = (readMemory(server.pid).now - twinMemory) / idleConnections
    await ask(active, server, shape)
    const beside = await rounds()
    await idle.close()
    await sleep(SETTLE_MS)
    const alone = await rounds()
    idle = await openIdle('get')
    beside.push(...(await rounds()))
    const summaries = { alone: summarise(alone), beside: summarise(beside) }
    return { part: 'idle', server: name, idleConnections, bytesPerConnection, ...summaries }
  } finally {
    await idle.close()
  }
}

async function memoryOfTwin(
  plan: ServerPlan,
  options: WireOptions,
  core: number | null,
  startGenerator: () => Generator,
): Promise<number> {
  await using twin = await Server.start(plan, DATA_PARENT, core)
  await using generator = startGenerator()
  await ask(generator, twin, once(options, 'set'))
  await sleep(SETTLE_MS)
  return readMemory(twin.pid).now
}

type Shape = Pick<
  LoadOptions,
  'operation' | 'valueBytes' | 'connections' | 'pipeline' | 'keyspace' | 'seconds'
>

/** One request for each idle connection. */
function once({ idleConnections }: WireOptions, operation: 'set' | 'get'): Shape {
  return { ...ACTIVE, operation, keyspace: idleConnections, seconds: 'once' }
}

async function ask(generator: Generator, server: Server, shape: Shape): Promise<LoadFigures> {
  const language = server.plan.name === 'redis-server' ? 'resp' : 'documented'
  const figures = await generator.run({
    host: HOST,
    ports: [server.port],
    serverPids: [server.pid],
    language,
    ...shape,
  })
  if (figures.invalid === null) return figures
  throw new BenchmarkError('BENCH_INVALID', `invalid run against ${server.plan.name}: ${figures.invalid}`)
}
