/**
 * A member that was away while all others were replaced: the layout on its disk names nobody who is left. It
 * learns the one of today from those that it does not know, and is one of them again.
 */
import { cpSync } from 'node:fs'
import { freePort } from '@minivault/free-port'
import t, { type Test } from 'tap'
import { type ClusterNode, TestCluster } from './support/cluster.ts'
import { ask, SUCCESS } from './support/http-client.ts'
import { until } from './support/large-transfers.ts'
import { run, type Server, startServer, temporaryFolder } from './support/server.ts'

const LAYOUT = '/-/admin/layout'
const LOOKS = [30_000, 100] as const
const KEYS = 20
const HERE = ['-host', '127.0.0.1']

interface Described {
  epoch: number
  phase: string
  members: { name: string }[]
}

async function layoutOf(node: { port: number }): Promise<Described> {
  return JSON.parse((await ask(node, 'GET', LAYOUT)).body)
}

async function replace(at: ClusterNode, add: string, remove: string): Promise<void> {
  const body = JSON.stringify({ add: [{ name: add }], remove: [remove] })
  const { status, body: text } = await ask(at, 'POST', LAYOUT, body)
  if (status !== 202) throw new Error(`${status} ${text}`)
}

function settled(node: { port: number }, epoch: number): Promise<boolean> {
  return until(
    async () => {
      const layout = await layoutOf(node).catch(() => null)
      return layout?.epoch === epoch && layout.phase === 'settled'
    },
    ...LOOKS,
  )
}

/** Goes on without who is away, as soon as enough of the others are ready. */
function settle(node: { port: number }): Promise<boolean> {
  return until(async () => (await ask(node, 'POST', '/-/admin/settle')).status === 202, ...LOOKS)
}

const isUp = (port: number) =>
  until(() =>
    ask({ port }, 'GET', '/health').then(
      () => true,
      () => false,
    ),
  )

t.test('all others were replaced while one was away', async (t) => {
  const cluster = await TestCluster.start(t, { words: ['-durability', 'os'] })
  const [a, b, c] = cluster.nodes as [ClusterNode, ClusterNode, ClusterNode]
  for (let n = 0; n < KEYS; n++) await ask(a, 'PUT', `/key-${n}`, `{"value": "before"}`)
  await cluster.kill(0)

  const joinFor = async (leaver: ClusterNode, at: ClusterNode, epoch: number) => {
    const index = await cluster.addNode()
    const joining = cluster.startNode(index)
    t.ok(await isUp(cluster.ports[index]!))
    await replace(at, cluster.commandOf(index).name, leaver.name)
    t.ok(await settle(at), 'without the one that is away')
    const joined = await joining
    t.ok(await settled(joined, epoch))
    return joined
  }
  const d = await joinFor(b, c, 2)
  const e = await joinFor(c, d, 3)
  await cluster.stop(1)
  await cluster.stop(2)
  for (let n = 0; n < KEYS; n++) {
    t.equal((await ask(d, 'PUT', `/key-${n}`, `{"value": "after"}`)).body, SUCCESS)
  }

  const back = await cluster.startNode(0)
  t.ok(await settled(back, 3), 'it has the layout of today')
  t.same(
    (await layoutOf(back)).members.map(({ name }) => name),
    [a.name, d.name, e.name].sort(),
  )
  t.ok(await until(async () => (await ask(back, 'GET', '/-/readyz')).status === 200, ...LOOKS))
  const votes = async () => JSON.parse((await ask(back, 'GET', '/health')).body).votes === true
  t.ok(await until(votes, ...LOOKS), 'it has compared with the others, and counts')

  await cluster.kill(3)
  for (let n = 0; n < KEYS; n++) {
    const { status, body } = await ask(e, 'GET', `/key-${n}`)
    t.same([status, JSON.parse(body).data], [200, 'after'])
  }
})

/** Workers of masters that begin with whoever comes. */
class Workers {
  readonly #t: Test
  readonly #master: number

  private constructor(t: Test, master: number) {
    this.#t = t
    this.#master = master
  }

  static async of(t: Test): Promise<Workers> {
    const port = await freePort()
    const words = ['-mode', 'master', '-port', `${port}`, ...HERE]
    await startServer(t, [...words, '-data', temporaryFolder(t)])
    return new Workers(t, port)
  }

  start(folder: string, port: number): Promise<Server> {
    return startServer(this.#t, this.#words(folder, port))
  }

  /** Not waited for: it never is ready. */
  run(folder: string, port: number): ReturnType<typeof run> {
    const node = run(this.#words(folder, port))
    this.#t.teardown(async () => {
      node.child.kill('SIGKILL')
      await node.ended
    })
    return node
  }

  #words(folder: string, port: number): string[] {
    const words = ['-port', `${port}`, '-public-url', `localhost:${port}`, ...HERE, '-durability', 'os']
    return [...words, '-master', `http://localhost:${this.#master}`, '-data', folder]
  }
}

async function stop({ child, ended }: Server): Promise<void> {
  child.kill('SIGTERM')
  await ended
}

t.test('a lone founder that goes by its old layout learns of those that came', async (t) => {
  const workers = await Workers.of(t)
  const folder = temporaryFolder(t)
  const older = temporaryFolder(t)
  const own = await freePort()
  await stop(await workers.start(folder, own))
  cpSync(folder, older, { recursive: true })
  const a = await workers.start(folder, own)
  const b = await workers.start(temporaryFolder(t), await freePort())
  for (const node of [a, b]) t.ok(await settled(node, 2))
  t.equal((await ask(b, 'PUT', '/key', '{"value": "of both"}')).body, SUCCESS)

  await stop(a)
  const restored = await workers.start(older, own)
  t.ok(await settled(restored, 2), 'it has the layout of both')
  const shown = async () => (await ask(restored, 'GET', '/key')).body.includes('of both')
  t.ok(await until(shown, ...LOOKS))
})

t.test('but not where it has begun another history meanwhile', async (t) => {
  const workers = await Workers.of(t)
  const [folder, older, ofB] = [temporaryFolder(t), temporaryFolder(t), temporaryFolder(t)]
  const [own, other] = [await freePort(), await freePort()]
  await stop(await workers.start(folder, own))
  cpSync(folder, older, { recursive: true })
  const a = await workers.start(folder, own)
  const b = await workers.start(ofB, other)
  for (const node of [a, b]) t.ok(await settled(node, 2))
  await stop(b)
  await stop(a)

  const others = await Workers.of(t)
  const restored = await others.start(older, own)
  for (const epoch of [2, 3]) {
    const joined = await others.start(temporaryFolder(t), await freePort())
    for (const node of [restored, joined]) t.ok(await settled(node, epoch))
  }
  const again = workers.run(ofB, other)
  const refused = /is not a member of this cluster by the layout that this node has/
  t.ok(await until(() => refused.test(again.stderr()), ...LOOKS))
  const { epoch, members } = await layoutOf({ port: other })
  t.same([epoch, members.length], [2, 2], 'it keeps its layout, and what it holds')
})
