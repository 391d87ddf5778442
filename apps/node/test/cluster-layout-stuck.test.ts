/**
 * A change of the layout that waits for somebody who is away: every other member says who it is, and since
 * when, until he is back or an operator goes on without him.
 */
import t, { type Test } from 'tap'
import { type ClusterNode, TestCluster } from './support/cluster.ts'
import { ask } from './support/http-client.ts'
import { until } from './support/large-transfers.ts'
import { run, temporaryFolder } from './support/server.ts'

const LAYOUT = '/-/admin/layout'
const LOOKS = [30_000, 50] as const

interface Described {
  epoch: number
  phase: string
  awaited: string[]
  silent: { name: string; seconds: number | null }[]
  changingSeconds: number | null
}

type Node = { port: number }

const get = async (node: Node, path: string) => JSON.parse((await ask(node, 'GET', path)).body)
const layoutOf = (node: Node): Promise<Described> => get(node, LAYOUT)
const settle = (node: Node) => ask(node, 'POST', '/-/admin/settle')

function settled(node: Node, epoch: number): Promise<boolean> {
  return until(
    async () => {
      const layout = await layoutOf(node).catch(() => null)
      return layout?.epoch === epoch && layout.phase === 'settled'
    },
    ...LOOKS,
  )
}

async function toldOf(node: ClusterNode, name: string): Promise<Described> {
  const tells = async () => (await layoutOf(node)).silent.some((one) => one.name === name)
  if (!(await until(tells, ...LOOKS))) throw new Error(`${node.name} does not tell of ${name}`)
  return await layoutOf(node)
}

/** Lines of the log that say it, and not that it is over. */
function saying(node: ClusterNode, words: string): number {
  const lines = node.stderr().split('\n')
  return lines.filter((line) => line.includes(words) && !line.includes('no longer')).length
}

/** Started over an empty folder, and in no layout yet. */
async function startOutsider(t: Test, cluster: TestCluster, index: number) {
  const { words, environment, name } = cluster.commandOf(index)
  const node = run([...words, '-data', temporaryFolder(t)], environment)
  t.teardown(async () => {
    node.child.kill('SIGKILL')
    await node.ended
  })
  const port = cluster.ports[index]!
  return { ...node, name, port }
}

async function asksForALayout(node: Node): Promise<void> {
  const asks = () =>
    get(node, '/health').then(
      (health) => /POST/.test(health.waiting),
      () => false,
    )
  if (!(await until(asks, ...LOOKS))) throw new Error('it does not ask')
}

async function change(node: Node, add: string, remove: string): Promise<void> {
  const { status, body } = await ask(
    node,
    'POST',
    LAYOUT,
    JSON.stringify({ add: [{ name: add }], remove: [remove] }),
  )
  if (status !== 202) throw new Error(`${status} ${body}`)
}

t.test('one that stays is away: it is named, once in the log, and gone on without', async (t) => {
  const cluster = await TestCluster.start(t, { words: ['-durability', 'os'] })
  const [a, b, c] = cluster.nodes as [ClusterNode, ClusterNode, ClusterNode]
  t.match(await layoutOf(b), { silent: [], changingSeconds: null })
  await cluster.kill(0)
  const d = await startOutsider(t, cluster, await cluster.addNode())
  await asksForALayout(d)
  await change(c, d.name, b.name)
  const [only] = (await toldOf(c, a.name)).silent
  t.ok(only!.seconds! >= 1, 'since it was heard last')
  const late = async () => ((await layoutOf(c)).changingSeconds ?? 0) >= 1
  t.ok(await until(late, ...LOOKS))
  const words = `layout 2 is not settled without ${a.name}`
  t.ok(await until(() => saying(c, words) > 0, ...LOOKS))
  t.equal((await get(c, '/health')).layout_silent, a.name)

  t.ok(await until(async () => (await settle(c)).status === 202, ...LOOKS))
  for (const node of [c, d]) t.ok(await settled(node, 2))
  t.match(await layoutOf(c), { silent: [], changingSeconds: null })
  t.ok(await until(() => c.stderr().includes(`no longer: ${words}`), ...LOOKS))
  t.equal(saying(c, words), 1, 'one line, however long it took')
})

t.test('without a majority of the new ones it waits, and ends when one is at the place', async (t) => {
  const cluster = await TestCluster.start(t, { count: 2, words: ['-durability', 'os'] })
  const [a, b] = cluster.nodes as [ClusterNode, ClusterNode]
  await ask(a, 'PUT', '/key', '{"value": "x"}')
  const index = await cluster.addNode()
  const d = await startOutsider(t, cluster, index)
  await asksForALayout(d)
  // So it cannot be ready in time.
  d.child.kill('SIGSTOP')
  await change(a, d.name, b.name)
  t.ok((await toldOf(a, d.name)).awaited.includes(d.name))
  d.child.kill('SIGKILL')
  await d.ended
  const refused = await settle(a)
  t.equal(refused.status, 409)
  t.match(JSON.parse(refused.body), { code: 'LAYOUT_CHANGING', error: new RegExp(d.name) })
  t.match(await layoutOf(b), { phase: 'joint' })

  const another = await startOutsider(t, cluster, index)
  for (const node of [a, another]) t.ok(await settled(node, 2))
  t.equal((await ask(another, 'GET', '/key')).status, 200)
})
