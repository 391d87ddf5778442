/**
 * The cases of RESP. Those of one level and size share a minivault-node and a redis-server, which are started
 * afresh, filled by our generator, asked each command once by hand (so that an error is told in the server's
 * own words: redis-benchmark just ends), and warmed.
 */
import { BenchmarkError } from '../benchmark-error.ts'
import { Generator } from '../load/generator.ts'
import type { LoadFigures } from '../load/load-figures.ts'
import { operationsIn, runRedisBenchmark } from '../load/redis-benchmark.ts'
import { DATA_PARENT } from '../machine.ts'
import { measureRounds, type Runner } from '../rounds/rounds.ts'
import type { Run } from '../run.ts'
import { askOnce } from '../servers/ask-once.ts'
import { minivaultPlan, type NodeDurability } from '../servers/minivault-server.ts'
import { CORES } from '../servers/pinning.ts'
import { redisPlan } from '../servers/redis-server.ts'
import { HOST, Server } from '../servers/server.ts'
import type { ServerPlan } from '../servers/started-process.ts'
import { COMMANDS, requestOf } from './commands.ts'
import type { RespCase, RespCaseResult, RespContestant } from './figures.ts'
import type { RespOptions } from './resp-options.ts'

const FILL_PIPELINE = 64
const WARM_SECONDS = 0.3
/** Of the first run of a case, before anybody knows how fast it is. */
const FIRST_OPS_PER_SECOND = 50_000

interface Asked {
  readonly minivault: Server
  readonly redis: Server
  readonly generator: Generator
  readonly generatorCore: number | null
  readonly keyspace: number
}

export async function measureGroup(
  cases: readonly RespCase[],
  options: RespOptions,
  pin: boolean,
  run: Run<RespCaseResult>,
  onResult: (result: RespCaseResult) => void,
  planOf: (durability: NodeDurability) => ServerPlan = minivaultPlan,
): Promise<void> {
  const [first] = cases as [RespCase]
  const core = pin ? CORES.server : null
  const generatorCore = pin ? CORES.generator : null
  await using minivault = await Server.start(planOf(first.minivault), DATA_PARENT, core)
  await using redis = await Server.start(await redisPlan(first.redis), DATA_PARENT, core)
  await using generator = Generator.start(generatorCore)
  const asked: Asked = { minivault, redis, generator, generatorCore, keyspace: options.keyspace }
  for (const server of [minivault, redis]) {
    await askByHand(server, ['PING'])
    await askOurs(asked, server, { ...first, command: 'set', pipeline: FILL_PIPELINE }, 'once')
  }
  for (const one of cases) {
    await run.attempt(`${COMMANDS[one.command].title} at ${one.minivault}`, async () =>
      onResult(await measureCase(one, asked, options)),
    )
  }
}

async function measureCase(one: RespCase, asked: Asked, options: RespOptions): Promise<RespCaseResult> {
  const { minivault, redis } = asked
  for (const server of [minivault, redis]) await askByHand(server, COMMANDS[one.command].byHand)
  const runners: Runner<RespContestant>[] = [
    { name: 'minivault', server: minivault, measure: byRedisBenchmark(one, asked, minivault) },
    { name: 'redis', server: redis, measure: byRedisBenchmark(one, asked, redis) },
  ]
  if (one.hasOurs) {
    const ours = (server: Server) => (seconds: number) => askOurs(asked, server, one, seconds)
    runners.push({ name: 'minivaultOurs', server: minivault, measure: ours(minivault) })
    runners.push({ name: 'redisOurs', server: redis, measure: ours(redis) })
  }
  for (const { measure } of runners) await measure(WARM_SECONDS)
  const measured = await measureRounds(runners, options.rounds, options.seconds)
  return { part: 'case', ...one, keyspace: options.keyspace, ...measured }
}

/** Its number of operations follows from how fast the last run was. */
function byRedisBenchmark(
  { command, connections, pipeline, valueBytes }: RespCase,
  { generatorCore, keyspace }: Asked,
  server: Server,
): (seconds: number) => Promise<LoadFigures> {
  const load = { server, test: COMMANDS[command].test, connections, pipeline, keyspace, valueBytes }
  let opsPerSecond = FIRST_OPS_PER_SECOND
  return async (seconds) => {
    const figures = await runRedisBenchmark(load, operationsIn(seconds, opsPerSecond), generatorCore)
    opsPerSecond = figures.opsPerSecond
    return figures
  }
}

async function askOurs(
  { generator, keyspace }: Asked,
  server: Server,
  { command, connections, pipeline, valueBytes }: RespCase,
  seconds: number | 'once',
): Promise<LoadFigures> {
  const operation = command === 'get' ? 'get' : 'set'
  const target = { host: HOST, ports: [server.port], serverPids: [server.pid], language: 'resp' } as const
  const shape = { operation, connections, pipeline, valueBytes, keyspace, seconds } as const
  const figures = await generator.run({ ...target, ...shape })
  if (figures.invalid === null) return figures
  throw new BenchmarkError('BENCH_INVALID', `invalid run against ${server.plan.name}: ${figures.invalid}`)
}

async function askByHand(server: Server, words: readonly string[]): Promise<void> {
  const { name } = server.plan
  const answer = await askOnce(server.port, requestOf(words)).catch((error: Error) => {
    throw new BenchmarkError('BENCH_SERVER', `${name} does not answer ${words[0]}: ${error.message}`)
  })
  if (/^[+:$*_,#%~=(]/.test(answer)) return
  const line = answer.split('\r\n', 1)[0]!.slice(0, 100)
  throw new BenchmarkError('BENCH_INVALID', `${name} answers ${words[0]} with ${JSON.stringify(line)}`)
}
