/** The benchmark of the cluster: its targets, page and flags, and real members for a moment. */
import { tmpdir } from 'node:os'
import t from 'tap'
import { clusterPage } from '../src/cluster/cluster.ts'
import { readClusterOptions } from '../src/cluster/cluster-options.ts'
import type {
  ClusterCaseResult,
  ClusterContestant,
  ClusterFacts,
  ClusterResult,
  ConvergeResult,
  HealResult,
  IncidentResult,
  JoinResult,
  RegionsResult,
} from '../src/cluster/figures.ts'
import { groupCases } from '../src/cluster/plan.ts'
import { judgeTargets } from '../src/cluster/targets.ts'
import { Generator } from '../src/load/generator.ts'
import type { LoadFigures } from '../src/load/load-figures.ts'
import { machineFacts } from '../src/machine.ts'
import { summarise, withAfterwards } from '../src/rounds/summary.ts'
import { etcdPlans, etcdVersion } from '../src/servers/etcd-server.ts'
import { HOST } from '../src/servers/server.ts'
import { Trio } from '../src/servers/trio.ts'

function figures(cpu: number, opsPerSecond: number): LoadFigures {
  const times = { p50Micros: 900, p99Micros: 12_345, p999Micros: 0, clientCpuShare: 0 }
  const counts = { operations: 1_000_000, seconds: 4, opsPerSecond, serverCpuSeconds: cpu }
  return { ...counts, ...times, serverCpuMicrosPerOp: cpu, invalid: null }
}

function caseResult(
  changes: Partial<ClusterCaseResult>,
  measured: Partial<Record<ClusterContestant, readonly [cpu: number, opsPerSecond: number]>>,
): ClusterCaseResult {
  const all = Object.entries(measured).map(([name, [cpu, ops]]) => [name, figures(cpu, ops)] as const)
  return {
    part: 'case',
    operation: 'set',
    level: 'quorum',
    durability: 'os',
    valueBytes: 1024,
    pipeline: 16,
    isThroughOne: false,
    away: 'nobody',
    contestants: all.map(([name]) => name as ClusterContestant),
    connections: 50,
    keyspace: 1000,
    summaries: Object.fromEntries(all.map(([name, one]) => [name, summarise([one])])),
    rounds: Object.fromEntries(all.map(([name, one]) => [name, [withAfterwards(one, 0)]])),
    ...changes,
  }
}

const CONVERGED: ConvergeResult = {
  part: 'converge',
  durability: 'os',
  isLoaded: true,
  writes: 100,
  shownAtOnce: 50,
  p50Micros: 500,
  p99Micros: 50_000,
  maxMicros: 60_000,
}

function healed(seconds: number, bytesRatio: number): HealResult {
  const one = (value: number) => ({ median: value, min: value, max: value })
  const shape = { keys: 1_000_000, differing: 10_000, valueBytes: 1024, differingBytes: 1000 } as const
  return { part: 'heal', by: 'trees', ...shape, seconds: one(seconds), bytes: one(bytesRatio * 1000) }
}

function regions(p50Micros: number, arrivalMicros: number): RegionsResult {
  const times = (p50: number, p99: number) => ({ writes: 9, p50Micros: p50, p99Micros: p99 })
  const arrival = { ...times(1, arrivalMicros), maxMicros: arrivalMicros }
  const shape = { part: 'regions', regions: 2, farMs: 100, durability: 'os' } as const
  return { ...shape, near: times(1000, 1), federated: times(p50Micros, 1), arrival }
}

function joined(failed: number, p99Micros: number, bytes: number): JoinResult {
  const shape = {
    keys: 9,
    valueBytes: 1,
    durability: 'os',
    copies: 768,
    seconds: 1,
    neededBytes: 100,
  } as const
  const times = (p99: number) => ({ p50Micros: 1, p99Micros: p99, maxMicros: p99 })
  const noticed = { operations: 9, failed, firstFailure: null, quiet: times(1), joining: times(p99Micros) }
  return { part: 'join', ...shape, bytes, ...noticed }
}

t.test('targets: reached, missed, not measured', async (test) => {
  const judge = (result: ClusterResult) => judgeTargets([result]).map(({ verdict }) => verdict)
  const none = 'not measured'
  test.same(new Set(judge({ part: 'failed', what: '', reason: '' })), new Set([none]))
  const fsync = (ops: number) =>
    caseResult({ durability: 'fsync', pipeline: 1 }, { trio: [1, ops], etcd: [1, 100] })
  test.equal(judge(fsync(500))[0], 'must')
  test.equal(judge(fsync(499))[0], 'missed')
  test.equal(judge({ ...fsync(500), away: 'killed' })[0], none)
  const os = (cpu: number) => caseResult({}, { trio: [cpu, 1], single: [2, 1] })
  test.same(judge(os(10)).slice(1, 3), [none, 'must'])
  test.same(judge(os(10.1)).slice(1, 3), [none, 'missed'])
  test.same(judge(CONVERGED).slice(3, 5), [none, 'must'])
  test.equal(judge({ ...CONVERGED, p99Micros: 50_001 })[4], 'missed')
  const incident = (failed: number, p99Micros: number): IncidentResult => {
    const figures = { operations: 9, failed, firstFailure: null, p50Micros: 1, p99Micros, maxMicros: 2 }
    return { part: 'incident', incident: 'frozen', durability: 'os', ...figures }
  }
  test.equal(judge(incident(0, 100_000))[6], 'must')
  test.equal(judge(incident(1, 100_000))[6], 'missed')
  test.equal(judge(incident(0, 100_001))[6], 'missed')
  test.same(judge(healed(5, 2)).slice(-7, -5), ['must', 'must'])
  test.same(judge(healed(5.1, 2.1)).slice(-7, -5), ['missed', 'missed'])
  test.same(judge(joined(0, 3, 110)).slice(-5, -2), ['must', 'must', 'must'])
  test.same(judge(joined(1, 3.1, 111)).slice(-5, -2), ['missed', 'missed', 'missed'])
  test.same(judge(regions(1200, 150_000)).slice(-2), ['must', 'must'])
  test.same(judge(regions(1201, 150_001)).slice(-2), ['missed', 'missed'])
})

t.test('the page', async (test) => {
  const facts: ClusterFacts = {
    ...machineFacts(),
    etcdVersion: '3.4',
    pinned: false,
    roundCount: 1,
    roundSeconds: 1,
  }
  const one = caseResult({ away: 'frozen' }, { trio: [10, 2000], etcd: [20, 1000] })
  const page = clusterPage(facts, [one, CONVERGED, healed(1, 1.5)])
  test.match(page, /against etcd 3\.4, asked over gRPC/)
  const cells =
    /\| SET \| quorum \| os \| 1 KB \| 16 \| two, the third frozen \| 10\.00 \| {2}\| {2}\| 20\.00 \|/
  test.match(page, cells)
  test.match(page, /\| under load \| 100 \| 50 % \| 0\.50 \| 50\.00 \| 60\.00 \|/)
  test.match(
    page,
    /\| trees \| 1000000 \| 10000 \| 1 KB \| 1\.00 \(1\.00–1\.00\) \| 1\.50× \(1\.50–1\.50\) \|/,
  )
})

t.test('flags and the plan', async (test) => {
  const whole = readClusterOptions([])!
  test.equal(whole.complete, true)
  test.same(
    groupCases(whole.cases).map(([one]) => `${one!.durability} ${one!.valueBytes}`),
    ['memory 64', 'memory 1024', 'os 64', 'os 1024', 'fsync 64', 'fsync 1024'],
  )
  for (const { durability, contestants } of whole.cases) {
    test.equal(contestants.includes('etcd'), durability === 'fsync', 'etcd stands beside fsync alone')
  }
  test.equal(readClusterOptions(['--part', 'heal'])!.complete, false)
  test.throws(() => readClusterOptions(['--away', 'nowhere']), { code: 'BENCH_USAGE' })
})

const skip = etcdVersion() === null && 'etcd is missing: apt-get install etcd-server'

t.test('the generator against etcd', { skip }, async (test) => {
  await using trio = await Trio.start(await etcdPlans(), tmpdir())
  await using generator = Generator.start(null)
  const target = {
    host: HOST,
    ports: trio.ports,
    serverPids: trio.pids,
    connections: 4,
    pipeline: 8,
  } as const
  const shape = { ...target, operation: 'get', valueBytes: 300, keyspace: 200, language: 'etcd' } as const
  const miss = await generator.run({ ...shape, seconds: 'once' })
  test.match(miss.invalid, /^etcd: no value/)
  const fill = await generator.run({ ...shape, operation: 'set', seconds: 'once' })
  test.same([fill.invalid, fill.operations], [null, 200])
  for (const language of ['etcd', 'etcdSerializable'] as const) {
    const figures = await generator.run({ ...shape, language, seconds: 0.1 })
    test.equal(figures.invalid, null, `${language}: every reply is right`)
    test.ok(figures.operations > 0 && figures.serverCpuSeconds >= 0)
  }
  const other = await generator.run({ ...shape, valueBytes: 301, seconds: 'once' })
  test.match(other.invalid, /^etcd: another value/, 'a value of another length makes the run invalid')
})
