import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { machineFacts } from '../src/machine.ts'
import { placeBetweenMarkers } from '../src/page.ts'
import { shuffled } from '../src/shuffled.ts'
import { spread } from '../src/spread.ts'
import { drawChart } from '../src/wire/chart.ts'
import { summarise, type WireCase } from '../src/wire/figures.ts'
import { Generator } from '../src/wire/generator.ts'
import { KEY_BYTES, keyName, LANGUAGES } from '../src/wire/language.ts'
import type { LoadFigures, LoadOptions } from '../src/wire/load.ts'
import { minivaultPlan } from '../src/wire/minivault-server.ts'
import { redisPlan, redisVersion } from '../src/wire/redis-server.ts'
import { markdownTable } from '../src/wire/report.ts'
import { buildRequestBatches } from '../src/wire/request-batches.ts'
import { HOST, Server, type ServerPlan } from '../src/wire/server.ts'
import { readWireOptions } from '../src/wire/wire-options.ts'

const KEYSPACE = 1000

async function loadServer(plan: ServerPlan, test: Tap): Promise<void> {
  await using server = await Server.start(plan, tmpdir(), null)
  await using generator = Generator.start(null)
  const run = (changes: Partial<LoadOptions>) => {
    const shape = { language: plan.language, operation: 'set', valueBytes: 64, pipeline: 16 } as const
    const target = { host: HOST, port: server.port, serverPid: server.pid }
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
  for (const operation of ['set', 'get'] as const) {
    for (const pipeline of [1, 16]) {
      const figures = await run({ operation, pipeline })
      test.equal(figures.invalid, null, `${operation}, pipeline ${pipeline}: every reply is right`)
      test.ok(figures.operations > 0, `${figures.operations} operations`)
      test.ok(figures.p50Micros > 0 && figures.p99Micros >= figures.p50Micros)
      test.ok(figures.serverCpuMicrosPerOp >= 0)
    }
  }
  const other = await run({ operation: 'get', valueBytes: 65, seconds: 'once' })
  test.match(other.invalid, /^get was answered with/, 'a value of another length makes the run invalid')
}

type Tap = typeof t

t.test('the generator against minivault-node', (test) =>
  loadServer(minivaultPlan('os', 'source'), test as Tap),
)

const redis = redisVersion()
const skip = redis === null && 'redis-server is missing: apt-get install redis-server'
t.test('the generator against redis-server', { skip }, async (test) => {
  await loadServer(await redisPlan('AOF everysec'), test as Tap)
})

t.test('requests hold every key once, in the form of each language', async (test) => {
  const shape = { operation: 'set', valueBytes: 3, keyspace: 100, pipeline: 16 } as const
  const binary = buildRequestBatches({ ...shape, language: 'binary' })
  test.same([...binary.counts], [16, 16, 16, 16, 16, 16, 4])
  const bytes = Buffer.concat(binary.batches)
  const keys = new Set<string>()
  for (let at = 0; at < bytes.length; at += 3 + KEY_BYTES + 5 + 3) {
    test.equal(bytes.toString('hex', at, at + 3), '021000')
    keys.add(bytes.toString('latin1', at + 3, at + 3 + KEY_BYTES))
    test.equal(bytes.toString('hex', at + 3 + KEY_BYTES, at + 3 + KEY_BYTES + 5), '0300000000')
  }
  test.equal(keys.size, 100)
  test.ok(keys.has(keyName(99)))
  const resp = Buffer.concat(buildRequestBatches({ ...shape, language: 'resp', operation: 'get' }).batches)
  test.match(resp.toString(), /^(\*2\r\n\$3\r\nGET\r\n\$16\r\nkey:\d{12}\r\n){100}$/)
  test.notSame(
    [...shuffled(100)],
    [...shuffled(100)].sort((a, b) => a - b),
  )
  test.equal(LANGUAGES.resp.explain(Buffer.from('$-1\r\n')), 'a miss')
})

t.test('medians, spread, table, chart and the page', async (test) => {
  test.same(spread([3, 1, 2]), { median: 2, min: 1, max: 3 })
  test.same(spread([4, 1]), { median: 2.5, min: 1, max: 4 })
  const wireCase: WireCase = {
    operation: 'set',
    minivault: 'os',
    redis: 'AOF everysec',
    valueBytes: 64,
    pipeline: 16,
  }
  const figures = (cpu: number): LoadFigures => ({
    operations: 10,
    seconds: 1,
    opsPerSecond: 250_000,
    serverCpuMicrosPerOp: cpu,
    clientCpuShare: 0.5,
    p50Micros: 900,
    p99Micros: 12_345,
    invalid: null,
  })
  const result = summarise(wireCase, [
    [figures(1), figures(2)],
    [figures(3), figures(4)],
    [figures(2), figures(2)],
  ])
  test.same(result.cpuRatio, { median: 0.75, min: 0.5, max: 1 })
  const row = '| SET | os / AOF everysec | 64 | 16 | 2.00 | 2.00 | 0.75 (0.50–1.00) | 250 k |'
  test.ok(markdownTable([result]).includes(row), markdownTable([result]))
  test.match(
    drawChart({ ...machineFacts(), redisVersion: '7.0' }, [result]),
    /^<svg [\s\S]*SET 64 B, os [\s\S]*<\/svg>\n$/,
  )
  const page = 'a\n<!-- wire:begin -->\nold\n<!-- wire:end -->\nb\n'
  test.equal(placeBetweenMarkers(page, 'wire', 'new'), 'a\n<!-- wire:begin -->\nnew\n<!-- wire:end -->\nb\n')
  test.throws(() => placeBetweenMarkers('no markers', 'wire', 'new'), { code: 'BENCH_MISSING' })
})

t.test('flags', async (test) => {
  test.equal(
    readWireOptions([])!.cases.length,
    24,
    'three pairs of SET and one of GET, two sizes, three pipelines',
  )
  test.equal(readWireOptions([])!.complete, true)
  test.equal(readWireOptions(['--quick'])!.complete, false, 'a smoke run writes nothing')
  test.equal(
    readWireOptions(['--operation', 'get', '--durability', 'fsync', '--bytes', '64'])!.cases.length,
    3,
  )
  for (const words of [['--nonsense'], ['--rounds', '0'], ['--operation', 'scan'], ['--bytes', '1,x']]) {
    test.throws(() => readWireOptions(words), { code: 'BENCH_USAGE' }, words.join(' '))
  }
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
  test.match(unknown.stderr, /^bench: there is no benchmark "nonsense": the names are storage, wire\n$/)
})
