/**
 * Members that come and go while three real nodes serve: our client works all along, and nothing fails. A
 * fourth joins, a dead one is replaced, one is drained.
 */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '@minivault/client'
import t from 'tap'
import { type ClusterNode, TestCluster } from './support/cluster.ts'
import { ask } from './support/http-client.ts'
import { until } from './support/large-transfers.ts'

const LAYOUT = '/-/admin/layout'
const KEYS = 600
const VALUE_BYTES = 1000
const AT_ONCE = 50
const LOAD_KEYS = 40
const LOAD_PAUSE_MS = 5
const PATIENCE_MS = 30_000

interface Described {
  epoch: number
  phase: string
  awaited: string[]
  members: { name: string; partitions: number; isHeard: boolean; votes: boolean }[]
}

interface Moves {
  toEpoch: number
  copies: number
  bytes: number
  members: { member: string; before: number; after: number; gains: number; losses: number; bytes: number }[]
}

async function get<T>(node: { port: number }): Promise<T> {
  return JSON.parse((await ask(node, 'GET', LAYOUT)).body)
}

const post = (node: { port: number }, body: object) => ask(node, 'POST', LAYOUT, JSON.stringify(body))

async function change(node: { port: number }, body: object): Promise<Moves> {
  const { status, body: text } = await post(node, body)
  if (status !== 202) throw new Error(`${status} ${text}`)
  return JSON.parse(text)
}

function settled(node: { port: number }, epoch: number): Promise<boolean> {
  return until(
    async () => {
      const layout = await get<Described>(node)
      return layout.epoch === epoch && layout.phase === 'settled'
    },
    ...LOOKS,
  )
}

async function healthOf(node: { port: number }): Promise<Record<string, unknown>> {
  return JSON.parse((await ask(node, 'GET', '/health')).body)
}

/** A node that no layout has is up, and says what it waits for. */
async function isAsking(port: number): Promise<void> {
  const waits = async () => {
    const health = await healthOf({ port }).catch(() => ({ waiting: '' }))
    return /is not a member of this cluster .*POST/.test(`${health['waiting']}`)
  }
  if (!(await until(waits, ...LOOKS))) throw new Error('it does not ask for a layout')
}

/** Sets and gets of our client until it is stopped. */
class Load {
  operations = 0
  readonly failed: string[] = []
  readonly #running: Promise<void>[]
  #isOver = false

  constructor(client: Client) {
    this.#running = [0, 1, 2, 3].map((number) => this.#run(client, number))
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#running)
  }

  async #run(client: Client, number: number): Promise<void> {
    for (let n = 0; !this.#isOver; n++) {
      const key = `load-${number}-${n % (LOAD_KEYS / 4)}`
      try {
        await client.set(key, `${n}`)
        const value = await client.text().get(key)
        if (value !== `${n}`) this.failed.push(`${key} is ${value}, not ${n}`)
      } catch (error) {
        this.failed.push((error as Error).message)
      }
      this.operations += 1
      await sleep(LOAD_PAUSE_MS)
    }
  }
}

/** How long, and how often. */
const LOOKS = [PATIENCE_MS, 100] as const

const keyOf = (n: number) => `key-${n}`
/** Not to be compressed. */
const storedOf = (n: number) => randomText(n, VALUE_BYTES)

function randomText(seed: number, length: number): string {
  return createHash('shake256', { outputLength: length / 2 })
    .update(`${seed}`)
    .digest('hex')
}

/** Some at a time. */
async function forAll(act: (n: number) => Promise<void>): Promise<void> {
  let next = 0
  const work = async () => {
    while (next < KEYS) await act(next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

const fill = (client: Client) => forAll((n) => client.set(keyOf(n), storedOf(n)).then(() => {}))

async function countWrong(client: Client): Promise<number> {
  const text = client.text()
  let wrong = 0
  await forAll(async (n) => {
    if ((await text.get(keyOf(n))) !== storedOf(n)) wrong += 1
  })
  return wrong
}

t.test('members come and go, and nothing fails', async (t) => {
  const cluster = await TestCluster.start(t, { words: ['-durability', 'os'] })
  const [a, b, c] = cluster.nodes as [ClusterNode, ClusterNode, ClusterNode]
  const client = Client.open(`minivault://${cluster.nodes.map(({ name }) => name).join(',')}`)
  t.teardown(() => client.close())
  await fill(client)
  const load = new Load(client)

  await t.test('a fourth joins', async (t) => {
    const index = await cluster.addNode()
    const joining = cluster.startNode(index)
    const { name } = cluster.commandOf(index)
    await isAsking(cluster.ports[index]!)
    const plan: Moves = JSON.parse((await post(b, { add: [{ name }], dryRun: true })).body)
    t.match(plan, { epoch: 1, toEpoch: 2 })
    t.ok(Math.abs(plan.copies - 768) < 8, 'of 3,072 replicas a fourth')
    const ofNew = plan.members.find(({ member }) => member === name)!
    t.match(ofNew, { before: 0, after: plan.copies, gains: plan.copies, losses: 0, bytes: plan.bytes })
    // Three quarters of all keys; a record has its head, and its key.
    const least = (KEYS * VALUE_BYTES * 3) / 4
    t.ok(plan.bytes > least && plan.bytes < least * 1.3, `${plan.bytes} of ${least}`)
    t.match(await get<Described>(a), { epoch: 1, phase: 'settled' }, 'a dry run changes nothing')

    t.match(await change(b, { add: [{ name }] }), { copies: plan.copies, toEpoch: 2 })
    const d = await joining
    t.ok(await settled(d, 2))
    for (const node of [a, b, c]) t.ok(await settled(node, 2))
    t.match(await healthOf(a), { members: 4, layout_epoch: 2, layout_phase: 'settled' })
    const { members } = await get<Described>(d)
    t.same(
      members.map((member) => [member.name, member.partitions, member.isHeard]),
      plan.members.map(({ member, after }) => [member, after, true]),
    )
    const keys = Number((await healthOf(d))['keys'])
    t.ok(keys > KEYS * 0.65 && keys < KEYS * 0.85 + LOAD_KEYS, `it holds ${keys} of ${KEYS}`)
    t.equal(await countWrong(client), 0)
    t.ok(
      await until(async () => Number((await healthOf(a))['keys']) < KEYS * 0.85 + LOAD_KEYS, ...LOOKS),
      'let go of',
    )
  })

  await t.test('a dead one is replaced', async (t) => {
    await cluster.kill(2)
    t.ok(await until(async () => (await healthOf(a))['members_away'] === c.name, ...LOOKS))
    const index = await cluster.addNode()
    const joining = cluster.startNode(index)
    await isAsking(cluster.ports[index]!)
    await change(a, { add: [{ name: cluster.commandOf(index).name }], remove: [c.name] })
    const e = await joining
    for (const node of [a, b, e]) t.ok(await settled(node, 3))
    t.equal(await countWrong(client), 0)
    t.match(await healthOf(a), { members: 4, members_away: '', status: 'ok' })
  })

  await t.test('what the operator gets wrong', async (t) => {
    const wrong: readonly [body: string, status: number, words: RegExp][] = [
      ['{', 400, /the body is not JSON/],
      ['{}', 400, /nothing is asked for/],
      ['{"add": ["localhost:1"]}', 400, /add/],
      ['{"add": [{"name": "localhost"}]}', 400, /has no port/],
      ['{"add": [{"name": "localhost:1"}]}', 400, /localhost:1 cannot be reached .*: start it first/],
      [`{"add": [{"name": "${a.name}"}]}`, 400, /is a member already/],
      ['{"remove": ["localhost:1"]}', 400, /localhost:1 is not a member/],
      ['{"add": [{"name": "localhost:1", "region": "A B"}]}', 400, /region/],
    ]
    for (const [body, status, words] of wrong) {
      const answer = await ask(b, 'POST', LAYOUT, body)
      t.equal(answer.status, status, body)
      t.match(JSON.parse(answer.body).error, words)
    }
    t.match(await get<Described>(a), { epoch: 3, phase: 'settled' }, 'nothing has changed')
  })

  await t.test('one is drained', async (t) => {
    const [, , , d, e] = cluster.nodes as ClusterNode[]
    await change(d!, { remove: [d!.name] })
    for (const node of [a, b, e!]) t.ok(await settled(node, 4))
    t.ok(await until(async () => (await ask(d!, 'GET', '/-/readyz')).status === 503, ...LOOKS))
    const refused = await ask(d!, 'GET', `/${keyOf(1)}`)
    t.equal(refused.status, 503)
    t.match(JSON.parse(refused.body), {
      error: `${d!.name} was removed from its cluster: it serves nothing, and may be stopped`,
    })
    t.ok(await until(async () => (await healthOf(d!))['keys'] === 0, ...LOOKS), 'it has let go of all')
    await cluster.stop(3)
    t.equal(await countWrong(client), 0)
  })

  await load.stop()
  t.same(load.failed.slice(0, 5), [])
  t.ok(load.operations > 100, `${load.operations} operations`)

  await t.test('alone, it decides nothing, and says so at once', async (t) => {
    await Promise.all([cluster.stop(1), cluster.stop(4)])
    t.ok(await until(async () => (await ask(a, 'GET', '/-/readyz')).status === 503, ...LOOKS))
    const one = { 'Minivault-Consistency': 'one' }
    t.equal((await ask(a, 'GET', `/${keyOf(1)}`, undefined, one)).status, 200)
    const refused = await ask(a, 'POST', '/decided', '{"value": 1}', one)
    t.match(JSON.parse(refused.body), { error: 'too few replicas of this key can be reached' })
  })
})
