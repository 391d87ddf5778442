/** Values as streams, in both directions, against the real program. */
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { type ByteSource, Client, type ClientOptions } from '../src/index.ts'
import { startServer, temporaryFolder } from './support/server.ts'

const MIB = 1024 * 1024
const CLIENT = fileURLToPath(new URL('fixtures/stream-client.ts', import.meta.url))
const code = (expected: string) => ({ name: 'ClientError', code: expected })
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function open(t: Test, options: ClientOptions = {}): Promise<Client> {
  const { port } = await startServer(t, ['-durability', 'os'])
  const client = Client.open({ url: `minivault://127.0.0.1:${port}`, protocol: 'frames', ...options })
  t.teardown(() => client.close())
  return client
}

async function* inPieces(value: Uint8Array, bytes: number) {
  for (let at = 0; at < value.length; at += bytes) yield value.subarray(at, at + bytes)
}

async function whole(stream: AsyncIterable<Uint8Array> | undefined): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of stream!) pieces.push(piece)
  return Buffer.concat(pieces)
}

t.test('every kind of source, every size', async (t) => {
  const client = await open(t)
  const value = randomBytes(9 * MIB + 7)
  const sources: Record<string, [ByteSource, number | undefined]> = {
    'a list': [[value.subarray(0, 5), value.subarray(5, 5), value.subarray(5)], value.length],
    'a generator': [inPieces(value, 100_000), value.length],
    'small pieces': [inPieces(value, 777), value.length],
    'a Node stream': [Readable.from(inPieces(value, MIB), { objectMode: false }), value.length],
    'a Web stream': [new Blob([value]).stream(), value.length],
    'short, its size known': [inPieces(value.subarray(0, 1000), 7), 1000],
    'short, its size unknown': [inPieces(value.subarray(0, 4 * MIB), 100_000), undefined],
    'nothing at all': [[], undefined],
    'nothing, as announced': [[new Uint8Array(0)], 0],
    'one byte above what is gathered': [inPieces(value.subarray(0, 4 * MIB + 1), 65_536), 4 * MIB + 1],
  }
  for (const [name, [source, size]] of Object.entries(sources)) {
    const sized = size === undefined ? {} : { size }
    const { version } = await client.setStream(name, source, sized)
    const entry = (await client.getEntry(name))!
    t.match(entry, { version, type: 'raw' }, name)
    const expected = name.includes('unknown') ? 4 * MIB : (size ?? 0)
    t.equal(Buffer.compare(entry.value, value.subarray(0, expected)), 0, `${name}: ${expected} bytes`)
    const stream = (await client.getStream(name))!
    t.match(stream, { size: expected, start: 0, end: expected, version, type: 'raw' })
    t.equal(Buffer.compare(await whole(stream), entry.value), 0, 'and as a stream')
  }
  const json = Buffer.from(JSON.stringify('x'.repeat(6 * MIB)))
  await client.setStream('json', inPieces(json, MIB), { size: json.length, type: 'json' })
  t.equal(await client.json().get('json'), 'x'.repeat(6 * MIB))
  t.equal((await client.getStream('json'))!.type, 'json')
  const half = client.setStream('json', inPieces(json, MIB), { size: 5 * MIB, type: 'json' })
  await t.rejects(half, code('CLIENT_SOURCE'))
  const bad = { size: json.length - 1, type: 'json' as const }
  await t.rejects(client.setStream('json', inPieces(json.subarray(1), MIB), bad), code('BAD_JSON'))
  t.equal(await client.json().get('json'), 'x'.repeat(6 * MIB), 'as it was')
  const long = 'k'.repeat(65_535)
  await client.setStream(long, inPieces(value, MIB), { size: value.length })
  t.equal(Buffer.compare((await client.get(long))!, value), 0, 'under the longest key')
})

t.test('ranges, Web streams, cancelling', async (t) => {
  const client = await open(t)
  const value = randomBytes(5 * MIB)
  await client.set('value', value)
  for (const [start, end] of [
    [0, 0],
    [1, 2],
    [MIB - 1, 3 * MIB + 1],
    [4 * MIB, 50 * MIB],
    [6 * MIB, 7 * MIB],
    [3, 1],
  ] as const) {
    const stream = await client.getStream('value', { start, end })
    t.equal(stream!.size, value.length)
    const expected = value.subarray(start, Math.max(start, end))
    t.equal(Buffer.compare(await whole(stream), expected), 0, `${start} to ${end}`)
  }
  t.equal(await client.getStream('nothing'), undefined)
  const response = new Response((await client.getStream('value'))!.web())
  t.equal(Buffer.compare(new Uint8Array(await response.arrayBuffer()), value), 0)

  const left = (await client.getStream('value'))!
  for await (const piece of left) {
    t.equal(piece.length, MIB)
    break
  }
  t.equal((await whole(left)).length, 0, 'a loop that was left has ended it')
  const web = (await client.getStream('value'))!.web()
  await web.cancel()
  const together = (await client.getStream('value'))![Symbol.asyncIterator]()
  const pieces = await Promise.all(Array.from({ length: 7 }, () => together.next()))
  t.same(
    pieces.map(({ value: piece }) => piece?.length),
    [MIB, MIB, MIB, MIB, MIB, undefined, undefined],
  )
  t.equal(Buffer.compare(Buffer.concat(pieces.slice(0, 5).map(({ value: piece }) => piece!)), value), 0)
})

t.test('conditions and expiry hold for streams, too', async (t) => {
  const client = await open(t)
  const value = randomBytes(5 * MIB)
  const source = () => inPieces(value, 200_000)
  const size = value.length
  const first = await client.setStream('key', source(), { size, ifAbsent: true, durability: 'fsync' })
  const exists = { ...code('KEY_EXISTS'), version: first.version, inDoubt: false }
  await t.rejects(client.setStream('key', source(), { size, ifAbsent: true }), exists)
  const second = await client.setStream('key', source(), { size, ifVersion: first.version!, ttlMs: 2_000 })
  const mismatch = { ...code('VERSION_MISMATCH'), version: second.version, inDoubt: false }
  await t.rejects(client.setStream('key', source(), { size, ifVersion: first.version! }), mismatch)
  t.equal(await client.has('key'), true)
  await pause(2_100)
  t.equal(await client.has('key'), false)
})

t.test('a source that gives too much, too little, nonsense or an error', async (t) => {
  const client = await open(t)
  await client.set('key', 'as it was')
  const value = randomBytes(6 * MIB)
  const cause = new Error('the disk fell out')
  async function* failing() {
    yield value.subarray(0, 5 * MIB)
    throw cause
  }
  async function* nonsense() {
    yield value.subarray(0, MIB)
    yield 'text' as unknown as Uint8Array
  }
  const cases: [string, ByteSource, number | undefined, object][] = [
    ['too much', inPieces(value, MIB), 5 * MIB, { message: /more than the 5242880/ }],
    ['too much, short', [Buffer.alloc(11)], 10, { message: /more than the 10/ }],
    ['too little', inPieces(value, MIB), 7 * MIB, { message: /ended after 6291456 of 7340032/ }],
    ['too little, short', [Buffer.alloc(9)], 10, { message: /ended after 9 of 10/ }],
    ['unknown size', inPieces(value, MIB), undefined, { message: /needs its size/ }],
    ['it fails', failing(), 6 * MIB, { cause }],
    ['it fails, short', failing(), undefined, { code: 'CLIENT_SOURCE' }],
    ['nonsense', nonsense(), 6 * MIB, { message: /something else than a Uint8Array/ }],
  ]
  for (const [name, source, size, expected] of cases) {
    const call = client.setStream('key', source, size === undefined ? {} : { size })
    await t.rejects(call, { ...code('CLIENT_SOURCE'), inDoubt: false, ...expected }, name)
    t.equal(await client.text().get('key'), 'as it was')
  }
  for (const source of [null, 7, 'text', Buffer.alloc(1), {}] as unknown as ByteSource[]) {
    await t.rejects(client.setStream('key', source), code('CLIENT_BAD_ARGUMENT'))
  }
  await t.rejects(client.setStream('key', [], { size: -1 }), code('CLIENT_BAD_ARGUMENT'))
  await t.rejects(client.setStream('key', [], { size: 101 * MIB }), code('VALUE_TOO_LARGE'))
})

t.test('a value that changes while it is read', async (t) => {
  const client = await open(t)
  for (const change of ['set', 'touch', 'delete'] as const) {
    await client.set('key', randomBytes(5 * MIB))
    const stream = (await client.getStream('key'))!
    const read = async () => {
      let seen = 0
      for await (const _ of stream) if (++seen === 2) await client[change]('key', 'other' as never)
    }
    await t.rejects(read(), { ...code('VERSION_MISMATCH'), retryable: true }, change)
    await t.rejects(whole(stream), code('VERSION_MISMATCH'), 'and never looks like its end')
  }
})

t.test('streams that nobody reads hold up nobody', async (t) => {
  const client = await open(t)
  await client.set('large', randomBytes(20 * MIB), { durability: 'os' })
  const unread = await Promise.all(Array.from({ length: 50 }, () => client.getStream('large')))
  for (const stream of unread) await stream![Symbol.asyncIterator]().next()
  const slow = Array.from({ length: 4 }, () => {
    const stopped = new AbortController()
    async function* endless() {
      for (;;) {
        await pause(20)
        yield Buffer.alloc(1000)
      }
    }
    const call = client.setStream('slow', endless(), { size: 50 * MIB, signal: stopped.signal })
    call.catch(() => {})
    return { call, stopped }
  })
  await pause(200)
  const start = performance.now()
  await Promise.all(Array.from({ length: 1_000 }, (_, i) => client.set(`k${i}`, 'v')))
  t.ok(performance.now() - start < 5_000, 'a thousand calls beside them')
  const fifth = client.setStream('fifth', inPieces(randomBytes(5 * MIB), MIB), { size: 5 * MIB })
  await pause(100)
  slow[0]!.stopped.abort()
  await fifth
  t.equal((await client.getStream('fifth'))!.size, 5 * MIB, 'one more waits for its turn')
  for (const { call, stopped } of slow) {
    stopped.abort()
    await t.rejects(call, { ...code('CLIENT_ABORTED'), inDoubt: false })
  }
  t.equal(await client.has('slow'), false)
  await client.close()
  await t.rejects(whole(unread[0]), code('CLIENT_CLOSED'))
})

t.test('time-outs and signals of an upload let its source go', async (t) => {
  const client = await open(t)
  for (const size of [6 * MIB, 1000]) {
    let ended = 0
    async function* stuck(until: Promise<unknown>) {
      try {
        yield Buffer.alloc(900)
        await until
        yield Buffer.alloc(1)
      } finally {
        ended++
      }
    }
    const never = new Promise(() => {})
    const late = client.setStream('key', stuck(never), { size, timeoutMs: 150 })
    await t.rejects(late, { ...code('CLIENT_TIMEOUT'), inDoubt: false, retryable: true }, `${size}`)
    const stopped = new AbortController()
    const held = client.setStream('key', stuck(pause(300)), { size, signal: stopped.signal })
    await pause(100)
    stopped.abort()
    await t.rejects(held, { ...code('CLIENT_ABORTED'), inDoubt: false })
    await pause(300)
    t.equal(ended, 1, 'the source that went on was told that it is over')
    t.equal(await client.has('key'), false)
  }
  async function* steady() {
    for (let i = 0; i < 6; i++) {
      await pause(60)
      yield Buffer.alloc(MIB)
    }
  }
  await client.setStream('key', steady(), { size: 6 * MIB, timeoutMs: 200 })
  t.pass('what keeps moving may take longer than its time-out')
  const closing = client.setStream('last', steady(), { size: 6 * MIB })
  await pause(20)
  let isDone = false
  const done = closing.then(() => {
    isDone = true
  })
  await client.close()
  await pause(1)
  t.ok(isDone, 'closing waits for it')
  await done
})

t.test('100 MB both ways, and the client stays small', async (t) => {
  const { port } = await startServer(t, ['-durability', 'os'], temporaryFolder(t))
  const bytes = 100 * MIB - 13
  const run = async (what: string) => {
    const words = ['--expose-gc', '--import=tsx', '--conditions=minivault:source', CLIENT]
    const url = `minivault://127.0.0.1:${port}`
    const { stdout } = await promisify(execFile)(process.execPath, [...words, url, what, `${bytes}`])
    return JSON.parse(stdout) as { grownMegabytes: number; heldMegabytes: number; hash: string }
  }
  const put = await run('put')
  const get = await run('get')
  t.comment(`put ${JSON.stringify(put)} get ${JSON.stringify(get)}`)
  for (const { grownMegabytes, heldMegabytes } of [put, get]) {
    t.ok(heldMegabytes < 16, `${heldMegabytes} MB were held`)
    // What was let go of is collected late on a busy machine; all of it at once would be 100.
    t.ok(grownMegabytes < 72, `the process grew by ${grownMegabytes} MB`)
  }
  const client = Client.open({ url: `minivault://127.0.0.1:${port}`, protocol: 'frames' })
  t.teardown(() => client.close())
  const hash = createHash('sha256')
  for await (const piece of (await client.getStream('value'))!) hash.update(piece)
  t.equal(put.hash, get.hash)
  t.equal(hash.digest('hex'), put.hash)
  t.equal((await client.getStream('value'))!.size, bytes)
})
