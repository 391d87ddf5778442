/**
 * The door to every benchmark: `pnpm bench` lists them, `pnpm bench <name> [flags]` runs one. A benchmark is
 * one row of the table below and a function that takes the remaining words of the command line. Its module
 * is loaded only when it is asked for, so that a rival that is not installed stops nobody else.
 */
import { BenchmarkError } from './benchmark-error.ts'

interface Benchmark {
  readonly about: string
  readonly load: () => Promise<(words: string[]) => Promise<void>>
}

const BENCHMARKS: Record<string, Benchmark> = {
  storage: {
    about: '@minivault/storage against lmdb, classic-level, better-sqlite3 and a Map',
    load: async () => (await import('./storage/storage.ts')).runStorage,
  },
  wire: {
    about: 'the wire against redis-server: ops/s, times, server CPU per operation, memory',
    load: async () => (await import('./wire/wire.ts')).runWire,
  },
  http: {
    about: 'HTTP beside a bare node:http server, asked by wrk: server CPU per request, times',
    load: async () => (await import('./http/http.ts')).runHttp,
  },
  resp: {
    about: 'the Redis protocol against redis-server, asked by redis-benchmark: server CPU per operation',
    load: async () => (await import('./resp/resp.ts')).runResp,
  },
  core: {
    about: 'the quorum core without I/O: CPU of an operation, simulated histories a second',
    load: async () => (await import('./core/core.ts')).runCore,
  },
  cluster: {
    about: 'three nodes beside a single one and three members of etcd; how soon they agree and heal',
    load: async () => (await import('./cluster/cluster.ts')).runCluster,
  },
  start: {
    about: 'an installed package: from npx to the ready line',
    load: async () => (await import('./start/start.ts')).runStart,
  },
}

function list(): string {
  const rows = Object.entries(BENCHMARKS).map(
    ([name, { about }]) => `  pnpm bench ${name.padEnd(12)} ${about}\n`,
  )
  return `Benchmarks (each explains its flags with --help):\n${rows.join('')}`
}

async function main(words: string[]): Promise<void> {
  const [name, ...rest] = words
  if (name === undefined || name === '--help') {
    process.stdout.write(list())
    return
  }
  if (!Object.hasOwn(BENCHMARKS, name)) {
    const known = Object.keys(BENCHMARKS).join(', ')
    throw new BenchmarkError('BENCH_USAGE', `there is no benchmark "${name}": the names are ${known}`)
  }
  const run = await BENCHMARKS[name]!.load()
  await run(rest)
}

main(process.argv.slice(2)).catch((error: unknown) => {
  if (!(error instanceof BenchmarkError)) throw error
  process.stderr.write(`bench: ${error.message}\n`)
  process.exitCode = error.code === 'BENCH_USAGE' ? 2 : 1
})
