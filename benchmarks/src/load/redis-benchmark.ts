/**
 * redis's own load generator, redis-benchmark(1): beside ours where that must be shown to be fair to redis,
 * and where people compare by it.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { BenchmarkError } from '../benchmark-error.ts'
import { pinned } from '../servers/pinning.ts'
import { HOST, type Server } from '../servers/server.ts'
import { readCpuSeconds } from '../servers/server-process.ts'
import type { LoadFigures } from './load-figures.ts'

const OPERATIONS_MIN = 5000

export function hasRedisBenchmark(): boolean {
  return spawnSync('redis-benchmark', ['--version']).status === 0
}

export interface RedisBenchmarkLoad {
  readonly server: Pick<Server, 'port' | 'pid'>
  /** What is asked: `-t` and a test of its own, or the words of a command. */
  readonly test: readonly string[]
  readonly connections: number
  readonly pipeline: number
  readonly keyspace: number
  readonly valueBytes: number
}

/** As many operations as take about `seconds`, when `opsPerSecond` is what to expect: it takes no time. */
export function operationsIn(seconds: number, opsPerSecond: number): number {
  return Math.max(OPERATIONS_MIN, Math.round(opsPerSecond * seconds))
}

/** p99.9 it does not tell: 0. */
export async function runRedisBenchmark(
  load: RedisBenchmarkLoad,
  operations: number,
  core: number | null,
): Promise<LoadFigures> {
  const { server, connections, pipeline, keyspace, valueBytes, test } = load
  const place = ['-h', HOST, '-p', server.port, '-c', connections, '-P', pipeline]
  const work = ['-n', operations, '-r', keyspace, '-d', valueBytes, '--csv', ...test]
  const [command, args] = pinned(core, 'redis-benchmark', [...place, ...work].map(String))
  const cpuBefore = readCpuSeconds(server.pid)
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  let output = ''
  child.stdout.on('data', (text: Buffer) => {
    output += text.toString()
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new BenchmarkError('BENCH_INVALID', `redis-benchmark ended with ${code}`)
  const serverCpuSeconds = readCpuSeconds(server.pid) - cpuBefore
  const found = readCsv(output)
  return {
    operations,
    seconds: operations / found.rps,
    opsPerSecond: found.rps,
    serverCpuSeconds,
    serverCpuMicrosPerOp: (serverCpuSeconds * 1e6) / operations,
    clientCpuShare: 0,
    p50Micros: found.p50Ms * 1000,
    p99Micros: found.p99Ms * 1000,
    p999Micros: 0,
    invalid: null,
  }
}

/** Two lines: the names of the columns, and the figures of the one test that ran. */
export function readCsv(output: string): { rps: number; p50Ms: number; p99Ms: number } {
  const [names = [], figures = []] = output
    .trim()
    .split('\n')
    .map((line) => line.split(',').map((cell) => cell.replaceAll('"', '')))
  const figure = (name: string) => Number(figures[names.indexOf(name)])
  const found = { rps: figure('rps'), p50Ms: figure('p50_latency_ms'), p99Ms: figure('p99_latency_ms') }
  if (Object.values(found).some(Number.isNaN)) {
    throw new BenchmarkError('BENCH_INVALID', `redis-benchmark said: ${output.trim().slice(0, 200)}`)
  }
  return found
}
