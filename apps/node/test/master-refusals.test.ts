/**
 * The programs with a master, given something wrong: each says so in one line, and the cluster that is there
 * goes on as it was.
 */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@minivault/free-port'
import t, { type Test } from 'tap'
import { ask, SUCCESS } from './support/http-client.ts'
import { until } from './support/large-transfers.ts'
import { run, type Server, startServer, temporaryFolder } from './support/server.ts'

const HERE = ['-host', '127.0.0.1']
const PATIENCE_MS = 60_000
const KEY = { Authorization: 'Bearer key' }
const VALUE = JSON.stringify({ value: 'one' })

const startMaster = (t: Test, port: number, data: string) =>
  startServer(t, [
    ...['-mode', 'master', '-port', `${port}`, '-data', data, '-founders', '1', '-auth', 'key'],
    ...HERE,
  ])

/** Of a worker in eu with the key, unless `change` says otherwise. */
function wordsOf(port: number, master: number, change: Readonly<Record<string, string>> = {}): string[] {
  const flags = {
    'public-url': `localhost:${port}`,
    region: 'eu',
    master: `http://localhost:${master}`,
    auth: 'key',
    ...change,
  }
  return [...HERE, '-port', `${port}`, ...Object.entries(flags).flatMap(([name, text]) => [`-${name}`, text])]
}

/** What the log says of a master that refuses, or is not there. */
const complaintsIn = (log: string) =>
  log
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { level: number; msg: string })
    .filter(({ level }) => level > 30)
    .map(({ msg }) => msg)
    .filter((line) => /^the master at /.test(line))

/** A master, and the one worker that began a cluster with it, which the master has learned. */
async function begin(t: Test) {
  const port = await freePort()
  const folders = { master: temporaryFolder(t), worker: temporaryFolder(t) }
  const master = await startMaster(t, port, folders.master)
  const own = await freePort()
  const words = [...wordsOf(own, port), '-data', folders.worker]
  const worker = await startServer(t, words)
  await until(async () => (await healthOf(port))['layout_epoch'] === 1, PATIENCE_MS)
  return { port, folders, master, worker, words }
}

async function documentOf(port: number, path: string): Promise<Record<string, unknown>> {
  const answer = await ask({ port }, 'GET', path, undefined, KEY).catch(() => null)
  return answer === null ? {} : (JSON.parse(answer.body) as Record<string, unknown>)
}

const healthOf = (port: number) => documentOf(port, '/health')

async function kill({ child, ended }: Pick<Server, 'child' | 'ended'>): Promise<void> {
  child.kill('SIGKILL')
  await ended
}

/** It starts, is refused in exactly one line, never becomes ready, and is taken away. */
async function isRefused(t: Test, words: readonly string[], line: RegExp): Promise<void> {
  const refused = run([...words, '-data', temporaryFolder(t)])
  t.teardown(() => kill(refused))
  const isTold = () => complaintsIn(refused.stderr()).some((told) => line.test(told))
  t.ok(await until(isTold, PATIENCE_MS), `${line}`)
  const told = complaintsIn(refused.stderr())
  t.equal(told.length, 1, told.join(' | '))
  t.equal(refused.stdout(), '', 'it is not ready')
  await kill(refused)
}

t.test('workers that are given something wrong', async (t) => {
  const { port, worker } = await begin(t)
  t.equal((await ask(worker, 'PUT', '/key', VALUE)).body, SUCCESS)
  const before = await documentOf(port, '/-/admin/layout')

  const own = await freePort()
  const twin = wordsOf(own, port, { 'public-url': `localhost:${worker.port}` })
  await isRefused(t, twin, /refuses this worker: two workers say they are localhost:\d+: give each its own/)
  const gone = wordsOf(own, port, { 'public-url': `localhost:${await freePort()}` })
  await isRefused(
    t,
    gone,
    /refuses this worker: the master does not reach localhost:\d+ \(ECONNREFUSED\): is /,
  )
  const astray = wordsOf(own, port, { 'public-url': `127.0.0.1:${worker.port}` })
  await isRefused(
    t,
    astray,
    /refuses this worker: at 127\.0\.0\.1:\d+ answers another node: give each its own/,
  )
  const lost = wordsOf(own, port, { 'public-url': `127.0.0.1:${port}` })
  await isRefused(
    t,
    lost,
    /refuses this worker: at 127\.0\.0\.1:\d+ answers a master: is -public-url right\?/,
  )
  const stranger = wordsOf(own, port, { auth: 'another' })
  await isRefused(t, stranger, /refuses this worker: the key of this worker is not its own: give all/)
  const nowhere = wordsOf(own, await freePort())
  await isRefused(t, nowhere, /does not answer \(ECONNREFUSED\): this worker waits for it/)
  const noMaster = wordsOf(own, worker.port)
  await isRefused(
    t,
    noMaster,
    /refuses this worker: what answers there is no master \(HTTP 404\): is -master right\?/,
  )

  for (const region of ['EU', 'eu_1', 'x'.repeat(64)]) {
    const { code, stderr } = await run(wordsOf(own, port, { region })).ended
    t.equal(code, 2, region)
    t.match(stderr, /^minivault-node: -region, -zone: .*region/)
    t.equal(stderr.trimEnd().split('\n').length, 1)
  }

  t.same(await documentOf(port, '/-/admin/layout'), before, 'the layout is as it was')
  t.match(await healthOf(port), { workers: 1, workers_live: 1, status: 'ok' })
  t.match(await ask(worker, 'GET', '/key'), { status: 200 })
  t.same(complaintsIn(worker.stderr()), [], 'it heard nothing of it')
})

t.test('a member that is started for another region keeps its place', async (t) => {
  const { port, worker, words } = await begin(t)
  t.equal((await ask(worker, 'PUT', '/key', VALUE)).body, SUCCESS)
  await kill(worker)
  const moved = await startServer(
    t,
    words.map((word) => (word === 'eu' ? 'us' : word)),
  )
  const line =
    /refuses this worker: localhost:\d+ is in region eu by layout 1, and was started for us: give it/
  t.ok(await until(() => line.test(moved.stderr()), PATIENCE_MS))
  t.match(await ask(moved, 'GET', '/key'), { status: 200 }, 'and serves')
  t.match(await documentOf(port, '/-/admin/layout'), { epoch: 1, home: 'eu', members: [{ region: 'eu' }] })
})

t.test('a master with the folder of another cluster', async (t) => {
  const ours = await begin(t)
  const theirs = await begin(t)
  t.equal((await ask(ours.worker, 'PUT', '/key', VALUE)).body, SUCCESS)
  const before = await documentOf(ours.port, '/-/admin/layout')
  await Promise.all([kill(ours.master), kill(theirs.master)])
  const wrong = await startMaster(t, ours.port, theirs.folders.master)
  const line =
    /refuses this worker: localhost:\d+ belongs to cluster \w+, this master to \w+: start the worker/
  t.ok(await until(() => line.test(ours.worker.stderr()), PATIENCE_MS))
  t.match(wrong.stderr(), /belongs to cluster \w+, this master to \w+/, 'the master says so, too')
  t.match(await healthOf(ours.worker.port), { cluster_id: before['clusterId'], master_state: 'refused' })
  t.match(await ask(ours.worker, 'GET', '/key'), { status: 200 })
  t.equal((await ask(ours.worker, 'PUT', '/key', VALUE)).body, SUCCESS)

  await kill(wrong)
  await startMaster(t, ours.port, ours.folders.master)
  const isBack = async () => (await healthOf(ours.worker.port))['master_state'] === 'member'
  t.ok(await until(isBack, PATIENCE_MS), 'with its own folder all is well again')
  t.same(await documentOf(ours.port, '/-/admin/layout'), before)
})

t.test('a layout that is newer than what the master has on its disk', async (t) => {
  const { port, folders, master, worker } = await begin(t)
  t.equal((await ask(worker, 'PUT', '/key', VALUE)).body, SUCCESS)
  // What a backup of that day would have.
  const kept = join(temporaryFolder(t), 'kept')
  await kill(master)
  cpSync(folders.master, kept, { recursive: true })

  const again = await startMaster(t, port, folders.master)
  const own = await freePort()
  const second = await startServer(t, [...wordsOf(own, port), '-data', temporaryFolder(t)])
  const isTwo = async () => {
    const { layout_epoch, layout_phase } = await healthOf(port)
    return layout_epoch === 2 && layout_phase === 'settled'
  }
  t.ok(await until(isTwo, PATIENCE_MS), 'the second has joined')
  await kill(again)
  await startMaster(t, port, kept)
  t.ok(await until(isTwo, PATIENCE_MS), 'a master of yesterday takes over the layout of today')

  for (const server of [worker, second])
    t.match(await ask(server, 'GET', '/key'), { status: 200 }, 'both serve')
  t.match(await documentOf(port, '/-/admin/layout'), { epoch: 2, phase: 'settled' })
})
