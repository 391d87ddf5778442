/** What the fast lane keeps to itself, and what it gives away and when. */
import { once } from 'node:events'
import net from 'node:net'
import { DURABILITY } from '@minivault/storage'
import t, { type Test } from 'tap'
import { HTTP_KEEP_ALIVE_MS, HTTP_PIPELINE_MAX, SWEEP_INTERVAL_MS } from '../src/limits.ts'
import { type Node, type NodeOptions, startNode } from '../src/node.ts'
import { systemTime } from '../src/time.ts'
import { LateKeyValue } from './support/late-key-value.ts'
import { temporaryFolder } from './support/server.ts'

const JSON_HEAD = 'Host: h\r\nContent-Type: application/json\r\n'

async function start(t: Test, options: Partial<NodeOptions> = {}): Promise<Node> {
  const directory = temporaryFolder(t)
  const node = await startNode({
    port: 0,
    host: '127.0.0.1',
    directory,
    durability: DURABILITY.memory,
    ...options,
  })
  t.teardown(() => node.close())
  return node
}

const get = (key: string, line = '') => `GET /${key} HTTP/1.1\r\nHost: h\r\n${line}\r\n`
const put = (key: string, body: string) =>
  `PUT /${key} HTTP/1.1\r\n${JSON_HEAD}Content-Length: ${body.length}\r\n\r\n${body}`

class Client {
  received = ''
  readonly socket: net.Socket
  readonly ended: Promise<unknown>

  constructor(port: number) {
    this.socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket.setEncoding('latin1').on('data', (text) => (this.received += text))
    this.ended = once(this.socket, 'close')
  }

  get replies(): string[] {
    return this.received.split(/(?=HTTP\/1\.1 \d{3} )/).filter((text) => text !== '')
  }

  /** Sends, and waits until so many replies are there, the last of them ending like this. */
  async ask(text: string, count: number, end = '}'): Promise<string[]> {
    this.socket.write(text, 'latin1')
    while (this.replies.length < count || !this.received.endsWith(end)) await once(this.socket, 'data')
    return this.replies
  }
}

const bodyOf = (reply: string) => reply.slice(reply.indexOf('\r\n\r\n') + 4)

t.test('many at once: more than node:http would take', async (t) => {
  const node = await start(t)
  const client = new Client(node.port)
  const count = 4 * HTTP_PIPELINE_MAX
  const asked = Array.from({ length: count }, (_, index) =>
    index % 2 === 0 ? put(`k${index}`, `{"value":${index}}`) : get(`k${index - 1}`),
  )
  const replies = await client.ask(asked.join(''), count)
  t.equal(replies.length, count)
  t.ok(replies.every((reply, index) => index % 2 === 0 || bodyOf(reply).endsWith(`:${index - 1}}`)))
  client.socket.destroy()
})

for (const wrapKeyValue of [undefined, LateKeyValue.around]) {
  const name = wrapKeyValue === undefined ? 'at once' : 'late'
  t.test(`a large value amid small ones, answered ${name}`, async (t) => {
    const node = await start(t, wrapKeyValue === undefined ? {} : { wrapKeyValue })
    const large = 'x'.repeat(1_000_000)
    const url = `http://127.0.0.1:${node.port}`
    await fetch(`${url}/large`, { method: 'PUT', body: JSON.stringify({ value: large }) })
    const client = new Client(node.port)
    await client.ask(put('a', '{"value":1}'), 1)
    client.received = ''
    const asked = [put('a', '{"value":2}'), get('a'), get('large'), put('a', '{"value":3}'), get('a')]
    const replies = await client.ask(asked.join(''), 5)
    const bodies = replies.map(bodyOf)
    t.equal(bodies[1], '{"success":true,"data":2}', 'in front of it')
    t.equal(bodies[2], `{"success":true,"data":"${large}"}`)
    t.equal(bodies[4], '{"success":true,"data":3}', 'behind it')
    t.match(
      replies[2],
      /^HTTP\/1\.1 200 OK\r\nContent-Type: application\/json\r\nContent-Length: 1000026\r\n/,
    )
    client.socket.destroy()
  })
}

t.test('byte by byte', async (t) => {
  const node = await start(t)
  const client = new Client(node.port)
  await once(client.socket, 'connect')
  for (const byte of put('a', '{"value":"ab"}') + get('a')) {
    client.socket.write(byte)
    await new Promise(setImmediate)
  }
  t.equal(bodyOf((await client.ask('', 2))[1]!), '{"success":true,"data":"ab"}')
  client.socket.destroy()
})

t.test('a rate limit refuses in step, and as the reference does', async (t) => {
  const said: string[] = []
  for (const plainHttp of [true, false]) {
    const node = await start(t, { ratePerSecond: 0.01, plainHttp })
    const client = new Client(node.port)
    for (const text of [get('a'), get('a'), put('a', '{"value":1}'), get('b')]) {
      await client.ask(text, client.replies.length + 1)
    }
    said.push(client.received.replace(/Date: .*/g, 'Date'))
    client.socket.destroy()
  }
  t.equal(said[0], said[1])
  t.equal(said[0]!.match(/HTTP\/1\.1 429 .*\r\n(?:.*\r\n)*?Retry-After: \d+\r\n/g)?.length, 3)
})

t.test('what was shown on a connection counts for its next requests, and nothing else does', async (t) => {
  const node = await start(t, { authKey: 'secret', authMode: 'all' })
  const shown = 'Authorization: Bearer secret\r\n'
  // The first that is refused goes to `node:http` with its connection.
  for (const line of ['', shown.replace('t\r', 's\r'), shown.replace('t\r', '\r'), shown.replace('s', 'S')]) {
    const client = new Client(node.port)
    for (const text of [get('a', shown), get('a', shown), get('a', line), get('a', shown)]) {
      await client.ask(text, client.replies.length + 1)
    }
    const statuses = client.replies.map((reply) => reply.slice(9, 12))
    t.same(statuses, ['404', '404', '401', '404'], line)
    client.socket.destroy()
  }
})

t.test('the last reply before the end says so', async (t) => {
  const port: { late: LateKeyValue | null } = { late: null }
  const node = await start(t, { wrapKeyValue: (inner) => (port.late = new LateKeyValue(inner, false)) })
  const client = new Client(node.port)
  client.socket.write(put('a', '{"value":1}') + put('b', '{"value":2}') + get('a'))
  while (port.late!.waiting < 3) await new Promise(setImmediate)
  const closed = node.close()
  port.late!.go()
  await Promise.all([client.ended, closed])
  t.same(
    client.replies.map((reply) => /Connection: (.*)\r\n/.exec(reply)?.[1]),
    ['keep-alive', 'keep-alive', 'close'],
  )
})

/** A node whose sweeps come when they are called for. */
async function startSwept(t: Test): Promise<{ node: Node; sweep: (times: number) => Promise<void> }> {
  const sweeps: (() => void)[] = []
  const every = (ms: number, run: () => void) => {
    if (ms === SWEEP_INTERVAL_MS) sweeps.push(run)
    return systemTime.every(1e6, () => {})
  }
  const node = await start(t, { time: { ...systemTime, every } })
  const sweep = async (times: number) => {
    for (let time = 0; time < times; time++) for (const run of sweeps) run()
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  }
  return { node, sweep }
}

const IDLE_SWEEPS = HTTP_KEEP_ALIVE_MS / SWEEP_INTERVAL_MS

t.test('an idle connection ends when node:http would end it', async (t) => {
  const { node, sweep } = await startSwept(t)
  const client = new Client(node.port)
  await client.ask(get('a'), 1)
  await sweep(IDLE_SWEEPS)
  await client.ask(get('a'), 2)
  t.equal(node.connections, 1, 'not a moment before')
  await sweep(IDLE_SWEEPS + 1)
  await client.ended
  t.equal(client.replies.length, 2)
})

t.test('half a request is soon for node:http, which goes on with it', async (t) => {
  const { node, sweep } = await startSwept(t)
  const client = new Client(node.port)
  const text = put('a', '{"value":1}')
  await client.ask(get('a') + text.slice(0, -5), 1)
  await sweep(2)
  // An idle connection of the lane would end by this.
  await sweep(3 * IDLE_SWEEPS)
  t.match((await client.ask(text.slice(-5), 2))[1], /^HTTP\/1\.1 200 OK/)
  client.socket.destroy()
})
