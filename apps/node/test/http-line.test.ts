/** Several requests on one connection: what is behind a last reply, what nobody waits for any more. */
import diagnostics from 'node:diagnostics_channel'
import { once } from 'node:events'
import net from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t, { type Test } from 'tap'
import type { KeyValue } from '../src/key-value.ts'
import { type Node, type NodeOptions, startNode } from '../src/node.ts'
import { ask, RawHttp, until } from './support/http-client.ts'
import { LateKeyValue } from './support/late-key-value.ts'
import { temporaryFolder } from './support/server.ts'

async function start(t: Test, options: Partial<NodeOptions>): Promise<Node> {
  const directory = temporaryFolder(t)
  const node = await startNode({ port: 0, host: '127.0.0.1', directory, durability: 0, ...options })
  t.teardown(() => node.close())
  return node
}

const HOST = 'Host: x\r\n'
const get = (lines = '') => `GET /there HTTP/1.1\r\n${HOST}${lines}\r\n`
const BEHIND = `PUT /behind HTTP/1.1\r\n${HOST}Content-Length: 11\r\n\r\n{"value":1}`
const LARGE = 'x'.repeat(100_000)
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: h2c\r\n'

/** The reply to each says that the connection ends. */
const LAST: readonly [status: number, about: string, bytes: string][] = [
  [404, 'Connection: close', get('Connection: close\r\n')],
  [404, 'HTTP/1.0', 'GET /there HTTP/1.0\r\n\r\n'],
  [400, 'no Host', 'GET /there HTTP/1.1\r\n\r\n'],
  [400, 'two Hosts', get(HOST)],
  [431, 'too many lines', get('X: y\r\n'.repeat(256))],
  [417, 'an expectation', get('Expect: more\r\n')],
  [
    415,
    'a refused body too large to be skipped',
    `PUT /there HTTP/1.1\r\n${HOST}Content-Encoding: gzip\r\nContent-Length: 100000\r\n\r\n${LARGE}`,
  ],
  // So that the slice that the parser gets ends with the head, or in the middle of what is behind it.
  ...[0, 880, 900, 930, 960].map(
    (bytes) => [404, 'an upgrade', get(`${UPGRADE}X: ${'x'.repeat(bytes)}\r\n`)] as [number, string, string],
  ),
  [405, 'a tunnel', `CONNECT x:1 HTTP/1.1\r\n${HOST}\r\n`],
]

for (const options of [{}, { plainHttp: false }, { plainHttp: false, plainStreams: true }]) {
  t.test(`behind the last reply nothing is done: ${JSON.stringify(options)}`, async (t) => {
    const node = await start(t, options)
    for (const [status, about, bytes] of LAST) {
      const raw = new RawHttp(node.port)
      raw.send(get() + bytes + BEHIND.repeat(100))
      await raw.ended()
      t.same(raw.statuses, [404, status], about)
      t.match(raw.text, /Connection: close\r\n/, about)
      raw.close()
      t.equal((await ask(node, 'GET', '/behind')).status, 404, `${about}: not done`)
    }
  })

  t.test(`a client that never ends: ${JSON.stringify(options)}`, async (t) => {
    const node = await start(t, options)
    const cases = [...LAST, [400, 'no request', 'GET\r\n\r\n'] as const]
    await Promise.all(
      cases.map(async ([, about, bytes]) => {
        const socket = net.connect({ port: node.port, host: '127.0.0.1', allowHalfOpen: true })
        socket.write(bytes)
        await once(socket.resume(), 'end')
        // Bytes for a connection that is gone are answered with a reset; one half open would take them.
        const more = setInterval(() => socket.write('x'), 50)
        const [error] = (await once(socket, 'error', { signal: AbortSignal.timeout(20_000) })) as [
          { code: string },
        ]
        t.match(error.code, /ECONNRESET|EPIPE/, about)
        clearInterval(more)
      }),
    )
  })
}

t.test('the replies that are due come before that to CONNECT', async (t) => {
  const wrapKeyValue = (inner: KeyValue) => new LateKeyValue(inner, true)
  const node = await start(t, { plainHttp: false, wrapKeyValue })
  const raw = new RawHttp(node.port)
  raw.send(`${get()}${get()}CONNECT x:1 HTTP/1.1\r\n${HOST}\r\n`)
  await raw.ended()
  t.same(raw.statuses, [404, 404, 405])
  raw.close()
})

t.test('of requests whose client is gone nothing is kept', async (t) => {
  let late: LateKeyValue | null = null
  const wrapKeyValue = (inner: KeyValue) => (late = new LateKeyValue(inner, false))
  const node = await start(t, { plainHttp: false, wrapKeyValue })
  const requests: WeakRef<object>[] = []
  const onRequest = (message: unknown) => {
    requests.push(new WeakRef((message as { request: object }).request))
  }
  diagnostics.subscribe('http.server.request.start', onRequest)
  t.teardown(() => diagnostics.unsubscribe('http.server.request.start', onRequest))
  const raw = new RawHttp(node.port)
  raw.send(get().repeat(10))
  await until(() => requests.length === 10 && late!.waiting === 1)
  raw.close()
  await until(() => raw.isClosed)
  late!.go()
  t.equal((await ask(node, 'GET', '/there')).status, 404)

  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  await until(() => {
    collect()
    return requests.slice(0, 10).every((request) => request.deref() === undefined)
  })
  t.pass('nothing')
})
