/** Workers come to a real master: a cluster begins, others join, and what is wrong is refused in one line. */
import t, { type Test } from 'tap'
import type { WorkerReport } from '../src/messages.ts'
import {
  reportOf,
  startTried,
  type TriedMaster,
  TriedWorker,
  temporaryFolder,
} from './support/tried-master.ts'

const OURS = 'aa'
const THEIRS = 'bb'

/** Three that wait for a cluster. */
async function startThree(t: Test): Promise<[TriedWorker, TriedWorker, TriedWorker]> {
  const [a, b, c] = await Promise.all(['01', '02', '03'].map((id) => TriedWorker.start(t, id)))
  return [a!, b!, c!]
}

async function refused(t: Test, tried: TriedMaster, report: WorkerReport, line: RegExp): Promise<void> {
  const { status, reply } = await tried.report(report)
  t.equal(status, 409)
  t.equal(reply.state, 'refused')
  t.match(reply.error, line)
  t.notMatch(reply.error, /\n/)
  t.ok(
    tried.lines.some((told) => line.test(told)),
    'the master says so, too',
  )
}

const layoutOf = (clusterId: string, epoch: number, workers: readonly TriedWorker[], phase = 'settled') => ({
  ...{ success: true, clusterId, epoch, phase, mode: 'federated', replicas: 3, home: 'default', next: null },
  members: workers.map(({ report: { name, region, zone } }) => ({ name, region, zone, partitions: 1024 })),
})

t.test('those that come within a second begin a cluster; whoever comes later joins it', async (t) => {
  const tried = await startTried(t)
  const [a, b, late] = await startThree(t)
  t.match((await tried.report(a.report)).reply, { state: 'collecting', members: [], heartbeatMs: 200 })
  tried.pass(900)
  t.equal((await tried.report(b.report)).reply.state, 'collecting')
  t.equal((await tried.report(a.report)).reply.state, 'collecting', 'b has come just now')
  tried.pass(1_000)
  const names = [a, b].map(({ report }) => report.name)
  const begun = await tried.report(a.report)
  t.same(
    begun.reply.members.map(({ name }) => name),
    [...names].sort(),
  )
  t.match(begun.reply, { state: 'founding', mode: 'federated', replicas: 3 })
  t.match(
    tried.lines.join('\n'),
    /a new cluster begins with .*: none was known here, and no member of one has /,
  )
  t.same((await tried.report(b.report)).reply.members, begun.reply.members)

  await t.test('and is brought in by a member, once', async (t) => {
    t.match(
      (await tried.report(late.report)).reply,
      { state: 'joining', members: [] },
      'nobody knows whose yet',
    )
    a.layout = layoutOf(OURS, 1, [a, b])
    t.equal((await tried.report(a.member(OURS))).reply.state, 'member')
    const { reply } = await tried.report(late.report)
    t.same(reply.members.map(({ name }) => name).sort(), [...names, late.report.name].sort())
    await until(tried, () => a.asked.length > 0)
    const { name, region, zone } = late.report
    t.same(a.asked, [{ add: [{ name, region, zone }] }])
    // Whoever of them is asked.
    for (const worker of [a, b, late]) worker.layout = layoutOf(OURS, 2, [a, b, late])
    await tried.report(late.member(OURS, 2))
    await tried.report(a.member(OURS, 2))
    await until(tried, () => tried.master.health()['layout_epoch'] === 2)
    t.match(tried.master.health(), {
      cluster_id: OURS,
      layout_members: 3,
      workers_live: 3,
      layout_phase: 'settled',
    })
    t.equal(a.asked.length, 1)
  })

  await t.test('the silent are not live any more, and stay members', async (t) => {
    tried.pass(5_001)
    await tried.report(a.member(OURS, 2))
    t.match(tried.master.health(), { workers: 3, workers_live: 1, layout_members: 3 })
    const { value } = await tried.ask('/-/admin/workers')
    const live = (value['workers'] as { name: string; isLive: boolean }[]).filter(({ isLive }) => isLive)
    t.same(
      live.map(({ name }) => name),
      [a.report.name],
    )
  })

  await t.test('whoever was removed stays out', async (t) => {
    for (const worker of [a, late]) worker.layout = layoutOf(OURS, 3, [a, late])
    await tried.report(a.member(OURS, 3))
    await until(tried, () => tried.master.health()['layout_epoch'] === 3)
    await refused(t, tried, { ...b.member(OURS, 3), isMember: false }, /was removed from this cluster: empty/)
  })
})

t.test('so many founders as the operator said', async (t) => {
  const tried = await startTried(t, { rules: { foundersMin: 2, mode: 'stretched', replicas: 2 } })
  const [a, b] = await startThree(t)
  await tried.report(a.report)
  tried.pass(60_000)
  t.match((await tried.report(a.report)).reply, { state: 'collecting', error: /^1 of the 2 workers/ })
  t.match((await tried.report(b.report)).reply, { state: 'founding', mode: 'stretched', replicas: 2 })
})

t.test('a master that comes back', async (t) => {
  const directory = temporaryFolder(t)
  const [a, b] = await startThree(t)
  const first = await startTried(t, { directory, rules: { foundersMin: 2 } })
  await first.report(a.report)
  const { reply: begun } = await first.report(b.report)
  await first.master.close()

  const again = await startTried(t, { directory })
  t.match(
    (await again.report(b.report)).reply,
    { state: 'founding', members: begun.members },
    'has its registry',
  )
  t.match(again.master.health(), { workers: 2, workers_live: 1 })

  const empty = await startTried(t, { rules: { foundersMin: 9 } })
  const { members, mode, replicas } = begun
  const told = await empty.report({ ...b.report, founding: { members, mode, replicas } })
  t.match(told.reply, { state: 'founding', members }, 'learns with whom a cluster begins')
  const other = await startTried(t)
  t.equal(
    (await other.report(a.member(OURS, 7))).reply.state,
    'member',
    'and whose it is, whatever the epoch',
  )
  t.match(other.master.health(), { cluster_id: OURS })
})

t.test('what is refused, in one line', async (t) => {
  const tried = await startTried(t)
  const [a, b] = await startThree(t)
  a.layout = layoutOf(OURS, 4, [a])
  await tried.report(a.member(OURS, 4))
  await until(tried, () => tried.master.health()['layout_epoch'] === 4)
  const { name } = a.report
  await refused(
    t,
    tried,
    { ...a.report, nodeId: 'ff' },
    /two workers say they are .*: give each its own -public-url/,
  )
  await refused(t, tried, b.member(THEIRS), /belongs to cluster bb, this master to aa: start the worker with/)
  await refused(
    t,
    tried,
    { ...a.member(OURS, 4), region: 'us' },
    /is in region default by layout 4, and was st/,
  )
  await refused(
    t,
    tried,
    { ...b.report, nodeId: 'ee' },
    /answers another node: give each its own -public-url/,
  )
  const gone = await TriedWorker.start(t, '09')
  gone.stop()
  await refused(t, tried, gone.report, /the master does not reach .* \(ECONNREFUSED\): is -public-url right/)
  t.match(tried.master.health(), { workers: 1, status: 'ok' }, 'and harms nobody')

  tried.pass(6_000)
  const replaced = await TriedWorker.start(t, 'cc')
  const taken = await tried.report({ ...replaced.report, region: 'default' })
  t.equal(taken.reply.state, 'joining')
  t.match(tried.lines.join('\n'), new RegExp(`${name} .*is a member`))
})

t.test('HTTP: keys, bodies, paths', async (t) => {
  const tried = await startTried(t, { authKey: 'key' })
  const worker = await TriedWorker.start(t, '01')
  t.equal((await tried.report(worker.report)).status, 401)
  t.equal((await tried.report(worker.report, 'other')).status, 401)
  t.equal((await tried.report(worker.report, 'key')).status, 200)
  for (const path of ['/health', '/-/livez', '/-/readyz']) t.equal((await tried.ask(path)).status, 200, path)

  const open = await startTried(t)
  const post = (body: unknown) => open.ask('/-/admin/workers', { method: 'POST', body: JSON.stringify(body) })
  const report = reportOf('localhost:1', '01')
  for (const [body, line] of [
    [{ ...report, region: 'EU' }, /^region: a region has 1 to 63 of a-z/],
    [{ ...report, name: 'localhost' }, /has no port/],
    [{ ...report, epoch: -1 }, /^epoch: /],
    [{}, /^name: /],
    [null, /^the message: /],
  ] as const) {
    t.match(await post(body), { status: 400, value: { success: false, error: line, code: 'BAD_REQUEST' } })
  }
  const raw = await open.ask('/-/admin/workers', { method: 'POST', body: '{' })
  t.match(raw, { status: 400, value: { error: 'the body is no JSON' } })
  const long = await open.ask('/-/admin/layout', { method: 'POST', body: 'x'.repeat(2 ** 20 + 1) })
  t.match(long, { status: 400, value: { error: /more than 1048576 bytes/ } })
  t.equal((await open.ask('/-/admin/workers', { method: 'DELETE' })).status, 405)
  t.match(await open.ask('/key'), {
    status: 404,
    value: { error: /this is a master, keys are at the workers/ },
  })
  t.match(await open.ask('/-/admin/layout'), {
    status: 503,
    value: { error: 'no member of the cluster is heard' },
  })
})

/** The master's ticks bring it about. */
async function until(tried: TriedMaster, holds: () => boolean): Promise<void> {
  for (let looks = 0; looks < 3_000 && !holds(); looks++) {
    tried.tick()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  if (!holds()) throw new Error('it did not come to it')
}
