import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Generator } from '../src/load/generator.ts'
import { KEY_BYTES, keyName } from '../src/load/language.ts'
import { LANGUAGES, type LanguageName } from '../src/load/languages.ts'
import type { LoadOptions } from '../src/load/load.ts'
import { hasRedisBenchmark, runRedisBenchmark } from '../src/load/redis-benchmark.ts'
import { buildRequestBatches } from '../src/load/request-batches.ts'
import { minivaultPlan } from '../src/servers/minivault-server.ts'
import { redisPlan, redisVersion } from '../src/servers/redis-server.ts'
import { HOST, Server } from '../src/servers/server.ts'
import { readMemory } from '../src/servers/server-process.ts'
import type { ServerPlan } from '../src/servers/started-process.ts'
import { shuffled } from '../src/shuffled.ts'
import { pipePlan, wireFloorPlan } from '../src/wire/node-servers.ts'

const KEYSPACE = 1000

async function loadServer(plan: ServerPlan, language: LanguageName, test: Tap): Promise<void> {
  await using server = await Server.start(plan, tmpdir(), null)
  await using generator = Generator.start(null)
  const run = (changes: Partial<LoadOptions>) => {
    const shape = { language, operation: 'set', valueBytes: 64, pipeline: 16 } as const
    const target = { host: HOST, ports: [server.port], serverPids: [server.pid] }
    return generator.run({
      ...shape,
      ...target,
      keyspace: KEYSPACE,
      connections: 5,
      seconds: 0.2,
      ...changes,
    })
  }
  const miss = await run({ operation: 'get', seconds: 'once' })
  test.match(miss.invalid, /^get was answered with/, 'a miss makes the run invalid')
  const fill = await run({ seconds: 'once' })
  test.equal(fill.invalid, null)
  test.equal(fill.operations, KEYSPACE, 'filling sets every key once')
  for (const operation of ['set', 'get', 'mix'] as const) {
    for (const pipeline of [1, 16]) {
      const figures = await run({ operation, pipeline })
      test.equal(figures.invalid, null, `${operation}, pipeline ${pipeline}: every reply is right`)
      test.ok(figures.operations > 0, `${figures.operations} operations`)
      const { p50Micros, p99Micros, p999Micros } = figures
      test.ok(p50Micros > 0 && p99Micros >= p50Micros && p999Micros >= p99Micros)
      test.ok(figures.serverCpuMicrosPerOp >= 0)
    }
  }
  const other = await run({ operation: 'get', valueBytes: 65, seconds: 'once' })
  test.match(other.invalid, /^get was answered with/, 'a value of another length makes the run invalid')
}

type Tap = typeof t

t.test('the generator against minivault-node', (test) =>
  loadServer(minivaultPlan('os', 'source'), 'documented', test as Tap),
)

t.test('the generator against the frame form', (test) =>
  loadServer(minivaultPlan('os', 'source'), 'frames', test as Tap),
)

const redis = redisVersion()
const skip = redis === null && 'redis-server is missing: apt-get install redis-server'
t.test('the generator against redis-server', { skip }, async (test) => {
  await loadServer(await redisPlan('AOF everysec'), 'resp', test as Tap)
})

t.test('redis-benchmark against redis-server', { skip: skip || !hasRedisBenchmark() }, async (test) => {
  await using server = await Server.start(await redisPlan('no AOF'), tmpdir(), null)
  const shape = { valueBytes: 64, pipeline: 16, keyspace: KEYSPACE, connections: 5 }
  const figures = await runRedisBenchmark({ server, test: ['-t', 'set'], ...shape }, 10_000, null)
  test.equal(figures.operations, 10_000)
  test.ok(figures.opsPerSecond > 0 && figures.p99Micros > 0 && figures.serverCpuMicrosPerOp >= 0)
})

t.test('the floor answers as many requests as came, wherever reads cut them', async (test) => {
  for (const [operation, valueBytes] of [
    ['set', 16_384],
    ['get', 64],
  ] as const) {
    await using server = await Server.start(wireFloorPlan(operation, valueBytes), tmpdir(), null)
    await using generator = Generator.start(null)
    const target = { host: HOST, ports: [server.port], serverPids: [server.pid] }
    const shape = { operation, valueBytes, pipeline: 64, keyspace: KEYSPACE, connections: 5 } as const
    const figures = await generator.run({ ...target, ...shape, language: 'documented', seconds: 0.2 })
    test.equal(figures.invalid, null)
    test.ok(figures.operations > KEYSPACE)
  }
})

t.test('a large value to minivault-node and back, and through a pipe', async (test) => {
  await using generator = Generator.start(null)
  for (const language of ['documented', 'pipe'] as const) {
    const plan = language === 'pipe' ? pipePlan() : minivaultPlan('os', 'source')
    await using server = await Server.start(plan, tmpdir(), null)
    const target = { host: HOST, port: server.port, serverPid: server.pid, language }
    const shape = { ...target, valueBytes: 5_000_001, isChecked: true }
    for (const operation of ['set', 'get'] as const) {
      const figures = await generator.transfer({ ...shape, operation })
      test.equal(figures.invalid, null, `${language}: ${operation}`)
      test.ok(figures.megabytesPerSecond > 0)
    }
    const shorter = await generator.transfer({ ...shape, operation: 'get', valueBytes: 5_000_000 })
    test.match(shorter.invalid, language === 'pipe' ? /more came/ : /the reply begins 00414b4c00/)
    const { peak, now } = readMemory(server.pid)
    test.ok(peak >= now)
    await using other = Generator.start(null)
    const unknown = await other.transfer({ ...shape, operation: 'get' })
    test.match(unknown.invalid, /the value differs near byte 0/, 'another generator has another value')
  }
})

t.test('requests hold every key once, in the form of each language', async (test) => {
  const shape = { operation: 'set', valueBytes: 3, keyspace: 100, pipeline: 16, order: 'random' } as const
  const documented = buildRequestBatches({ ...shape, language: 'documented' })
  test.same([...documented.counts], [...Array(12).fill(16), 8])
  const bytes = Buffer.concat(documented.batches)
  const keys = new Set<string>()
  for (let at = 0; at < bytes.length; at += 3 + KEY_BYTES + 5 + 3) {
    test.equal(bytes.toString('hex', at, at + 3), '021000')
    keys.add(bytes.toString('latin1', at + 3, at + 3 + KEY_BYTES))
    test.equal(bytes.toString('hex', at + 3 + KEY_BYTES, at + 3 + KEY_BYTES + 5), '0300000000')
  }
  test.equal(keys.size, 100)
  test.ok(keys.has(keyName(99)))
  const resp = Buffer.concat(buildRequestBatches({ ...shape, language: 'resp', operation: 'get' }).batches)
  test.match(resp.toString(), /^(\*2\r\n\$3\r\nGET\r\n\$16\r\nkey:\d{12}\r\n){200}$/)
  test.notSame(
    [...shuffled(100)],
    [...shuffled(100)].sort((a, b) => a - b),
  )
  test.equal(LANGUAGES.resp.explain(Buffer.from('$-1\r\n')), 'a miss')
})

t.test('the list, and a name that is none', async (test) => {
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
  const bench = (...words: string[]) =>
    spawnSync(process.execPath, ['--import=tsx', main, ...words], { encoding: 'utf8' })
  const listed = bench()
  test.equal(listed.status, 0)
  test.match(listed.stdout, /pnpm bench storage .*pnpm bench wire /s)
  const unknown = bench('nonsense')
  test.equal(unknown.status, 2)
  const names = 'storage, wire, http, resp, core, cluster, start'
  test.equal(
    unknown.stderr,
    `bench: there is no benchmark "nonsense": the names are ${names}
`,
  )
})
