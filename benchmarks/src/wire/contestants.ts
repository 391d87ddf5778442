/**
 * Who takes part in a group of cases, each with the server it asks and the way it asks: minivault in its two
 * languages, redis under our generator and under its own, and the floor.
 */
import { BenchmarkError } from '../benchmark-error.ts'
import type { Generator } from '../load/generator.ts'
import type { LanguageName } from '../load/languages.ts'
import type { LoadFigures } from '../load/load-figures.ts'
import { operationsIn, runRedisBenchmark } from '../load/redis-benchmark.ts'
import type { Workload } from '../load/request-batches.ts'
import type { Runner } from '../rounds/rounds.ts'
import { HOST, type Server } from '../servers/server.ts'
import type { ContestantName } from './figures.ts'

const LANGUAGE_OF: Record<ContestantName, LanguageName> = {
  minivault: 'documented',
  frames: 'frames',
  floor: 'documented',
  redis: 'resp',
  redisBenchmark: 'resp',
}
const FILL_PIPELINE = 64
/** Batches of the fill are at most about this large. */
const FILL_BATCH_BYTES = 256 * 1024

/** One run of the load generator, whoever is asked. */
export interface LoadShape {
  readonly operation: Workload
  readonly valueBytes: number
  readonly connections: number
  readonly pipeline: number
  readonly keyspace: number
}

export interface Servers {
  readonly minivault: Server
  readonly redis: Server
  readonly floor: Server | null
}

export class Contestants {
  readonly #servers: Servers
  readonly #generator: Generator
  readonly #generatorCore: number | null
  /** What redis-benchmark may expect of redis. */
  #redisOpsPerSecond = 0

  constructor(servers: Servers, generator: Generator, generatorCore: number | null) {
    this.#servers = servers
    this.#generator = generator
    this.#generatorCore = generatorCore
  }

  serverOf(name: ContestantName): Server {
    const { minivault, redis, floor } = this.#servers
    if (name === 'redis' || name === 'redisBenchmark') return redis
    return name === 'floor' ? floor! : minivault
  }

  /** Sets every key once on both stores. */
  async fill(shape: LoadShape): Promise<void> {
    const pipeline = Math.max(1, Math.min(FILL_PIPELINE, Math.floor(FILL_BATCH_BYTES / shape.valueBytes)))
    for (const name of ['minivault', 'redis'] as const) {
      await this.measure(name, { ...shape, operation: 'set', pipeline }, 'once')
    }
  }

  runner(name: ContestantName, shape: LoadShape): Runner<ContestantName> {
    const measure = (seconds: number) => this.measure(name, shape, seconds)
    return { name, server: this.serverOf(name), measure }
  }

  async measure(name: ContestantName, shape: LoadShape, seconds: number | 'once'): Promise<LoadFigures> {
    const server = this.serverOf(name)
    const language = LANGUAGE_OF[name]
    const target = { host: HOST, ports: [server.port], serverPids: [server.pid], language }
    const options = { ...target, ...shape, seconds }
    if (name === 'redisBenchmark') {
      const operations = operationsIn(seconds === 'once' ? 0 : seconds, this.#redisOpsPerSecond)
      const load = { ...shape, server, test: ['-t', shape.operation] }
      return await runRedisBenchmark(load, operations, this.#generatorCore)
    }
    const figures = await this.#generator.run(options)
    if (figures.invalid !== null) {
      throw new BenchmarkError('BENCH_INVALID', `invalid run against ${server.plan.name}: ${figures.invalid}`)
    }
    if (name === 'redis') this.#redisOpsPerSecond = figures.opsPerSecond
    return figures
  }
}
