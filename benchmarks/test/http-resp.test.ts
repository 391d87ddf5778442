/** The benchmarks of HTTP, of the Redis protocol and of the start: requests, targets, flags, real servers. */
import { spawnSync } from 'node:child_process'
import t from 'tap'
import type { HttpCaseResult, HttpFacts } from '../src/http/figures.ts'
import { httpPage } from '../src/http/http.ts'
import { readHttpOptions } from '../src/http/http-options.ts'
import { measureGroup as measureHttp } from '../src/http/http-part.ts'
import { groupCases as groupHttp } from '../src/http/plan.ts'
import { judgeTargets as judgeHttp } from '../src/http/report.ts'
import { checkReply, requestText, valueText } from '../src/http/requests.ts'
import type { LoadFigures } from '../src/load/load-figures.ts'
import { hasRedisBenchmark } from '../src/load/redis-benchmark.ts'
import { readResult, requireWrk } from '../src/load/wrk.ts'
import { machineFacts } from '../src/machine.ts'
import { COMMANDS, requestOf } from '../src/resp/commands.ts'
import type { RespCaseResult, RespFacts } from '../src/resp/figures.ts'
import { groupCases as groupResp } from '../src/resp/plan.ts'
import { judgeTargets as judgeResp } from '../src/resp/report.ts'
import { respPage } from '../src/resp/resp.ts'
import { readRespOptions } from '../src/resp/resp-options.ts'
import { measureGroup as measureResp } from '../src/resp/resp-part.ts'
import { summarise, withAfterwards } from '../src/rounds/summary.ts'
import { Run } from '../src/run.ts'
import { minivaultPlan, type NodeDurability } from '../src/servers/minivault-server.ts'
import { redisVersion } from '../src/servers/redis-server.ts'
import { startPage } from '../src/start/start.ts'

const RUN_FACTS = { ...machineFacts(), pinned: true, roundCount: 1, roundSeconds: 1 }

function figures(micros: number): LoadFigures {
  const times = { p50Micros: 900, p99Micros: 12_345, p999Micros: 0, clientCpuShare: 0 }
  const counts = { operations: 1_000_000, seconds: 4, opsPerSecond: 250_000, serverCpuSeconds: micros }
  return { ...counts, ...times, serverCpuMicrosPerOp: micros, invalid: null }
}

/** Contestants with one round each, of this CPU. */
function measured<Name extends string>(cpu: Record<Name, number>) {
  const all = Object.entries<number>(cpu).map(([name, micros]) => [name, [figures(micros)]] as const)
  return {
    summaries: Object.fromEntries(all.map(([name, rounds]) => [name, summarise(rounds)])),
    rounds: Object.fromEntries(all.map(([name, [one]]) => [name, [withAfterwards(one!, 0)]])),
  }
}

function httpResult(kind: 'get' | 'put', ours: number): HttpCaseResult {
  const shape = { kind, connections: 50, hasFloor: false, keyspace: 10, replyBodyBytes: 90 } as const
  const level = kind === 'get' ? 'memory' : 'os'
  const valueBytes = kind === 'get' ? 64 : 1024
  return { part: 'case', ...shape, durability: level, valueBytes, ...measured({ minivault: ours, bare: 20 }) }
}

t.test('HTTP requests as they go over the wire', async (test) => {
  test.equal(
    requestText('unchanged', 8080, 7, 64, '"abc"'),
    'GET /key:000000000007 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nIf-None-Match: "abc"\r\n\r\n',
  )
  const put = requestText('put', 8080, 3, 10, null)
  const body = `{"value":"${valueText(3, 10)}"}`
  test.ok(
    put.endsWith(`Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
    put,
  )
  test.match(requestText('absent', 1, 0, 64, null), /^GET \/absent:key:/)
  test.notSame(valueText(0, 64), valueText(1, 64), 'values differ')
  checkReply('put', 64, 200, '{"success":true}')
  checkReply('absent', 64, 404, 'anything')
  const value = valueText(0, 64)
  checkReply('get', 64, 200, `{"success":true,"data":"${value}"}`)
  const other = `{"success":true,"data":"${value.slice(1)}x"}`
  test.throws(() => checkReply('get', 64, 200, other), { code: 'BENCH_INVALID' }, 'another value')
  test.throws(() => checkReply('get', 64, 404, ''), { message: /^GET was answered with 404/ })
})

t.test('what wrk says', async (test) => {
  const line = '{"requests":5,"micros":2000000,"statusErrors":0,"lost":1,"p50":1,"p99":2,"p999":3}'
  test.equal(readResult(`Running 2s test\nresult ${line}\nRequests/sec\n`).lost, 1)
  test.throws(() => readResult('unable to connect'), { code: 'BENCH_INVALID' })
})

t.test('targets of HTTP, and the page', async (test) => {
  const verdicts = (get: number, put: number) =>
    judgeHttp([httpResult('get', get), httpResult('put', put)]).map(({ verdict }) => verdict)
  test.same(verdicts(10, 26), ['must', 'must', 'must'])
  test.same(verdicts(11, 27), ['must', 'missed', 'missed'])
  test.same(verdicts(24, 20), ['missed', 'missed', 'must'])
  test.same(
    judgeHttp([]).map(({ verdict }) => verdict),
    ['not measured', 'not measured', 'not measured'],
  )
  const facts: HttpFacts = { ...RUN_FACTS, wrkVersion: '4.1.0' }
  const failed = { part: 'failed', what: 'GET', reason: 'no ETag' } as const
  const page = httpPage(facts, [httpResult('get', 10), failed])
  test.match(page, /- not measured: GET: no ETag/)
  test.match(page, /\| GET \| {2}\| 64 B \| 50 \| 10\.00 \| 20\.00 \| 0\.50 \(0\.50–0\.50\) \|/)
  test.match(page, /asked by wrk 4\.1\.0/)
})

t.test('targets of the Redis protocol, and the page', async (test) => {
  const result = (pipeline: number, ours: number): RespCaseResult => {
    const shape = { command: 'get', minivault: 'memory', redis: 'no AOF', valueBytes: 64 } as const
    const rest = { connections: 50, pipeline, hasOurs: true, keyspace: 10 }
    const cpu = { minivault: ours, redis: 1, minivaultOurs: ours / 2, redisOurs: 1 }
    return { part: 'case', ...shape, ...rest, ...measured(cpu) }
  }
  const judge = (pipeline: number, ours: number) =>
    judgeResp([result(pipeline, ours)]).find(({ what }) => what.endsWith(`pipeline ${pipeline}`))!
  test.equal(judge(64, 0.8).verdict, 'stretch')
  test.equal(judge(64, 0.95).verdict, 'must')
  test.equal(judge(64, 0.96).verdict, 'missed')
  test.equal(judge(1, 1.1).verdict, 'must')
  test.equal(judge(1, 1.1).beside, '0.55', 'our own generator beside it')
  test.equal(judgeResp([]).length, 8)
  const facts: RespFacts = { ...RUN_FACTS, redisVersion: '7.0' }
  test.match(
    respPage(facts, [result(16, 1)]),
    /\| GET \| memory \/ no AOF \| 64 B \| 16 \| 1\.00 \| 1\.00 \|/,
  )
  test.equal(requestOf(COMMANDS.set.byHand), '*3\r\n$3\r\nSET\r\n$9\r\nby-hand:1\r\n$5\r\nvalue\r\n')
})

t.test('the start: the target and the page', async (test) => {
  const times = { npx: [390, 410, 400], itself: [150], 'npx alone': [300], 'Node alone': [40] }
  const page = startPage(machineFacts(), times)
  test.match(page, /400 ms, reached; of the command that npx runs: 150 ms, reached\./)
  test.match(page, /\| `npx minivault-node` \| 390 \| 400 \| 410 \|/)
  test.match(startPage(machineFacts(), { ...times, npx: [401] }), /401 ms, \*\*missed\*\*;/)
})

t.test('flags and plans', async (test) => {
  const http = readHttpOptions([])!
  test.equal(http.complete, true)
  test.equal(groupHttp(http.cases).length, 5)
  test.equal(readHttpOptions(['--quick'])!.complete, false)
  test.equal(readHttpOptions(['--kind', 'put', '--durability', 'os'])!.cases.length, 1)
  test.throws(() => readHttpOptions(['--seconds', '0.5']), { code: 'BENCH_USAGE' }, 'wrk takes whole seconds')
  test.throws(() => readHttpOptions(['--kind', 'patch']), { code: 'BENCH_USAGE' })
  const resp = readRespOptions([])!
  test.equal(resp.complete, true)
  test.equal(groupResp(resp.cases).length, 5)
  test.equal(readRespOptions(['--command', 'set', '--durability', 'os', '--pipeline', '64'])!.cases.length, 1)
  test.throws(() => readRespOptions(['--command', 'eval']), { code: 'BENCH_USAGE' })
})

const fromSource = (durability: NodeDurability) => minivaultPlan(durability, 'source')

t.test(
  'HTTP: real servers under wrk',
  { skip: !hasWrk() && 'wrk is missing: apt-get install wrk' },
  async (test) => {
    const options = {
      ...readHttpOptions(['--quick', '--bytes', '64', '--connections', '50'])!,
      keyspace: 100,
    }
    const run = new Run<HttpCaseResult>(() => {})
    const results: HttpCaseResult[] = []
    for (const group of groupHttp(options.cases)) {
      await measureHttp(group, options, false, run, (result) => results.push(result), fromSource)
    }
    test.same(run.results, [], 'nothing failed')
    test.equal(results.length, options.cases.length)
    for (const { kind, summaries } of results) {
      test.ok(summaries.minivault!.opsPerSecond.median > 0 && summaries.bare!.opsPerSecond.median > 0, kind)
    }
  },
)

const isWithoutRedis = redisVersion() === null || !hasRedisBenchmark()
const skip = isWithoutRedis && 'redis-server is missing: apt-get install redis-server'
t.test('the Redis protocol: real servers under redis-benchmark', { skip }, async (test) => {
  const words = [
    '--quick',
    '--seconds',
    '0.05',
    '--durability',
    'memory',
    '--bytes',
    '64',
    '--pipeline',
    '16',
  ]
  const options = { ...readRespOptions(words)!, keyspace: 500 }
  const run = new Run<RespCaseResult>(() => {})
  const results: RespCaseResult[] = []
  for (const group of groupResp(options.cases)) {
    await measureResp(group, options, false, run, (result) => results.push(result), fromSource)
  }
  test.same(run.results, [], 'nothing failed')
  test.equal(results.length, options.cases.length)
  for (const { command, summaries } of results) {
    test.ok(summaries.minivault!.opsPerSecond.median > 0 && summaries.redis!.opsPerSecond.median > 0, command)
  }
})

function hasWrk(): boolean {
  try {
    return requireWrk() !== ''
  } catch {
    return false
  }
}

t.test('wrk that is not there is said in one line', async (test) => {
  const code =
    "import('./src/load/wrk.ts').then((wrk) => wrk.requireWrk()).catch((error) => console.log(error.message))"
  const args = ['--import=tsx', '--input-type=module', '--eval', code]
  const { stdout } = spawnSync(process.execPath, args, {
    cwd: new URL('..', import.meta.url),
    env: { PATH: '/nowhere' },
    encoding: 'utf8',
  })
  test.match(stdout, /^wrk is not installed: `apt-get install wrk` brings it\n$/)
})
