/**
 * Half replies, resets, silence and nonsense, by a scripted server; what a real one does not do on demand.
 */
import net from 'node:net'
import { inspect } from 'node:util'
import { ERROR, FRAME_OPCODE, FrameReply, frameReplyHeader, OUTCOME } from '@minivault/protocol'
import t, { type Test } from 'tap'
import { Client, type ClientOptions } from '../src/index.ts'
import { listen, type Seen, scripted } from './support/scripted.ts'

const code = (expected: string) => ({ name: 'ClientError', code: expected })

function open(t: Test, port: number, options: ClientOptions = {}): Client {
  const client = Client.open({ url: `minivault://127.0.0.1:${port}`, timeoutMs: 5_000, ...options })
  t.teardown(() => client.close())
  return client
}

t.test('a broken connection: the same id again, with a higher attempt', async (t) => {
  const seen: Seen[] = []
  const { port } = await scripted(t, (request, socket) => {
    seen.push(request)
    if (seen.length <= 2) socket.resetAndDestroy()
    else socket.write(request.reply())
  })
  await open(t, port).set('key', 'value')
  t.same(
    seen.map(({ attempt, connection }) => [attempt, connection]),
    [
      [0, 1],
      [1, 2],
      [2, 3],
    ],
  )
  t.equal(new Set(seen.map(({ id }) => id)).size, 1)
})

t.test('retries end', async (t) => {
  let count = 0
  const { port } = await scripted(t, (_, socket) => {
    count++
    socket.destroy()
  })
  const client = open(t, port, { retriesMax: 2 })
  await t.rejects(client.set('key', 'value'), { code: 'CLIENT_DISCONNECTED', retryable: true, inDoubt: true })
  t.equal(count, 3)
  await t.rejects(client.get('key'), { code: 'CLIENT_DISCONNECTED', inDoubt: false })
})

t.test('half a reply, then silence: time-out, and the connection is not used again', async (t) => {
  let connections = 0
  const { port } = await scripted(t, (request, socket) => {
    connections = Math.max(connections, request.connection)
    if (request.connection === 1) socket.write(request.reply(undefined, 'value').subarray(0, 20))
    else socket.write(request.reply(undefined, 'value'))
  })
  const client = open(t, port)
  await t.rejects(client.set('key', 'x', { timeoutMs: 100 }), {
    code: 'CLIENT_TIMEOUT',
    inDoubt: true,
    retryable: true,
  })
  t.equal(connections, 1)
})

t.test('silence breaks the connection and other calls go on elsewhere', async (t) => {
  const { port } = await scripted(t, (request, socket) => {
    if (request.connection > 1) socket.write(request.reply(undefined, 'value'))
  })
  const client = open(t, port)
  const patient = client.text().get('patient')
  await t.rejects(client.get('key', { timeoutMs: 100 }), code('CLIENT_TIMEOUT'))
  t.equal(await patient, 'value', 'the other call was sent again')
})

t.test('a late reply is passed over, replies come in any order and in pieces', async (t) => {
  const held: Buffer[] = []
  let isFirst = true
  const { port } = await scripted(t, (request, socket) => {
    if (isFirst) socket.write(request.reply())
    else held.push(request.reply(undefined, `${held.length}`))
    isFirst = false
    if (held.length < 4) return
    const all = Buffer.concat(held.reverse())
    for (const byte of all) socket.write(Buffer.from([byte]))
  })
  const client = open(t, port, { connections: 1 })
  await client.get('first')
  const aborter = new AbortController()
  const texts = ['a', 'b', 'c'].map((key) => client.text().get(key))
  const gone = client.get('d', { signal: aborter.signal })
  await new Promise((resolve) => setImmediate(resolve))
  aborter.abort(new Error('enough'))
  await t.rejects(gone, { code: 'CLIENT_ABORTED', cause: { message: 'enough' } })
  await t.rejects(client.get('e', { signal: aborter.signal }), code('CLIENT_ABORTED'))
  t.same(await Promise.all(texts), ['0', '1', '2'])
})

t.test('all requests of one turn leave in one write', async (t) => {
  const { port, packets } = await scripted(t, (request, socket) => socket.write(request.reply()))
  const client = open(t, port, { connections: 1 })
  await client.get('first')
  packets.length = 0
  await Promise.all(Array.from({ length: 100 }, (_, i) => client.get(`${i}`)))
  t.same(packets, [100])
})

t.test('nonsense: the call fails or is repeated, nothing crashes', async (t) => {
  const { port } = await scripted(t, (request, socket) => {
    if (request.connection === 1) socket.write(Buffer.alloc(64, 0x41))
    else socket.write(request.reply(undefined, 'value'))
  })
  t.equal(await open(t, port).text().get('key'), 'value')

  const chunks = await scripted(t, (request, socket) => {
    const piece = request.reply((reply) => {
      reply.flags = 3
      reply.totalBytes = 100
      reply.chunkOffset = 50
    }, 'xx')
    socket.write(piece)
  })
  await t.rejects(open(t, chunks.port, { retriesMax: 1 }).get('key'), code('CLIENT_DISCONNECTED'))
})

t.test('CLOCK_TOO_FAR takes a new, lower id', async (t) => {
  const ids: string[] = []
  const { port } = await scripted(t, (request, socket) => {
    ids.push(request.id)
    const tooFar = (reply: FrameReply) => {
      reply.error = ERROR.CLOCK_TOO_FAR
      reply.outcome = 2
    }
    socket.write(request.reply(ids.length === 1 ? tooFar : undefined))
  })
  await open(t, port).set('key', 'value')
  t.equal(ids.length, 2)
  t.ok(ids[1]! < ids[0]!)
})

t.test('errors carry what the server said', async (t) => {
  const { port } = await scripted(t, (request, socket) => {
    socket.write(
      request.reply((reply) => {
        reply.error = ERROR.RATE_LIMITED
        reply.outcome = 2
        reply.retryAfterMs = 70
      }, 'slowly'),
    )
  })
  await t.rejects(open(t, port).set('key', 'value'), {
    code: 'RATE_LIMITED',
    message: 'slowly',
    retryable: true,
    retryAfterMs: 70,
    inDoubt: false,
  })
})

t.test('a retry that is refused tells nothing of the first attempt', async (t) => {
  const { port } = await scripted(t, (request, socket) => {
    if (request.attempt === 0) return void socket.destroy()
    socket.write(
      request.reply((reply) => {
        reply.error = ERROR.RATE_LIMITED
        reply.outcome = OUTCOME.failed
      }),
    )
  })
  await t.rejects(open(t, port).set('key', 'value'), { code: 'RATE_LIMITED', inDoubt: true })
})

t.test('a server of the documented opcodes: says so, closes, or is silent', async (t) => {
  for (const how of ['error', 'close', 'silence']) {
    let sets = 0
    const port = await listen(t, (socket) => {
      socket.on('data', (bytes) => {
        if (bytes[0] === 0x10) {
          if (how === 'error') socket.write(Buffer.from([0xff, 0, 0, 0, 0]))
          if (how === 'close') socket.end()
        } else if (bytes[0] === 1) socket.write(Buffer.from([0, 2, 0, 0, 0, 0x68, 0x69]))
        else if (bytes[0] === 2) {
          sets++
          socket.destroy()
        }
      })
    })
    const client = open(t, port, { helloTimeoutMs: 100, connectTimeoutMs: 1_000 })
    t.equal(await client.text().get('key'), 'hi', how)
    await t.rejects(client.set('key', 'x'), { code: 'CLIENT_DISCONNECTED', inDoubt: true })
    t.equal(sets, 1, 'not sent twice')
    const strict = open(t, port, { protocol: 'frames', connectTimeoutMs: 100, timeoutMs: 500 })
    await t.rejects(strict.get('key'), code(how === 'error' ? 'CLIENT_PROTOCOL' : 'CLIENT_TIMEOUT'), how)
  }
})

t.test(
  'a server of a newer version: what it says is told at once, and nothing is sent without frames',
  async (t) => {
    const words = 'this server speaks version 2, the client 1: update the older of both'
    let others = 0
    const port = await listen(t, (socket) => {
      socket.on('data', (bytes) => {
        if (bytes[0] !== FRAME_OPCODE.hello) others++
        const reply = new FrameReply().begin(FRAME_OPCODE.hello, bytes.readUInt32LE(8))
        reply.outcome = OUTCOME.failed
        reply.error = ERROR.PROTOCOL_VERSION
        const head = Buffer.alloc(40)
        frameReplyHeader(reply, words.length, head, 0)
        socket.end(Buffer.concat([head, Buffer.from(words)]))
      })
    })
    const client = open(t, port)
    await t.rejects(client.get('key'), { ...code('PROTOCOL_VERSION'), message: words })
    await t.rejects(client.set('key', 'x'), { ...code('PROTOCOL_VERSION'), message: words })
    t.equal(others, 0)
  },
)

t.test('what left as a frame is not sent again without its id', async (t) => {
  let sets = 0
  const frames = await scripted(t, () => {
    sets++
    for (const socket of sockets) socket.destroy()
  })
  const sockets: net.Socket[] = []
  let connections = 0
  // Frames to begin with; then a server that is coming up, closes the next and answers the one after.
  const port = await listen(t, (socket) => {
    sockets.push(socket)
    if (++connections === 1) {
      const behind = net.connect(frames.port, '127.0.0.1').on('error', () => {})
      sockets.push(behind)
      socket.pipe(behind).pipe(socket)
    } else if (connections === 2) socket.on('data', () => socket.end())
    else {
      socket.on('data', (bytes) => {
        if (bytes[0] === 2) sets++
        socket.write(Buffer.from([0, 0, 0, 0, 0]))
      })
    }
  })
  const client = open(t, port, { helloTimeoutMs: 200, connections: 1 })
  await t.rejects(client.set('key', 'x'), { code: 'CLIENT_DISCONNECTED', inDoubt: true, retryable: true })
  t.equal(sets, 1)
  await client.set('key', 'y')
  t.equal(sets, 2, 'a new write goes the documented way')
})

t.test('a server that is silent about HELLO is never shown the token', async (t) => {
  let received = Buffer.alloc(0)
  const port = await listen(t, (socket) => {
    socket.on('data', (bytes) => (received = Buffer.concat([received, bytes])))
  })
  const client = open(t, port, { token: 'secretkey', helloTimeoutMs: 50, timeoutMs: 400 })
  await t.rejects(client.get('key'), { code: 'CLIENT_TIMEOUT' })
  t.ok(received.length > 0)
  t.notOk(received.includes('secretkey'))
})

t.test('no server: calls wait within bounds', async (t) => {
  const client = open(t, 1, { queueRequestsMax: 3, timeoutMs: 150 })
  const waiting = ['a', 'b', 'c'].map((key) => client.set(key, 'x'))
  await t.rejects(client.get('d'), { code: 'CLIENT_QUEUE_FULL', retryable: true })
  for (const call of waiting) await t.rejects(call, { code: 'CLIENT_TIMEOUT', inDoubt: false })
})

t.test('a bad address does not show its token', (t) => {
  for (const url of [
    ':sesame@localhost:3000/x',
    'minivault://:ses/sesame@localhost',
    'http://:ses@sesame@localhost/x',
    'minivault://:sesame@localhost:99999',
    'minivault:sesame@localhost/x',
  ]) {
    try {
      Client.open(url)
      t.fail(url)
    } catch (error) {
      // With its cause, and what stands in that.
      t.notMatch(inspect(error, { depth: 9 }).replaceAll(/^ +at .*$/gm, ''), /ses/, url)
    }
  }
  t.end()
})

t.test('bad addresses and options', async (t) => {
  for (const url of [
    'redis://a',
    'minivault://',
    'minivault://a/b',
    'http://a:99999',
    'minivault://:%zz@a',
    'minivault://a:0',
    'http://a#b',
  ]) {
    t.throws(() => Client.open(url), code('CLIENT_BAD_ARGUMENT'), url)
  }
  t.throws(() => Client.open({ timeoutMs: 0 }), code('CLIENT_BAD_ARGUMENT'))
  t.match(Client.open('localhost:3001').address, { scheme: 'minivault', host: 'localhost', port: 3001 })
  t.match(Client.open('minivault://:t%40@[::1]').address, { host: '::1', port: 3000, token: 't@' })
  Object.assign(process.env, { MINIVAULT_URL: 'http://example.org' })
  t.match(Client.open().address, { scheme: 'http', host: 'example.org', port: 80 })
})
