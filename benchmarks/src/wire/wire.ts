/**
 * `pnpm bench wire`: the matrix of cases, each measured in rounds that take turns (minivault, redis,
 * minivault, redis …), so that what the machine does meanwhile hits both. Each case starts both servers
 * afresh in folders of their own, fills the keyspace, lets both run warm, and only then measures. While one
 * is measured the other one idles.
 */
import { BenchmarkError } from '../benchmark-error.ts'
import { DATA_PARENT, machineFacts } from '../machine.ts'
import { type CaseResult, summarise, type WireCase } from './figures.ts'
import { Generator } from './generator.ts'
import type { LoadFigures } from './load.ts'
import { buildMinivault, minivaultPlan } from './minivault-server.ts'
import { CORES, canPin } from './pinning.ts'
import { redisPlan, requireRedis } from './redis-server.ts'
import { caseLine, runHeader, tableHeader } from './report.ts'
import { HOST, Server } from './server.ts'
import { HELP, readWireOptions, type WireOptions } from './wire-options.ts'
import { writeResults } from './write-results.ts'

const FILL_PIPELINE = 64
const WARM_SHARE = 0.25

export async function runWire(words: string[]): Promise<void> {
  const options = readWireOptions(words)
  if (options === null) {
    process.stdout.write(HELP)
    return
  }
  const facts = { redisVersion: requireRedis(), ...machineFacts() }
  await buildMinivault()
  const pin = options.pin && canPin()
  process.stdout.write(runHeader(facts, options, pin))
  process.stdout.write(tableHeader())
  const results: CaseResult[] = []
  for (const wireCase of options.cases) {
    const result = await measureCase(wireCase, options, pin)
    results.push(result)
    process.stdout.write(caseLine(result))
  }
  if (options.complete) process.stdout.write(writeResults(facts, options, pin, results))
}

async function measureCase(wireCase: WireCase, options: WireOptions, pin: boolean): Promise<CaseResult> {
  const core = pin ? CORES.server : null
  await using minivault = await Server.start(minivaultPlan(wireCase.minivault), DATA_PARENT, core)
  await using redis = await Server.start(await redisPlan(wireCase.redis), DATA_PARENT, core)
  await using generator = Generator.start(pin ? CORES.generator : null)
  const servers = [minivault, redis] as const
  for (const server of servers) {
    const fill = { ...wireCase, operation: 'set', pipeline: FILL_PIPELINE } as const
    await measure(generator, server, fill, options, 'once')
    await measure(generator, server, wireCase, options, options.seconds * WARM_SHARE)
  }
  const rounds: [LoadFigures, LoadFigures][] = []
  for (let round = 0; round < options.rounds; round++) {
    const ours = await measure(generator, minivault, wireCase, options, options.seconds)
    const theirs = await measure(generator, redis, wireCase, options, options.seconds)
    rounds.push([ours, theirs])
  }
  return summarise(wireCase, rounds)
}

async function measure(
  generator: Generator,
  server: Server,
  wireCase: WireCase,
  options: WireOptions,
  seconds: number | 'once',
): Promise<LoadFigures> {
  const { operation, valueBytes, pipeline } = wireCase
  const { connections, keyspace } = options
  const target = { host: HOST, port: server.port, serverPid: server.pid, language: server.plan.language }
  const load = { operation, valueBytes, pipeline, connections, keyspace, seconds }
  const figures = await generator.run({ ...target, ...load })
  if (figures.invalid !== null) {
    throw new BenchmarkError('BENCH_INVALID', `invalid run against ${server.plan.name}: ${figures.invalid}`)
  }
  return figures
}
