/** Real nodes: any of them shows every key, whoever is away and whoever lags behind. */
import t from 'tap'
import { TestCluster } from './support/cluster.ts'
import { ask } from './support/http-client.ts'

const KEYS = 60
const name = (number: number) => `scan-${String(number).padStart(3, '0')}`
const all = Array.from({ length: KEYS }, (_, number) => number)

interface Listed {
  readonly keys: readonly { key: string; value?: unknown }[]
  readonly cursor: string | null
}

/** Every page, one after the other. */
async function listed(node: { port: number }, query: string): Promise<string[]> {
  const keys: string[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const from: string = cursor === '' ? '' : `&cursor=${cursor}`
    const { status, body } = await ask(node, 'GET', `/-/keys?prefix=scan-&${query}${from}`)
    if (status !== 200) throw new Error(`${status} ${body}`)
    const page: Listed = JSON.parse(body)
    keys.push(...page.keys.map(({ key, value }) => (value === undefined ? key : `${key}=${value}`)))
    cursor = page.cursor
  }
  return keys
}

t.test('three nodes', async (t) => {
  const cluster = await TestCluster.start(t)
  const put = (node: number, number: number, text: string) =>
    ask(cluster.nodes[node]!, 'PUT', `/${name(number)}`, JSON.stringify({ value: text }))
  for (const number of all) t.equal((await put(number % 3, number, 'first')).status, 200)
  await ask(cluster.nodes[1]!, 'DELETE', `/${name(7)}`)
  const there = all.filter((number) => number !== 7).map(name)
  for (const node of cluster.nodes) {
    t.same(await listed(node, 'limit=1000'), there)
    t.same(await listed(node, 'limit=7&reverse=true'), there.toReversed())
    t.same(
      await listed(node, 'limit=25&values=true'),
      there.map((key) => `${key}=first`),
    )
  }

  await cluster.kill(2)
  for (const number of [1, 2, 3]) t.equal((await put(0, number, 'second')).status, 200)
  for (const number of [10, 11, 12]) await ask(cluster.nodes[1]!, 'DELETE', `/${name(number)}`)
  t.equal((await put(1, KEYS, 'second')).status, 200)
  const now = [...all, KEYS].filter((number) => ![7, 10, 11, 12].includes(number))
  const expected = now.map((n) => `${name(n)}=${[1, 2, 3, KEYS].includes(n) ? 'second' : 'first'}`)
  for (const node of [0, 1]) t.same(await listed(cluster.nodes[node]!, 'limit=20&values=true'), expected)

  const back = await cluster.startNode(2)
  t.same(await listed(back, 'limit=20&values=true'), expected, 'whatever it has missed')
  await cluster.stop(0)
  t.same(await listed(back, 'limit=1000&values=true'), expected)
  t.same(await listed(cluster.nodes[1]!, 'limit=1000&values=true'), expected)

  await cluster.stop(1)
  const { status, body } = await ask(back, 'GET', '/-/keys?prefix=scan-&limit=10')
  t.equal(status, 503, body)
  t.match(body, /NO_QUORUM/)
})
