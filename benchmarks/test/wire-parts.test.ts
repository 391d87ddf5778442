/** The wire benchmark's own parts: requests, reply check, figures, targets, page and flags; no rivals. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import t from 'tap'
import { Latencies } from '../src/latencies.ts'
import { ConnectionPool } from '../src/load/connection-pool.ts'
import { LANGUAGES, type LanguageName } from '../src/load/languages.ts'
import { runLoad } from '../src/load/load.ts'
import type { LoadFigures } from '../src/load/load-figures.ts'
import { readCsv } from '../src/load/redis-benchmark.ts'
import { buildRequestBatches, OPERATIONS, type RequestBatches } from '../src/load/request-batches.ts'
import { machineFacts } from '../src/machine.ts'
import { placeBetweenMarkers } from '../src/page.ts'
import { lastRunIn } from '../src/results-file.ts'
import { ratioOf, summarise, withAfterwards } from '../src/rounds/summary.ts'
import { spread } from '../src/spread.ts'
import { drawChart } from '../src/wire/chart.ts'
import type { CaseResult, WireFacts, WireResult } from '../src/wire/figures.ts'
import { groupCases } from '../src/wire/load-part.ts'
import { caseTable } from '../src/wire/report.ts'
import { judgeTargets } from '../src/wire/targets.ts'
import { keyspaceOf, readWireOptions } from '../src/wire/wire-options.ts'
import { wirePage } from '../src/wire/write-results.ts'

t.test('percentiles', async (test) => {
  const latencies = new Latencies()
  for (let ms = 1000; ms > 0; ms--) latencies.add(ms)
  test.equal(latencies.percentile(0.5), 501_000)
  test.equal(latencies.percentile(0.99), 991_000)
  test.equal(latencies.percentile(0.999), 1_000_000)
})

/** Reads the requests of all batches back with a parser that knows nothing of the builder. */
function parseDocumented({ batches, counts }: RequestBatches): { operation: string; key: string }[] {
  return batches.flatMap((batch, index) => {
    const requests: { operation: string; key: string }[] = []
    for (let at = 0; at < batch.length; ) {
      const keyEnd = at + 3 + batch.readUInt16LE(at + 1)
      const operation = batch[at] === 1 ? 'get' : 'set'
      requests.push({ operation, key: batch.toString('latin1', at + 3, keyEnd) })
      at = operation === 'get' ? keyEnd : keyEnd + 5 + batch.readUInt32LE(keyEnd)
    }
    if (requests.length !== counts[index]) throw new Error('a batch is not what its count says')
    return requests
  })
}

t.test('the mix: nine GET of ten, each key once, the order as it is announced', async (test) => {
  const shape = { operation: 'mix', valueBytes: 30, keyspace: 1000, pipeline: 16, order: 'random' } as const
  const built = buildRequestBatches({ ...shape, language: 'documented' })
  const requests = parseDocumented(built)
  test.same(
    requests.map(({ operation }) => operation),
    [...built.operations].map((one) => OPERATIONS[one]),
  )
  const sets = requests.filter(({ operation }) => operation === 'set')
  test.equal(sets.length, 200)
  test.equal(new Set(requests.map(({ key }) => key)).size, 1000)
  const keys = requests.map(({ key }) => key)
  test.equal(new Set(keys.slice(0, 1000)).size, 1000, 'every key once, and once more')
  test.notSame(keys.slice(0, 1000), keys.slice(1000), 'in another order')
  const filled = parseDocumented(
    buildRequestBatches({ ...shape, order: 'ascending', language: 'documented' }),
  )
  const ascending = filled.map(({ key }) => key)
  test.same(ascending, ascending.toSorted(), 'the fill has a third one')
  const lastDigits = new Set(sets.map(({ key }) => key.at(-1)))
  test.equal(lastDigits.size, 10, 'which keys are set has nothing to do with their numbers')
})

/** A server that answers every connection's bytes with these, `step` bytes at a time. */
async function answering(reply: Buffer, step: number, expectedBytes: number) {
  const server = createServer((socket) => {
    let received = 0
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('data', async (bytes) => {
      received += bytes.length
      if (received < expectedBytes) return
      received -= expectedBytes
      for (let at = 0; at < reply.length; at += step) {
        socket.write(reply.subarray(at, at + step))
        await new Promise(setImmediate)
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as { port: number }).port }
}

function repliesTo(requests: RequestBatches, language: LanguageName, valueBytes: number): Buffer {
  const replies = [...requests.operations].map((one) => {
    const { head, bytes } = LANGUAGES[language].expectedReply(OPERATIONS[one]!, valueBytes)
    const reply = Buffer.alloc(bytes, 0xaa)
    Buffer.from(head).copy(reply)
    return reply
  })
  return Buffer.concat(replies)
}

t.test('replies of mixed lengths are checked wherever they are split', async (test) => {
  const shape = { operation: 'mix', valueBytes: 9, keyspace: 40, pipeline: 40, order: 'ascending' } as const
  for (const language of ['documented', 'resp'] as const) {
    const requests = buildRequestBatches({ ...shape, language })
    const bytes = requests.batches[0]!.length
    const right = repliesTo(requests, language, shape.valueBytes)
    const set = requests.operations.indexOf(OPERATIONS.indexOf('set'))
    const wrong = Buffer.from(right)
    wrong[repliesTo({ ...requests, operations: requests.operations.subarray(0, set) }, language, 9).length] =
      0x45
    const tries: [Buffer, number, RegExp | null][] = [
      [right, 1, null],
      [right, 7, null],
      [right, right.length, null],
      [wrong, 5, /^set was answered with /],
      [Buffer.concat([right, right.subarray(0, 1)]), right.length + 1, /more replies came/],
    ]
    for (const [reply, step, invalid] of tries) {
      const { server, port } = await answering(reply, step, bytes)
      const target = { host: '127.0.0.1', ports: [port], serverPids: [process.pid], connections: 1, language }
      const pool = new ConnectionPool()
      const figures = await runLoad(pool, { ...shape, ...target, seconds: 'once' }, requests)
      if (invalid === null) test.equal(figures.invalid, null, `${language}, ${step} bytes at a time`)
      else test.match(figures.invalid, invalid)
      pool.close()
      server.close()
    }
  }
})

t.test('the frame language says what docs/PROTOCOL.md draws', async (test) => {
  const { frames } = LANGUAGES
  const target = Buffer.alloc(frames.requestBytes('set', 3), 0xbb)
  const end = frames.writeRequest('set', target, 0, 'key:000000000007', 3)
  test.equal(end, target.length)
  const head = `14 00 00 ff 4f000000 00000000 ${'00'.repeat(12)} 00 00 1000 ${'00'.repeat(32)}`
  const key = Buffer.from('key:000000000007').toString('hex')
  test.equal(target.toString('hex'), `${head.replaceAll(' ', '')}${key}bbbbbb`)
  const reply = frames.expectedReply('get', 64)
  test.same([...reply.head], [0x93, -1, 0, 0, 104, 0, 0, 0], 'flags may be any')
  test.equal(reply.bytes, 104)
  const { greeting } = frames
  const answer = Buffer.alloc(96)
  answer[0] = 0x90
  answer.writeUInt32LE(96, 4)
  test.equal(greeting!.isAnswered(answer.subarray(0, 95)), false)
  test.equal(greeting!.isAnswered(answer), true)
  answer[2] = 2
  test.throws(() => greeting!.isAnswered(answer), { code: 'BENCH_INVALID' })
  test.throws(() => frames.expectedReply('get', 200_000), { code: 'BENCH_USAGE' })
})

t.test('what redis-benchmark says', async (test) => {
  const names =
    '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms"'
  test.same(readCsv(`${names}\n"SET","125000.50","0.1","0.1","0.215","0.3","0.719"\n`), {
    rps: 125_000.5,
    p50Ms: 0.215,
    p99Ms: 0.719,
  })
  test.throws(() => readCsv('Could not connect'), { code: 'BENCH_INVALID' })
})

const FACTS: WireFacts = {
  ...machineFacts(),
  redisVersion: '7.0',
  pinned: true,
  roundCount: 3,
  roundSeconds: 2,
}

function figures(cpu: number, opsPerSecond = 250_000): LoadFigures {
  return {
    operations: 1_000_000,
    seconds: 4,
    opsPerSecond,
    serverCpuSeconds: cpu,
    serverCpuMicrosPerOp: cpu,
    clientCpuShare: 0.5,
    p50Micros: 900,
    p99Micros: 12_345,
    p999Micros: 20_000,
    invalid: null,
  }
}

function caseResult(changes: Partial<CaseResult>, ours: LoadFigures[], theirs: LoadFigures[]): CaseResult {
  const rounds = {
    minivault: ours.map((one) => withAfterwards(one, 0)),
    redis: theirs.map((one) => withAfterwards(one, 0)),
  }
  return {
    part: 'load',
    operation: 'set',
    minivault: 'os',
    redis: 'AOF everysec',
    valueBytes: 64,
    connections: 50,
    pipeline: 16,
    others: [],
    keyspace: 1000,
    summaries: { minivault: summarise(ours), redis: summarise(theirs) },
    rounds,
    segmentsBegun: 2,
    ...changes,
  }
}

t.test('medians, ratios, and what a server does afterwards', async (test) => {
  test.same(spread([3, 1, 2]), { median: 2, min: 1, max: 3 })
  test.same(spread([4, 1]), { median: 2.5, min: 1, max: 4 })
  const result = caseResult({}, [figures(1), figures(3), figures(2)], [figures(2), figures(4), figures(2)])
  const ratio = ratioOf(result, 'serverCpuMicrosPerOp', 'minivault', 'redis')
  test.same(ratio, { median: 0.75, min: 0.5, max: 1 })
  test.equal(ratioOf(result, 'serverCpuMicrosPerOp', 'floor', 'redis'), null)
  test.equal(withAfterwards(figures(2), 1).serverCpuMicrosPerOp, 3)
  const row = '| SET | os / AOF everysec | 64 B | 50 | 16 | 2.00 | 2.00 | 0.75 (0.50–1.00) | 250 k |'
  test.ok(caseTable([result]).includes(row), caseTable([result]))
})

t.test('targets: reached, just reached, missed, not measured', async (test) => {
  const judge = (...results: WireResult[]) => {
    const judged = judgeTargets(results).map(({ what, verdict }) => [what, verdict])
    return Object.fromEntries(judged) as Record<string, string>
  }
  const at = (micros: number) => caseResult({}, [figures(micros)], [figures(1)])
  const name = 'SET at os / AOF everysec, CPU an operation, pipeline 16'
  test.equal(judge(at(0.6))[name], 'stretch')
  test.equal(judge(at(0.8))[name], 'must')
  test.equal(judge(at(0.81))[name], 'missed')
  test.equal(judge()[name], 'not measured')
  test.equal(judge({ ...at(0.5), valueBytes: 1024 })[name], 'not measured')
  const rate = (ops: number) =>
    caseResult({ minivault: 'fsync', redis: 'AOF always' }, [figures(9, ops)], [figures(9, 100)])
  const fsync = 'SET at fsync / AOF always, ops/s, pipeline 16'
  test.equal(judge(rate(149))[fsync], 'missed')
  test.equal(judge(rate(150))[fsync], 'must')
  test.equal(judge(rate(200))[fsync], 'stretch')
})

t.test('the page is made from the last run of the results file', async (test) => {
  const line = (facts: object, result: object) =>
    `${JSON.stringify({ benchmark: 'wire', ...facts, ...result })}\n`
  const older = line({ ...FACTS, date: '2020-01-01' }, caseResult({}, [figures(9)], [figures(9)]))
  const result = caseResult({}, [figures(1)], [figures(2)])
  const failed = { part: 'failed', what: 'idle connections', reason: 'EMFILE' } as const
  const { facts, results } = lastRunIn<WireFacts, WireResult>(
    'wire',
    older + line(FACTS, result) + line(FACTS, failed),
  )
  test.equal(facts.redisVersion, '7.0')
  test.equal(results.length, 2)
  const page = wirePage(facts, results)
  test.match(page, /- not measured: idle connections: EMFILE/)
  test.match(page, /pipeline 16 \| ≤ 0\.8× \| ≤ 0\.6× \| 0\.50 \(0\.50–0\.50\) \| stretch \|/)
  test.throws(() => lastRunIn('wire', '{"benchmark":"wire"}\n'), { code: 'BENCH_MISSING' })
  test.match(drawChart(facts, [result]), /^<svg [\s\S]*SET 64 B, os [\s\S]*<\/svg>\n$/)
  const text = 'a\n<!-- wire:begin -->\nold\n<!-- wire:end -->\nb\n'
  test.equal(placeBetweenMarkers(text, 'wire', 'new'), 'a\n<!-- wire:begin -->\nnew\n<!-- wire:end -->\nb\n')
  test.throws(() => placeBetweenMarkers('no markers', 'wire', 'new'), { code: 'BENCH_MISSING' })
})

t.test('flags and the plan', async (test) => {
  const whole = readWireOptions([])!
  test.equal(whole.complete, true)
  test.same(whole.parts, ['load', 'large', 'idle'])
  const core = whole.cases.filter(({ valueBytes, connections }) => valueBytes === 64 && connections === 50)
  test.equal(core.length, 15, 'SET at three levels, GET and the mix at one; three pipelines')
  test.equal(whole.cases.length, 15 + 8 + 9, 'and the axes of connections and of values')
  test.equal(groupCases(whole.cases).length, 5 + 4 + 9, 'pipelines share their servers')
  test.equal(readWireOptions(['--quick'])!.complete, false, 'a smoke run writes nothing')
  test.equal(readWireOptions(['--seconds', '0.1', '--rounds', '1'])!.complete, true)
  const narrowed = readWireOptions(['--operation', 'get', '--durability', 'fsync', '--bytes', '64,1024'])!
  test.equal(narrowed.cases.length, 6)
  test.same(narrowed.parts, ['load'])
  test.equal(readWireOptions(['--connections', '1,50', '--pipeline', '1'])!.cases.length, 10)
  test.same(readWireOptions(['--part', 'idle'])!.parts, ['idle'])
  test.same(
    [64, 1024, 2 ** 20].map((bytes) => keyspaceOf(bytes, whole)),
    [100_000, 65_536, 64],
  )
  const wrong = [
    ['--nonsense'],
    ['--rounds', '0'],
    ['--operation', 'scan'],
    ['--bytes', '1,x'],
    ['--part', 'x'],
  ]
  for (const words of wrong) {
    test.throws(() => readWireOptions(words), { code: 'BENCH_USAGE' }, words.join(' '))
  }
})
