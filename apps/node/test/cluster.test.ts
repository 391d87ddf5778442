/** Three real nodes: any of them answers for any key, one may die, and what was away heals by itself. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { TestCluster } from './support/cluster.ts'
import { ask, SUCCESS } from './support/http-client.ts'
import { until } from './support/large-transfers.ts'
import { run, temporaryFolder } from './support/server.ts'

const value = (text: string) => JSON.stringify({ value: text })
const shown = (text: string) => `{"success":true,"data":"${text}"}`
const ABSENT = 404

async function healthOf(node: { port: number }): Promise<Record<string, unknown>> {
  return JSON.parse((await ask(node, 'GET', '/health')).body)
}

const README = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
const DOCUMENTED = /^CLUSTER_NODES="([^"]*)" pnpm exec minivault-node (.*) &$/gm

t.test('the README starts three nodes as this file does', async (t) => {
  const cluster = TestCluster.of(t, [3001, 3002, 3003])
  const lines = [...README.matchAll(DOCUMENTED)]
  t.equal(lines.length, 3)
  for (const [index, [, others, words]] of lines.entries()) {
    const { environment, words: ours } = cluster.commandOf(index)
    t.equal(environment.CLUSTER_NODES, others)
    const given = words!
      .replaceAll('"', '')
      .replace(/ -data \S+/, '')
      .split(' ')
    t.same(
      ours.filter((_, at) => at < given.length),
      given,
    )
  }
})

t.test('the documented start: any node answers for any key', async (t) => {
  const cluster = await TestCluster.start(t)
  const [a, b, c] = cluster.nodes as [never, never, never]
  t.same((await ask(a, 'PUT', '/from-a', value('one'))).body, SUCCESS)
  for (const node of [a, b, c]) t.equal((await ask(node, 'GET', '/from-a')).body, shown('one'))
  t.equal((await ask(b, 'POST', '/from-a', value('two'))).status, 409)
  t.equal((await ask(c, 'POST', '/from-c', value('three'))).status, 201)
  t.equal((await ask(a, 'DELETE', '/from-a')).body, SUCCESS)
  for (const node of [a, b, c]) t.equal((await ask(node, 'GET', '/from-a')).status, ABSENT)

  const health = await healthOf(b)
  t.match(health, { status: 'ok', role: 'peer', members: 3, quorum_reachable: true, members_away: '' })

  await t.test('one of them dies: reads, writes and deletes go on', async (t) => {
    await cluster.kill(2)
    t.equal((await ask(a, 'GET', '/from-c')).body, shown('three'))
    t.equal((await ask(b, 'PUT', '/while-away', value('four'))).body, SUCCESS)
    t.equal((await ask(a, 'GET', '/while-away')).body, shown('four'))
    t.equal((await ask(a, 'DELETE', '/from-c')).body, SUCCESS)
    t.equal((await ask(b, 'GET', '/from-c')).status, ABSENT)
    t.ok(await until(async () => (await healthOf(a))['members_away'] === cluster.commandOf(2).name), 'seen')
  })

  await t.test('it comes back and catches up by itself; what was deleted stays so', async (t) => {
    const back = await cluster.startNode(2)
    t.equal((await ask(back, 'GET', '/while-away')).body, shown('four'))
    const one = { 'Minivault-Consistency': 'one' }
    const hasCaughtUp = async () => {
      const missed = await ask(back, 'GET', '/while-away', undefined, one)
      const deleted = await ask(back, 'GET', '/from-c', undefined, one)
      return missed.body === shown('four') && deleted.status === ABSENT
    }
    t.ok(await until(hasCaughtUp), 'from its own disk')
    await cluster.stop(0)
    t.equal((await ask(back, 'GET', '/from-c')).status, ABSENT)
  })
})

t.test('as printed, with the port mistakes of the document, it says what is wrong', async (t) => {
  const folder = temporaryFolder(t)
  const node = run(
    ['-port', '3001', '-data', folder, '-public-url', 'localhost:3001', '-host', '127.0.0.1'],
    {
      CLUSTER_NODES: 'localhost:3001,localhost:3002',
    },
  )
  t.teardown(async () => {
    node.child.kill('SIGKILL')
    await node.ended
  })
  t.ok(await until(() => /waiting for localhost:3002: not heard yet/.test(node.stderr())))
})
