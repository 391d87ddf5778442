/** What breaks while a value streams: what is told then, and what is left. */
import { randomBytes } from 'node:crypto'
import { ERROR, FRAME_FLAG, FRAME_OPCODE, type FrameReply } from '@minivault/protocol'
import t, { type Test } from 'tap'
import { Client, type ClientOptions } from '../src/index.ts'
import { listen, type Script, scripted } from './support/scripted.ts'
import { startServer, temporaryFolder } from './support/server.ts'

const MIB = 1024 * 1024
const code = (expected: string) => ({ name: 'ClientError', code: expected })
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const VERSION = [1, 2, 3] as const

function open(t: Test, port: number, options: ClientOptions = {}): Client {
  const url = `minivault://127.0.0.1:${port}`
  const client = Client.open({ url, protocol: 'frames', timeoutMs: 10_000, ...options })
  t.teardown(() => client.close())
  return client
}

/** Counts what was asked for, and whether it was let go. */
function counting(pieces: number, bytes = MIB) {
  const seen = { given: 0, ended: false }
  async function* source() {
    try {
      for (; seen.given < pieces; seen.given++) yield Buffer.alloc(bytes)
    } finally {
      seen.ended = true
    }
  }
  return { seen, source: source() }
}

t.test('refused at the first chunk: the rest is not asked for', async (t) => {
  const { port } = await scripted(t, (seen, socket) => {
    if (seen.request.chunkOffset > 0) return
    const refuse = (reply: FrameReply) => {
      reply.error = ERROR.READ_ONLY
      reply.outcome = 2
    }
    socket.write(seen.reply(refuse, 'the disk is gone'))
  })
  const { seen, source } = counting(100, 100_000)
  const paced = (async function* () {
    for await (const piece of source) {
      await pause(5)
      yield piece
    }
  })()
  const call = open(t, port).setStream('key', paced, { size: 10_000_000 })
  await t.rejects(call, { ...code('READ_ONLY'), message: 'the disk is gone', inDoubt: false })
  await pause(20)
  t.ok(seen.given < 50 && seen.ended, `${seen.given} of 100 pieces were taken`)
})

t.test('a server that does not read holds the source up', async (t) => {
  const { port } = await scripted(t, (_, socket) => socket.pause())
  const { seen, source } = counting(100)
  const call = open(t, port).setStream('key', source, { size: 100 * MIB, timeoutMs: 400 })
  await t.rejects(call, { ...code('CLIENT_TIMEOUT'), inDoubt: false })
  // What the kernel buffers of both ends take, and UPLOAD_UNSENT_BYTES_MAX.
  t.ok(seen.given < 30 && seen.ended, `${seen.given} of 100 MiB were taken`)
})

t.test('the connection breaks: in doubt only when all had been sent', async (t) => {
  for (const when of ['first', 'middle', 'last'] as const) {
    const chunks: [offset: number, more: boolean, id: string, connection: number][] = []
    const script: Script = ({ request, id, connection }, socket) => {
      const more = (request.flags & FRAME_FLAG.more) !== 0
      chunks.push([request.chunkOffset, more, id, connection])
      const isDue = when === 'first' || (when === 'middle' ? request.chunkOffset > 3 * MIB : !more)
      if (isDue) socket.resetAndDestroy()
    }
    const { port } = await scripted(t, script)
    const { seen, source } = counting(8)
    const client = open(t, port)
    const call = client.setStream('key', source, { size: 8 * MIB })
    await t.rejects(call, { ...code('CLIENT_DISCONNECTED'), inDoubt: when === 'last', retryable: true }, when)
    t.ok(seen.ended)
    t.ok(
      chunks.every(([, , id, connection]) => id === '0'.repeat(24) && connection === 1),
      'sent once',
    )
  }
})

t.test('no answer behind the last chunk: in doubt', async (t) => {
  const { port } = await scripted(t, () => {})
  for (const how of ['time-out', 'abort']) {
    const stopped = new AbortController()
    const call = open(t, port).setStream('key', counting(5).source, {
      size: 5 * MIB,
      timeoutMs: how === 'abort' ? 10_000 : 300,
      signal: stopped.signal,
    })
    if (how === 'abort') setTimeout(() => stopped.abort(), 300)
    const expected = how === 'abort' ? 'CLIENT_ABORTED' : 'CLIENT_TIMEOUT'
    await t.rejects(call, { ...code(expected), inDoubt: true }, how)
  }
})

t.test('no server: the source is not touched, and the server may come', async (t) => {
  const { seen, source } = counting(5)
  const call = open(t, 1).setStream('key', source, { size: 5 * MIB, timeoutMs: 200 })
  await t.rejects(call, { ...code('CLIENT_TIMEOUT'), inDoubt: false })
  t.equal(seen.given, 0)

  const data = temporaryFolder(t)
  const first = await startServer(t, ['-durability', 'os'], data)
  first.child.kill('SIGKILL')
  await new Promise((resolve) => first.child.once('close', resolve))
  const client = open(t, first.port, { timeoutMs: 20_000 })
  const waiting = client.setStream('key', counting(5).source, { size: 5 * MIB })
  await startServer(t, ['-port', `${first.port}`, '-durability', 'os'], data)
  await waiting
  t.equal((await client.getStream('key'))!.size, 5 * MIB)
})

t.test('a server that says that it knows no HELLO is refused, one that is silent is not', async (t) => {
  for (const how of ['error', 'silence']) {
    const port = await listen(t, (socket) => {
      socket.on('data', () => how === 'error' && socket.write(Buffer.from([0xff, 0, 0, 0, 0])))
    })
    const client = open(t, port, { protocol: 'auto', helloTimeoutMs: 50, timeoutMs: 500 })
    const { seen, source } = counting(5)
    const call = client.setStream('key', source, { size: 5 * MIB })
    await t.rejects(
      call,
      { ...code(how === 'error' ? 'CLIENT_UNSUPPORTED' : 'CLIENT_TIMEOUT'), inDoubt: false },
      how,
    )
    t.equal(seen.given, 0)
  }
})

t.test('a chunk of a piece is cut: the piece is asked for again', async (t) => {
  const value = randomBytes(3 * MIB)
  const asked: [start: number, bytes: number, connection: number][] = []
  const { port } = await scripted(t, ({ request, reply, connection, opcode }, socket) => {
    if (opcode !== FRAME_OPCODE.get) return
    const { chunkOffset: start, totalBytes: bytes } = request
    asked.push([start, bytes, connection])
    const end = Math.min(start + bytes, value.length)
    const frames: Buffer[] = []
    for (let at = start; at < end; at += 196_608) {
      const to = Math.min(at + 196_608, end)
      const fill = (frame: FrameReply) => {
        frame.flags = FRAME_FLAG.chunk | (to < end ? FRAME_FLAG.more : 0)
        frame.totalBytes = value.length
        frame.chunkOffset = at
        frame.version.set(...VERSION)
      }
      frames.push(reply(fill, value.subarray(at, to).toString('latin1')))
    }
    const all = Buffer.concat(frames)
    if (connection === 1 && start > 0) socket.write(all.subarray(0, 300_000), () => socket.resetAndDestroy())
    else socket.write(all)
  })
  const stream = (await open(t, port, { connections: 1 }).getStream('key'))!
  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(piece)
  t.equal(Buffer.compare(Buffer.concat(pieces), value), 0)
  t.same(asked, [
    [0, MIB, 1],
    [MIB, MIB, 1],
    [MIB, MIB, 2],
    [2 * MIB, MIB, 2],
  ])
})

t.test('a server that gives the wrong part, or another version, is not believed', async (t) => {
  for (const [how, expected] of [
    ['short', 'CLIENT_PROTOCOL'],
    ['version', 'VERSION_MISMATCH'],
    ['size', 'CLIENT_PROTOCOL'],
  ] as const) {
    let count = 0
    const { port } = await scripted(t, ({ reply, request }, socket) => {
      const isFirst = count++ === 0
      const fill = (frame: FrameReply) => {
        frame.totalBytes = 100
        frame.chunkOffset = request.chunkOffset
        frame.version.set(...VERSION)
        if (how === 'version' && !isFirst) frame.version.set(9, 9, 9)
        if (isFirst) frame.totalBytes = 3 * MIB
      }
      const bytes = isFirst ? MIB : how === 'short' ? 50 : MIB + 1
      if (isFirst) {
        const half = bytes / 8
        for (let at = 0; at < bytes; at += half) {
          const piece = reply((frame) => {
            fill(frame)
            frame.chunkOffset = at
            frame.flags = FRAME_FLAG.chunk | (at + half < bytes ? FRAME_FLAG.more : 0)
          }, 'x'.repeat(half))
          socket.write(piece)
        }
      } else socket.write(reply(fill, 'x'.repeat(Math.min(bytes, 100_000))))
    })
    const stream = (await open(t, port, { retriesMax: 0 }).getStream('key'))!
    const read = async () => {
      for await (const _ of stream);
    }
    await t.rejects(read(), code(expected), how)
  }
})

t.test('kill -9 while values stream', async (t) => {
  const data = temporaryFolder(t)
  const first = await startServer(t, ['-durability', 'os'], data)
  const client = open(t, first.port, { timeoutMs: 20_000 })
  const value = randomBytes(16 * MIB)
  await client.set('read', value)
  await client.set('written', 'as it was')
  const stream = (await client.getStream('read'))!
  const reader = stream[Symbol.asyncIterator]()
  const pieces = [(await reader.next()).value!]
  const { seen, source } = counting(50)
  const slow = (async function* () {
    for await (const piece of source) {
      await pause(10)
      yield piece
    }
  })()
  const upload = client.setStream('written', slow, { size: 50 * MIB })
  upload.catch(() => {})
  await pause(150)
  first.child.kill('SIGKILL')
  await t.rejects(upload, { ...code('CLIENT_DISCONNECTED'), inDoubt: false, retryable: true })
  await pause(50)
  t.ok(seen.given < 50 && seen.ended, 'the source was let go')
  await startServer(t, ['-port', `${first.port}`, '-durability', 'os'], data)
  for (let next = await reader.next(); !next.done; next = await reader.next()) pieces.push(next.value)
  t.equal(
    Buffer.compare(Buffer.concat(pieces), value),
    0,
    'the stream goes on with the server that came back',
  )
  t.equal(await client.text().get('written'), 'as it was')
})
