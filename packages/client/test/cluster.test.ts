/**
 * A client of several nodes, by scripted ones: who is asked, who next, under which id and number, and whose
 * answer counts.
 */
import http from 'node:http'
import type net from 'node:net'
import { ERROR, errorKind, FRAME_OPCODE, OPCODE } from '@minivault/protocol'
import t from 'tap'
import { Client, type ClientError } from '../src/index.ts'
import { open } from './support/open.ts'
import { listen, type Seen, scriptedNodes } from './support/scripted.ts'

const attempts = (all: Seen[]) => all.map(({ attempt }) => attempt)
const ids = (all: Seen[]) => new Set(all.map(({ id }) => id)).size
const nodes = (all: Seen[]) => new Set(all.map(({ node }) => node)).size

/** When what was written to sockets of this process has been read: turns of the loop, not time. */
async function afterReading(run: () => void): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setTimeout(resolve, 2))
  run()
}

/** The reply with this error. */
function refusal(seen: Seen, name: Exclude<keyof typeof ERROR, 'NONE'>): Buffer {
  return seen.reply((reply) => {
    reply.error = ERROR[name]
    reply.outcome = errorKind(ERROR[name]).outcome
  }, name)
}

t.test('addresses of several hosts', async (t) => {
  const { address } = Client.open('minivaults://:t%40@a,b:3001,[::1]:3002')
  t.match(address, { scheme: 'minivaults', host: 'a', port: 3000, token: 't@' })
  for (const [url, why] of [
    ['minivault://a:3000,b:x', /not a URL/],
    ['minivault://a:3000,,b', /names no host/],
    ['http://a,https://b', /scheme stands once/],
    ['minivault://:secret@a,b/path', /goes on after the port/],
    ['ftp://a,b', /not known/],
  ] as const) {
    t.throws(() => Client.open(url), { code: 'CLIENT_BAD_ARGUMENT', message: why }, url)
  }
  for (const options of [{ hedgeShare: 2 }, { hedgeShare: Number.NaN }, { tryTimeoutMs: 0 }]) {
    t.throws(() => Client.open({ url: 'a,b', ...options }), { code: 'CLIENT_BAD_ARGUMENT' })
  }
  try {
    Client.open('minivault://:secret@a,b/path')
  } catch (error) {
    t.notMatch((error as Error).message, /secret/)
  }
})

t.test('a connection that breaks: the next node, the same id, the next number', async (t) => {
  const { url, all } = await scriptedNodes(t, 3, (seen, socket) => {
    if (all.length % 3 !== 0) socket.resetAndDestroy()
    else socket.write(seen.reply(undefined, 'value'))
  })
  const client = open(t, url)
  await client.set('key', 'value')
  t.same(attempts(all), [0, 1, 2])
  t.equal(ids(all), 1)
  t.equal(nodes(all), 3)
  t.equal(await client.text().get('key'), 'value')
  t.equal(all.length, 6)
})

t.test('what may be sent again elsewhere is; the rest is the answer', async (t) => {
  let refuses: Exclude<keyof typeof ERROR, 'NONE'> = 'NO_QUORUM'
  const { url, all } = await scriptedNodes(t, 2, (seen, socket) => {
    socket.write(all.length === 1 ? refusal(seen, refuses) : seen.reply())
  })
  const elsewhere = ['NO_QUORUM', 'SHUTTING_DOWN', 'OVERLOADED', 'READ_ONLY', 'DISK_FULL', 'TIMEOUT'] as const
  for (refuses of [...elsewhere, 'IN_DOUBT', 'SUPERSEDED'] as const) {
    all.length = 0
    await open(t, url).set('key', 'value')
    t.same([refuses, attempts(all), ids(all), nodes(all)], [refuses, [0, 1], 1, 2])
  }
  for (refuses of ['VALUE_TOO_LARGE', 'RATE_LIMITED', 'INTERNAL', 'KEY_EXISTS', 'NOT_A_NUMBER'] as const) {
    all.length = 0
    await t.rejects(open(t, url).set('key', 'value'), { code: refuses, inDoubt: false }, refuses)
    t.equal(all.length, 1, refuses)
  }
})

t.test('silence: another node is asked, and the first answer counts, whoever gives it', async (t) => {
  const held: (() => void)[] = []
  const { url, all } = await scriptedNodes(t, 2, (seen, socket) => {
    held.push(() => socket.write(seen.reply(undefined, `${seen.node}`)))
    if (held.length === 2) held[0]!()
  })
  const client = open(t, url, { tryTimeoutMs: 30 })
  const first = await client.set('key', 'value')
  t.same(first, { version: undefined })
  t.same([attempts(all), ids(all), nodes(all)], [[0, 1], 1, 2], 'a yes of the first counts')
})

t.test('the no of an earlier attempt is no answer', async (t) => {
  for (const no of ['KEY_EXISTS', 'VERSION_MISMATCH', 'INTERNAL', 'SUPERSEDED'] as const) {
    let first: (() => void) | null = null
    const { url, all } = await scriptedNodes(t, 2, (seen, socket) => {
      if (seen.attempt === 0) {
        first = () => socket.write(refusal(seen, no))
        return
      }
      first?.()
      afterReading(() => socket.write(seen.reply()))
    })
    await open(t, url, { tryTimeoutMs: 250 }).create('key', 'value')
    t.same([no, attempts(all).slice(0, 2)], [no, [0, 1]])
  }
  for (const opcode of [FRAME_OPCODE.delete, FRAME_OPCODE.touch]) {
    let first: (() => void) | null = null
    const { url } = await scriptedNodes(t, 2, (seen, socket) => {
      if (seen.attempt === 0) {
        first = () =>
          socket.write(opcode === FRAME_OPCODE.touch ? refusal(seen, 'KEY_NOT_FOUND') : seen.reply())
        return
      }
      first?.()
      const yes = seen.reply((reply) => {
        reply.flags = 32
      })
      afterReading(() => socket.write(yes))
    })
    const client = open(t, url, { tryTimeoutMs: 250 })
    t.equal(await (opcode === FRAME_OPCODE.delete ? client.delete('key') : client.touch('key')), true)
  }
})

t.test('the no of the latest attempt is the answer, and not in doubt', async (t) => {
  const { url, all } = await scriptedNodes(t, 2, (seen, socket) => {
    if (all.length > 1) socket.write(refusal(seen, 'KEY_EXISTS'))
  })
  const error = open(t, url, { tryTimeoutMs: 30 }).create('key', 'value')
  await t.rejects(error, { code: 'KEY_EXISTS', inDoubt: false })
})

t.test(
  'every node refuses: again after a pause, then the refusal; in doubt only if one of them was',
  async (t) => {
    let refuses: Exclude<keyof typeof ERROR, 'NONE'> = 'NO_QUORUM'
    const { url, all } = await scriptedNodes(t, 3, (seen, socket) => {
      socket.write(refusal(seen, all.length === 2 ? refuses : 'NO_QUORUM'))
    })
    const options = { retriesMax: 1 }
    await t.rejects(open(t, url, options).set('key', 'value'), { code: 'NO_QUORUM', inDoubt: false })
    t.same(attempts(all), [0, 1, 2, 3, 4, 5])
    all.length = 0
    refuses = 'IN_DOUBT'
    await t.rejects(open(t, url, options).set('key', 'value'), { code: 'NO_QUORUM', inDoubt: true })
    all.length = 0
    await t.rejects(open(t, url, options).get('key'), { code: 'NO_QUORUM', inDoubt: false })
  },
)

t.test('a key that nobody takes is told at once', async (t) => {
  const { url, all } = await scriptedNodes(
    t,
    2,
    (seen, socket) => void socket.write(refusal(seen, 'UNAUTHORIZED')),
  )
  await t.rejects(open(t, url.replace('//', '//:key@')).get('key'), { code: 'UNAUTHORIZED' })
  t.equal(nodes(all), 2)
})

t.test('nobody is there: the time of the call', async (t) => {
  const { url, ports } = await scriptedNodes(t, 1, () => {})
  const gone = await listen(t, (socket) => socket.destroy())
  const client = open(t, `${url},127.0.0.1:${gone}`, { tryTimeoutMs: 30, timeoutMs: 300 })
  const error: ClientError = await client.set('key', 'value').catch((thrown) => thrown)
  t.match(error, { code: 'CLIENT_TIMEOUT', inDoubt: true, cause: { name: 'ClientError' } })
  t.match(error.message, new RegExp(`at last: .*127.0.0.1:(${gone}|${ports[0]})`))
})

t.test('a write that the documented opcodes carry is not sent twice, a read is', async (t) => {
  let seen = 0
  const old = (socket: net.Socket) => {
    socket.on('data', (bytes) => {
      if (bytes[0] === FRAME_OPCODE.hello) return void socket.end(Buffer.from([0xff, 0, 0, 0, 0]))
      if (bytes[0] === OPCODE.health) return void socket.write(Buffer.alloc(5))
      seen++
      if (seen === 1) socket.destroy()
      else socket.write(Buffer.from([0, 1, 0, 0, 0, 0x41]))
    })
  }
  const ports = [await listen(t, old), await listen(t, old)]
  const client = open(t, ports.map((port) => `127.0.0.1:${port}`).join(','))
  t.equal(await client.text().get('key'), 'A')
  t.equal(seen, 2)
  seen = 0
  const write = client.set('key', 'value')
  await t.rejects(write, { code: 'CLIENT_DISCONNECTED', inDoubt: true })
  t.equal(seen, 1)
})

t.test('an id that is too high: a new one, unless the old one may have had an effect', async (t) => {
  let script = ['CLOCK_TOO_FAR', '']
  const { url, all } = await scriptedNodes(t, 2, (seen, socket) => {
    const next = script.shift()
    if (next === 'silence') return
    socket.write(next === '' ? seen.reply() : refusal(seen, 'CLOCK_TOO_FAR'))
  })
  await open(t, url)
    .increment('key')
    .catch(() => {})
  t.same([attempts(all), ids(all)], [[0, 0], 2])
  script = ['silence', 'CLOCK_TOO_FAR', 'CLOCK_TOO_FAR']
  all.length = 0
  const error = open(t, url, { tryTimeoutMs: 30 }).set('key', 'value')
  await t.rejects(error, { code: 'CLOCK_TOO_FAR', inDoubt: true })
  t.same([attempts(all), ids(all)], [[0, 1], 1])
})

t.test('a batch that has left stays where it is', async (t) => {
  const { url, all } = await scriptedNodes(t, 2, (_, socket) => socket.destroy())
  const batch = open(t, url).batch([{ type: 'delete', key: 'key' }])
  await t.rejects(batch, { code: 'CLIENT_DISCONNECTED', inDoubt: true })
  t.equal(all.length, 1)
})

t.test('a node that refuses, or has gone, is left alone; and asked again when it is back', async (t) => {
  let isBack = false
  const { url, all } = await scriptedNodes(t, 2, (seen, socket) => {
    const isBad = seen.node === 0 && !isBack
    socket.write(isBad ? refusal(seen, 'NO_QUORUM') : seen.reply(undefined, 'value'))
  })
  const client = open(t, url)
  for (let i = 0; i < 200; i++) await client.get(`${i}`)
  const refused = all.filter(({ node }) => node === 0).length
  t.ok(refused >= 1 && refused < 50, `refused ${refused} of 200`)
  isBack = true
  for (let i = 0; all.at(-1)!.node !== 0; i++) await client.get(`${i % 200}`)
  t.pass('it is asked again')

  const gone = await scriptedNodes(t, 2, (seen, socket) => {
    if (seen.node === 0) socket.destroy()
    else socket.write(seen.reply(undefined, 'value'))
  })
  const other = open(t, gone.url)
  await Promise.all(Array.from({ length: 100 }, (_, i) => other.get(`${i}`)))
  await Promise.all(Array.from({ length: 100 }, (_, i) => other.set(`${i}`, 'value')))
})

t.test('a slow read is asked of a second node, for a bounded share of all', async (t) => {
  const { url, all } = await scriptedNodes(t, 2, (seen, socket, before) => {
    const isSecond = before.filter(({ key }) => key === seen.key).length > 1
    if (!seen.key.startsWith('slow') || isSecond) socket.write(seen.reply(undefined, 'value'))
  })
  const client = open(t, url, { hedgeShare: 0.1, tryTimeoutMs: 60_000 })
  for (let i = 0; i < 100; i++) await client.get(`${i}`)
  // A time-out would break the silent connection, and its calls would go on elsewhere.
  const few = () => ({ signal: AbortSignal.timeout(700) })
  await t.rejects(client.set('slow write', 'value', few()), { code: 'CLIENT_ABORTED' })
  t.equal(all.filter(({ key }) => key === 'slow write').length, 1, 'no write')
  const keys = Array.from({ length: 20 }, (_, i) => `slow ${i}`)
  const settled = await Promise.allSettled(keys.map((key) => client.get(key, few())))
  const answered = settled.filter(({ status }) => status === 'fulfilled').length
  const twice = all.length - 121
  t.ok(answered > 0 && answered <= twice, `${answered} answered, ${twice} asked twice`)
  t.ok(twice <= 12, `${twice} of 120`)
  all.length = 0
  const never = open(t, url, { hedgeShare: 0, tryTimeoutMs: 60_000 })
  for (let i = 0; i < 100; i++) await never.get(`${i}`)
  await t.rejects(never.get('slow one', few()), { code: 'CLIENT_ABORTED' })
  t.equal(all.length, 101)
})

t.test('HTTP: another node, the same id, the next number', async (t) => {
  const heads: http.IncomingHttpHeaders[] = []
  const serve = async () => {
    const server = http.createServer((request, response) => {
      request.resume()
      if (request.url === '/health') return void response.end('{}')
      heads.push(request.headers)
      if (heads.length === 1) request.socket.destroy()
      else if (heads.length === 2) {
        response.writeHead(503, { 'content-type': 'application/json' })
        response.end('{"error":"too few","code":"NO_QUORUM"}')
      } else response.writeHead(200, { 'minivault-version': `${'0'.repeat(23)}1` }).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.teardown(() => server.close().closeAllConnections())
    return (server.address() as net.AddressInfo).port
  }
  const ports = [await serve(), await serve(), await serve()]
  const client = open(t, `http://${ports.map((port) => `127.0.0.1:${port}`).join(',')}`)
  await client.set('key', 'value')
  t.same(
    heads.map((head) => head['minivault-attempt']),
    ['0', '1', '2'],
  )
  t.equal(new Set(heads.map((head) => head['minivault-request'])).size, 1)
  t.equal(new Set(heads.map(({ host }) => host)).size, 3)
})
