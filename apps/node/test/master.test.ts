/** A real master, and workers in three regions that are given nothing but its address and their own. */

import { freePort } from '@minivault/free-port'
import { startMaster } from '@minivault/master'
import { Store } from '@minivault/storage'
import t, { type Test } from 'tap'
import { MasterLink } from '../src/master/master-link.ts'
import { startNode } from '../src/node.ts'
import { systemTime } from '../src/time.ts'
import { ask, SUCCESS } from './support/http-client.ts'
import { until } from './support/large-transfers.ts'
import { run, type Server, startServer, temporaryFolder } from './support/server.ts'

const REGIONS = ['eu', 'us', 'asia'] as const
const PATIENCE_MS = 60_000
const HERE = ['-host', '127.0.0.1']

const value = (text: string) => JSON.stringify({ value: text })
const shown = (text: string) => `{"success":true,"data":"${text}"}`

interface Document {
  readonly [name: string]: unknown
}

async function documentOf(port: number, path: string): Promise<Document> {
  const answer = await ask({ port }, 'GET', path).catch(() => null)
  return answer === null ? {} : (JSON.parse(answer.body) as Document)
}

function wordsOf(port: number, master: number, region: string): string[] {
  const own = ['-port', `${port}`, '-public-url', `localhost:${port}`, '-region', region]
  return [...own, '-master', `http://localhost:${master}`, ...HERE]
}

/** Writes and reads at all of them, until it is told to end; returns what was answered but success. */
function keepAsking(nodes: readonly Server[]) {
  const failures: string[] = []
  let isOver = false
  let operations = 0
  const loops = nodes.map(async (node, index) => {
    for (let turn = 0; !isOver; turn++) {
      const key = `/load-${index}-${turn % 50}`
      const put = await ask(node, 'PUT', key, value(`${turn}`))
      const got = await ask(node, 'GET', key)
      if (put.body !== SUCCESS) failures.push(put.body)
      if (got.body !== shown(`${turn}`)) failures.push(got.body)
      operations += 2
    }
  })
  const end = async () => {
    isOver = true
    await Promise.all(loops)
    return failures
  }
  return { end, operations: () => operations }
}

t.test('three regions find each other, and need the master for nothing else', async (t) => {
  const port = await freePort()
  const startIt = () =>
    startServer(t, [
      '-mode',
      'master',
      '-port',
      `${port}`,
      ...HERE,
      '-data',
      temporaryFolder(t),
      '-founders',
      '3',
    ])
  const master = await startIt()
  t.match(master.readyLine, /^minivault ready: master on http:\/\/127\.0\.0\.1:/)
  const ports = [await freePort(), await freePort(), await freePort()]
  const nodes = await Promise.all(
    ports.map((own, index) => startServer(t, wordsOf(own, port, REGIONS[index]!))),
  )
  const [eu, us, asia] = nodes as [Server, Server, Server]
  t.same((await ask(eu, 'PUT', '/from-eu', value('one'))).body, SUCCESS)
  t.equal((await ask(us, 'POST', '/from-us', value('two'))).status, 201)
  t.equal((await ask(asia, 'POST', '/from-us', value('three'))).status, 409)
  const isEverywhere = (key: string, text: string) => async () => {
    const answers = await Promise.all(nodes.map((node) => ask(node, 'GET', key)))
    return answers.every(({ body }) => body === shown(text))
  }
  t.ok(await until(isEverywhere('/from-eu', 'one'), PATIENCE_MS), 'written in one, read in all')
  t.ok(await until(isEverywhere('/from-us', 'two'), PATIENCE_MS))

  const layout = await documentOf(port, '/-/admin/layout')
  t.match(
    layout,
    { epoch: 1, mode: 'federated', phase: 'settled' },
    'the master passes on what a worker says',
  )
  t.same((layout['members'] as { region: string }[]).map(({ region }) => region).sort(), [...REGIONS].sort())

  await t.test('a second worker under one address is told why not', async (t) => {
    const words = wordsOf(await freePort(), port, 'eu')
    const twin = run([
      ...words.map((word) => (/^localhost:/.test(word) ? `localhost:${eu.port}` : word)),
      '-data',
      temporaryFolder(t),
    ])
    t.teardown(async () => {
      twin.child.kill('SIGKILL')
      await twin.ended
    })
    t.ok(await until(() => /refuses this worker: two workers say they are/.test(twin.stderr()), PATIENCE_MS))
    t.equal((await ask(eu, 'GET', '/from-eu')).body, shown('one'))
  })

  await t.test('the master is killed under load: nothing fails, and a new one learns', async (t) => {
    const load = keepAsking(nodes)
    t.ok(await until(() => load.operations() > 50, PATIENCE_MS))
    master.child.kill('SIGKILL')
    await master.ended
    const isMissed = async () => (await documentOf(us.port, '/health'))['master_state'] === 'away'
    t.ok(await until(isMissed, PATIENCE_MS), 'the workers see it')
    const before = load.operations()
    t.ok(await until(() => load.operations() > before + 50, PATIENCE_MS))

    await startIt()
    const knowsAll = async () => {
      const { layout_members, workers_live, cluster_id } = await documentOf(port, '/health')
      return layout_members === 3 && workers_live === 3 && cluster_id === layout['clusterId']
    }
    t.ok(await until(knowsAll, PATIENCE_MS), 'with an empty folder it takes over what the workers say')
    t.same(await load.end(), [], 'failed operations')
  })
})

t.test('a worker with another key is told so', async (t) => {
  const master = await startMaster({
    port: 0,
    host: '127.0.0.1',
    directory: temporaryFolder(t),
    authKey: 'key',
  })
  t.teardown(() => master.close())
  const lines: string[] = []
  const keep = (_: object, message: string) => void lines.push(message)
  const link = new MasterLink({
    url: `http://127.0.0.1:${master.port}`,
    worker: { name: 'localhost:1', region: 'eu', zone: '', nodeId: '01', isSecure: false },
    standing: () => ({ clusterId: null, epoch: 0, isMember: false }),
    onFounding: () => t.fail('it is not known'),
    authKey: 'another',
    security: () => null,
    random: () => 0.5,
    time: systemTime,
    logger: { info: keep, warn: keep, error: keep },
  })
  t.teardown(() => link.close())
  t.ok(
    await until(() =>
      lines.some((line) => /refuses this worker: the key of this worker is not its/.test(line)),
    ),
  )
  t.match(link.document(), { master_state: 'refused' })
})

async function refusedFolder(t: Test, directory: string): Promise<void> {
  await t.rejects(startNode({ port: 0, directory }), {
    message: /is the folder of a master: give the worker one/,
  })
  await (await Store.open({ directory })).close()
}

t.test('a worker does not begin in the folder of a master', async (t) => {
  const directory = temporaryFolder(t)
  await (await startMaster({ port: 0, host: '127.0.0.1', directory })).close()
  await refusedFolder(t, directory)
})
