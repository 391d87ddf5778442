/** The same calls over HTTP as over frames, on one node: what one way writes the other reads. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import { KEY_BYTES_MAX } from '@minivault/protocol'
import t, { type Test } from 'tap'
import { nextAfter } from '../src/http-scan.ts'
import { Client, type ClientOptions, type ScanOptions } from '../src/index.ts'
import { startServer } from './support/server.ts'

function open(t: Test, url: string, options: ClientOptions = {}): Client {
  const client = Client.open({ url, ...options })
  t.teardown(() => client.close())
  return client
}

const code = (code: string) => ({ name: 'ClientError', code })
const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex')

async function both(t: Test, words: string[] = []) {
  const { port } = await startServer(t, ['-durability', 'os', ...words])
  return { port, http: open(t, `http://127.0.0.1:${port}`), frames: open(t, `minivault://127.0.0.1:${port}`) }
}

t.test('values are the same bytes, versions the same versions', async (t) => {
  const { http, frames } = await both(t)
  const values = ['', 'text', '"quoted"', '1.0', '{"a":1, "a":2}', 'ä\n', '\ufeffmark']
  const all = [...values.map((text) => Buffer.from(text)), Buffer.from([0xff, 0, 0xfe]), randomBytes(700_000)]
  for (const value of all) {
    const shown = value.subarray(0, 20).toString('latin1')
    const { version } = await http.set('key', value)
    t.match(await frames.getEntry('key'), { version, type: 'raw' }, shown)
    t.equal(hex(await frames.get('key')), hex(value))
    t.match(await http.getEntry('key'), { version, type: undefined })
    await frames.set('other', value)
    t.equal(hex(await http.get('other')), hex(value))
  }
  await http.json().set('json', { b: 1, a: [null] })
  t.match(await frames.getEntry('json'), { type: 'json' })
  t.equal(await frames.text().get('json'), '{"b":1,"a":[null]}')
  await frames.json().set('json', 'text')
  t.equal(await http.text().get('json'), '"text"')
  t.equal(await http.json().get('json'), 'text')
  t.equal(await http.get('absent'), undefined)
})

t.test('conditions', async (t) => {
  const { http, frames } = await both(t)
  const first = await http.create('key', 'one')
  await t.rejects(http.create('key', 'two'), { ...code('KEY_EXISTS'), version: first.version })
  const second = await http.set('key', 'two', { ifVersion: first.version! })
  await t.rejects(http.set('key', 'x', { ifVersion: first.version! }), {
    ...code('VERSION_MISMATCH'),
    version: second.version,
    inDoubt: false,
  })
  await t.rejects(http.set('none', 'x', { ifVersion: first.version! }), {
    ...code('VERSION_MISMATCH'),
    version: undefined,
  })
  await t.rejects(http.delete('key', { ifVersion: first.version! }), code('VERSION_MISMATCH'))
  t.equal(await http.delete('key', { ifVersion: second.version! }), true)
  t.equal(await http.delete('key'), false, 'nothing was there')
  await http.text().update('list', (list) => (list === undefined ? 'a' : `${list},b`))
  await http.text().update('list', (list) => (list === undefined ? 'a' : `${list},b`))
  t.equal(await frames.text().get('list'), 'a,b')
  const raced = Array.from({ length: 8 }, () => http.text().update('n', (n) => `${Number(n ?? 0) + 1}`))
  await Promise.all(raced)
  t.equal(await http.text().get('n'), '8', 'nobody overtakes')
})

t.test('levels, expiry, has', async (t) => {
  const { http, frames } = await both(t)
  await http.set('key', 'x', { ttlMs: 60_000, durability: 'fsync', consistency: 'quorum' })
  t.equal(await http.text().get('key', { consistency: 'one' }), 'x')
  for await (const { expiresAtMs } of frames.scan())
    t.ok(Math.abs(expiresAtMs - Date.now() - 60_000) < 30_000)
  for await (const { expiresAtMs } of http.scan()) t.ok(Math.abs(expiresAtMs - Date.now() - 60_000) < 30_000)
  t.equal(await http.has('key'), true)
  t.equal(await http.has('none'), false)
  await http.set('short', 'x', { ttlMs: 1 })
  await new Promise((resolve) => setTimeout(resolve, 30))
  t.equal(await http.has('short'), false)
})

t.test('ranges and streams', async (t) => {
  const { http, frames } = await both(t)
  const value = randomBytes(5 * 1024 * 1024 + 17)
  async function* source() {
    const piece = Buffer.alloc(100_000)
    for (let at = 0; at < value.length; at += piece.length) {
      yield piece.subarray(0, value.copy(piece, 0, at))
    }
  }
  const { version } = await http.setStream('large', source(), { size: value.length, ttlMs: 3_600_000 })
  t.match(await frames.getEntry('large'), { version, type: 'raw' })
  t.ok(Buffer.compare((await frames.get('large'))!, value) === 0)
  t.ok(Buffer.compare((await http.get('large'))!, value) === 0)
  const spans = [
    [0, 10],
    [value.length - 3, value.length + 10],
    [value.length, value.length + 1],
    [7, 7],
    [1024 * 1024 - 1, 1024 * 1024 + 1],
  ] as const
  for (const [start, end] of spans) {
    t.equal(hex(await http.getRange('large', { start, end })), value.subarray(start, end).toString('hex'))
  }
  t.equal(await http.getRange('none', { start: 0, end: 1 }), undefined)
  await http.set('empty', '')
  t.equal(hex(await http.getRange('empty')), '')
  const stream = await http.getStream('large', { start: 5 })
  t.match(stream, { size: value.length, start: 5, end: value.length, version })
  const parts: Uint8Array[] = []
  for await (const part of stream!) parts.push(part)
  t.ok(Buffer.concat(parts).equals(value.subarray(5)))
  const cut = await http.getStream('large')
  const reader = cut![Symbol.asyncIterator]()
  await reader.next()
  await frames.set('large', 'another')
  await t.rejects(async () => {
    for (;;) if ((await reader.next()).done) break
  }, code('VERSION_MISMATCH'))
  t.equal(await http.getStream('none'), undefined)
  const text = `"${'x'.repeat(5 * 1024 * 1024)}"`
  await http.setStream('json', [Buffer.from(text)], { size: text.length, type: 'json' })
  t.match(await frames.getEntry('json'), { type: 'json' })
  t.ok((await frames.text().get('json')) === text)
  await http.setStream('short', [Buffer.from('ab'), Buffer.from('c')])
  t.equal(await frames.text().get('short'), 'abc')
})

t.test('sources that are not what they say', async (t) => {
  const { http } = await both(t)
  const size = 5 * 1024 * 1024
  const failing = async function* () {
    yield Buffer.alloc(size - 1)
    throw new Error('no more')
  }
  const bad = {
    'too little': [Buffer.alloc(size - 1)],
    'too much': [Buffer.alloc(size), Buffer.alloc(1)],
    failing: failing(),
  }
  for (const [what, source] of Object.entries(bad)) {
    await t.rejects(
      http.setStream('key', source, { size }),
      { ...code('CLIENT_SOURCE'), inDoubt: false },
      what,
    )
  }
  t.equal(await http.has('key'), false, 'nothing was written')
  const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }
  const waiting = http.setStream('key', never, { size, timeoutMs: 300 })
  t.equal(await http.get('key'), undefined, 'a slow source holds up nobody')
  await t.rejects(waiting, { ...code('CLIENT_TIMEOUT'), inDoubt: false })
})

t.test('scans', async (t) => {
  const { http, frames } = await both(t)
  const keys = ['a', 'a\0', 'a/b', 'b?c&d=%', 'ä', 'b']
  const long = Buffer.alloc(KEY_BYTES_MAX, 'c')
  for (const key of keys) await frames.set(key, `value of ${key}`)
  for (const key of [long, Buffer.from([0xff, 0x00]), Buffer.from([0xff])]) await frames.set(key, key)
  await frames.set('quoted', '"1"')
  await frames.json().set('json', 'text')
  await frames.json().set('number', 1.5)
  await frames.set('large', randomBytes(600_000))
  const all = async (client: Client, options: ScanOptions) => {
    const found: string[] = []
    for await (const { key, value, version, expiresAtMs } of client.scan(options)) {
      found.push(`${hex(key)} ${hex(value)} ${version} ${expiresAtMs}`)
    }
    return found
  }
  const ranges: ScanOptions[] = [
    {},
    { reverse: true },
    { keysOnly: true },
    { prefix: 'a' },
    { gt: 'a', lte: 'b' },
    { gte: 'a', lt: 'b', reverse: true },
    { gt: long },
    { lte: long, gt: 'b' },
    { limit: 3 },
    { prefix: Buffer.from([0xff]) },
    { gt: 'b', lt: 'b' },
  ]
  for (const range of ranges) {
    const wanted = await all(frames, range)
    const found = await all(http, range)
    t.ok(
      wanted.length === found.length && wanted.every((entry, at) => entry === found[at]),
      JSON.stringify(range).slice(0, 60),
    )
  }
  for (let i = 0; i < 2_500; i++) await frames.set(`page:${i}`, `${i}`)
  t.equal((await all(http, { prefix: 'page:' })).length, 2_500, 'over pages')
  const begun = http.scan({ prefix: 'page:', limit: 1_200, keysOnly: true })
  let count = 0
  for await (const _ of begun) count += 1
  for await (const _ of frames.scan({ prefix: 'page:', cursor: begun.cursor! })) count += 1
  t.equal(count, 2_500, 'a cursor goes on over another way')
})

t.test('the next key after one', (t) => {
  const after = (text: string, times: number) =>
    Buffer.from(nextAfter(Buffer.concat([Buffer.from(text), Buffer.alloc(times, 0xff)])))
  t.equal(after('a', 0).toString('hex'), '6100')
  t.equal(after('a', KEY_BYTES_MAX - 1).toString('latin1'), 'b')
  t.equal(after('', KEY_BYTES_MAX).length, KEY_BYTES_MAX, 'behind all')
  t.end()
})

t.test('what HTTP has no words for', async (t) => {
  const { http, frames, port } = await both(t)
  const { version } = await frames.set('key', '1')
  const calls: Record<string, () => Promise<unknown>> = {
    touch: () => http.touch('key'),
    increment: () => http.increment('key'),
    batch: () => http.batch([{ type: 'delete', key: 'key' }]),
  }
  for (const [what, call] of Object.entries(calls)) {
    await t.rejects(call(), {
      ...code('CLIENT_UNSUPPORTED'),
      message: new RegExp(`HTTP cannot carry ${what}: use minivault`),
    })
  }
  t.match(await frames.getEntry('key'), { version }, 'nothing was done')
  const locked = await startServer(t, ['-auth', 'key', '-authmode', 'all'])
  const stranger = open(t, `http://127.0.0.1:${locked.port}`)
  await t.rejects(stranger.get('a'), code('UNAUTHORIZED'))
  await t.rejects(stranger.has('a'), code('UNAUTHORIZED'), 'of a HEAD, too')
  await t.rejects(stranger.scan().next(), code('UNAUTHORIZED'))
  t.ok(port)
})

t.test('a write whose connection breaks is sent again, and counts once', async (t) => {
  const { port, frames } = await both(t)
  // The first answer of each connection is lost.
  const proxy = net.createServer((client) => {
    const server = net.connect(port, '127.0.0.1')
    client.on('error', () => {}).on('close', () => server.destroy())
    server.on('error', () => {}).on('close', () => client.destroy())
    client.pipe(server)
    if (lost++ < 2) server.once('data', () => client.destroy())
    else server.pipe(client)
  })
  let lost = 0
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.teardown(() => proxy.close())
  const url = `http://127.0.0.1:${(proxy.address() as net.AddressInfo).port}`
  const client = open(t, url, { connections: 1 })
  const { version } = await client.create('key', 'one')
  t.match(await frames.getEntry('key'), { version }, 'its own retry does not meet it')
  t.equal(lost, 3)
  const once1 = open(t, url, { connections: 1, retriesMax: 0 })
  lost = 0
  await t.rejects(once1.set('key', 'two'), { ...code('CLIENT_DISCONNECTED'), inDoubt: true })
  lost = 0
  const { version: third } = await client.set('key', 'three')
  t.match(await frames.getEntry('key'), { version: third })
})

t.test('no server', async (t) => {
  const client = open(t, 'http://127.0.0.1:1', { retriesMax: 2 })
  await t.rejects(client.set('a', 'b'), { ...code('CLIENT_DISCONNECTED'), inDoubt: false, retryable: true })
})
