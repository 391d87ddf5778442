/** The frame form on a real socket: each operation, each flag, each refusal. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Compressor } from '@minivault/codec'
import { CAPABILITY, ERROR, encodeBatch, FRAME_FLAG, FRAME_OPCODE, OUTCOME } from '@minivault/protocol'
import t, { type Test } from 'tap'
import { type Asking, FrameClient, startFrames } from './support/frame-client.ts'
import { temporaryFolder } from './support/server.ts'

const { chunk, exists, ifAbsent, ifVersion, json, more, noValue, range, reverse } = FRAME_FLAG
const ZERO = '0'.repeat(24)

function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = 99
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1103515245) + 12345) | 0
    bytes[index] = state >>> 16
  }
  return bytes
}

/** What a refusal must be: code, words, an outcome, and the connection goes on. */
async function refused(
  t: Test,
  client: FrameClient,
  opcode: number,
  asking: Asking,
  error: number,
  words: RegExp,
): Promise<void> {
  const answer = await client.ask(opcode, asking)
  t.match(answer, { error, opcode }, String(words))
  t.match(answer.value.toString(), words)
}

t.test('HELLO tells what the server has', async (t) => {
  const { client } = await startFrames(t)
  const { scan, batch, conditions, streams } = CAPABILITY
  t.equal(client.hello.capabilities, scan | batch | conditions | streams)
  t.equal(client.hello.capabilities, 15)
})

t.test('LAYOUT: the bytes of a member, in one frame or in chunks; a node on its own has none', async (t) => {
  const { client: alone } = await startFrames(t)
  await refused(t, alone, FRAME_OPCODE.layout, {}, ERROR.UNSUPPORTED, /not a member of a cluster/)
  let layout: Uint8Array = Buffer.from('a layout')
  const { client } = await startFrames(t, { layout: () => layout })
  t.equal(client.hello.capabilities, 31)
  const answer = await client.ask(FRAME_OPCODE.layout)
  t.match(answer, { error: 0, flags: 0, total: 8 })
  t.equal(answer.value.toString(), 'a layout')
  layout = noise(500_000)
  t.equal(Buffer.compare((await client.ask(FRAME_OPCODE.layout)).value, layout), 0)
  const { node } = await startFrames(t, { layout: () => layout, authKey: 'sesame', authMode: 'all' })
  const stranger = await FrameClient.open(node.port)
  t.teardown(() => stranger.close())
  await refused(t, stranger, FRAME_OPCODE.layout, {}, ERROR.UNAUTHORIZED, /authentication key/)
})

t.test('set with conditions', async (t) => {
  const { client } = await startFrames(t)
  const first = await client.set('k', 'one', { flags: ifAbsent })
  t.match(first, { outcome: OUTCOME.ok, error: 0 })
  const again = await client.set('k', 'two', { flags: ifAbsent })
  t.match(again, { outcome: OUTCOME.no, error: ERROR.KEY_EXISTS, version: first.version })
  const second = await client.set('k', 'two', { ifVersion: first.version })
  t.match(second, { outcome: OUTCOME.ok })
  t.ok(second.version > first.version)
  const stale = await client.set('k', 'three', { ifVersion: first.version })
  t.match(stale, { outcome: OUTCOME.no, error: ERROR.VERSION_MISMATCH, version: second.version })
  const absent = await client.set('none', 'x', { ifVersion: first.version })
  t.match(absent, { outcome: OUTCOME.no, error: ERROR.VERSION_MISMATCH, version: ZERO })
  t.equal(await client.text('k'), 'two')
  t.equal(await client.text('none'), null)
})

t.test('delete with and without a condition', async (t) => {
  const { client } = await startFrames(t)
  const { version } = await client.set('k', 'one')
  const wrong = await client.delete('k', { ifVersion: `${'0'.repeat(23)}1` })
  t.match(wrong, { outcome: OUTCOME.no, error: ERROR.VERSION_MISMATCH, version })
  const right = await client.delete('k', { ifVersion: version })
  t.match(right, { outcome: OUTCOME.ok, flags: exists })
  const gone = await client.delete('k', { ifVersion: version })
  t.match(gone, { outcome: OUTCOME.no, error: ERROR.VERSION_MISMATCH, version: ZERO })
  t.match(await client.delete('k'), { outcome: OUTCOME.ok, flags: 0 })
})

t.test('expiry: set, touch, and what is expired is not there', async (t) => {
  const { client } = await startFrames(t)
  await client.set('short', 'v', { ttlMs: 60 })
  const { version } = await client.set('long', 'v', { ttlMs: 60 })
  const touched = await client.touch('long', 0)
  t.match(touched, { outcome: OUTCOME.ok })
  t.ok(touched.version > version)
  await client.set('kept', 'v')
  const ending = await client.touch('kept', 60)
  t.equal(await client.text('kept'), 'v', 'the same value')
  t.match(await client.touch('kept', 60, { ifVersion: version }), {
    error: ERROR.VERSION_MISMATCH,
    version: ending.version,
  })
  await sleep(90)
  t.equal(await client.text('short'), null)
  t.equal(await client.text('long'), 'v')
  t.match(await client.touch('kept', 1000), { outcome: OUTCOME.no, error: ERROR.KEY_NOT_FOUND })
  t.match(await client.delete('short'), { outcome: OUTCOME.ok, flags: 0 }, 'nothing to delete')
  t.match(await client.set('short', 'new', { flags: ifAbsent }), { outcome: OUTCOME.ok }, 'it can be made')
  const mismatch = await client.set('kept', 'x', { ifVersion: ending.version })
  t.match(mismatch, { error: ERROR.VERSION_MISMATCH, version: ZERO })
  const late = await client.set('k', 'v', { ttlMs: 2 ** 48 - 1 })
  t.match(late, { outcome: OUTCOME.failed, error: ERROR.BAD_REQUEST })
  t.match(late.value.toString(), /end after/)
})

t.test('touch keeps value, type and file of a long value', async (t) => {
  const directory = temporaryFolder(t)
  const { client } = await startFrames(t, { directory })
  const value = noise(700_000)
  await client.inChunks(FRAME_OPCODE.set, { key: 'large', value }, 150_000)
  await client.set('json', '{"a":1}', { flags: json })
  await client.set('packed', 'x'.repeat(5000))
  for (const key of ['large', 'json', 'packed']) t.match(await client.touch(key, 60_000), { error: 0 })
  const answer = await client.get('large')
  t.ok(answer.value.equals(value))
  t.equal(answer.total, 700_000)
  t.match(await client.get('json'), { flags: json, total: 7 })
  t.equal(await client.text('packed'), 'x'.repeat(5000))
  const [entry] = await client.entries('json')
  t.ok(Math.abs(entry!.expiresAtMs - Date.now() - 60_000) < 5000)
})

t.test('increment', async (t) => {
  const { client } = await startFrames(t)
  t.match(await client.increment('n', 5n, { ttlMs: 60_000 }), { outcome: OUTCOME.ok, sum: 5n })
  const second = await client.increment('n', -7n, { ttlMs: 1 })
  t.match(second, { sum: -2n, total: 8 })
  await sleep(20)
  const found = await client.get('n')
  t.equal(found.value.toString(), '-2', 'the time to live counts only where the key is made')
  t.equal(found.version, second.version)
  await client.set('text', 'seven')
  const wrong = await client.increment('text', 1n)
  t.match(wrong, { outcome: OUTCOME.failed, error: ERROR.NOT_A_NUMBER })
  await client.set('max', String(2n ** 63n - 1n))
  t.match(await client.increment('max', 1n), { error: ERROR.NOT_A_NUMBER })
  t.match(await client.increment('max', -(2n ** 63n)), { sum: -1n })
  await client.inChunks(FRAME_OPCODE.set, { key: 'large', value: noise(600_000) }, 150_000)
  t.match(await client.increment('large', 1n), { error: ERROR.NOT_A_NUMBER })
  const sums = await Promise.all(Array.from({ length: 50 }, () => client.increment('many', 1n)))
  t.same(
    sums.map(({ sum }) => Number(sum)),
    Array.from({ length: 50 }, (_, index) => index + 1),
  )
})

t.test('a range of a value, and none of it', async (t) => {
  const directory = temporaryFolder(t)
  const { client } = await startFrames(t, { directory })
  const values = { small: noise(1000), packed: Buffer.alloc(5000, 'ab'), large: noise(900_000) }
  for (const [key, value] of Object.entries(values)) {
    if (value.length > 200_000) await client.inChunks(FRAME_OPCODE.set, { key, value }, 150_000)
    else await client.set(key, value)
  }
  for (const [key, value] of Object.entries(values)) {
    const size = value.length
    const whole = await client.get(key)
    for (const [start, bytes] of [
      [0, 10],
      [100, 200],
      [size - 5, 0],
      [size - 5, 100],
      [size, 0],
      [size + 7, 3],
      [0, 0],
      [1, 300_000],
    ] as const) {
      const answer = await client.get(key, { flags: range, chunkOffset: start, totalBytes: bytes })
      const wanted = value.subarray(start, bytes === 0 ? size : start + bytes)
      t.ok(answer.value.equals(wanted), `${key} ${start} ${bytes}`)
      t.match(answer, { error: 0, total: size, offset: Math.min(start, size), version: whole.version })
      t.equal((answer.flags & chunk) !== 0, wanted.length > 196_608, 'chunks only above their size')
    }
    const none = await client.get(key, { flags: noValue })
    t.match(none, { error: 0, total: size, version: whole.version, frames: 1 })
    t.equal(none.value.length, 0)
  }
  t.match(await client.get('nothing', { flags: noValue }), { error: ERROR.KEY_NOT_FOUND })
  t.match(await client.get('nothing', { flags: range }), { error: ERROR.KEY_NOT_FOUND })
  const blobs = join(directory, 'blobs')
  for (const name of readdirSync(blobs)) rmSync(join(blobs, name), { recursive: true })
  t.match(await client.get('large', { flags: noValue }), { error: 0, total: 900_000 }, 'its file is not read')
  t.match(await client.get('large'), { error: ERROR.CORRUPT }, 'which is gone')
})

t.test('a large set looks again when its file is written', async (t) => {
  const { client } = await startFrames(t)
  const other = await FrameClient.open(client.socket.remotePort!)
  t.teardown(() => other.close())
  const value = noise(3_000_000)
  const { version } = await client.set('k', 'old')
  const large = client.inChunks(FRAME_OPCODE.set, { key: 'k', value, ifVersion: version }, 190_000)
  let small = await other.set('k', 'between')
  while ((await other.get('k', { flags: noValue })).total !== 3_000_000) {
    small = await other.set('k', 'between')
    if (await Promise.race([large.then(() => true), sleep(5).then(() => false)])) break
  }
  const answer = await large
  t.match(answer, { outcome: OUTCOME.no, error: ERROR.VERSION_MISMATCH })
  t.ok(answer.version <= small.version)
  t.equal(await client.text('k'), 'between')
  const created = await client.inChunks(FRAME_OPCODE.set, { key: 'n', value, flags: ifAbsent }, 190_000)
  t.match(created, { error: 0 })
  const twice = await client.inChunks(FRAME_OPCODE.set, { key: 'n', value, flags: ifAbsent }, 190_000)
  t.match(twice, { error: ERROR.KEY_EXISTS, version: created.version })
  t.ok((await client.get('n')).value.equals(value))
})

t.test('a batch', async (t) => {
  const { client } = await startFrames(t)
  await client.set('b', 'old')
  const answer = await client.batch([
    { key: 'a', value: '{"x":1}', isJson: true },
    { key: 'b', value: null },
    { key: 'c', value: 'first' },
    { key: 'c', value: 'last', ttlMs: 60_000 },
    { key: 'none', value: null },
  ])
  t.match(answer, { outcome: OUTCOME.ok, error: 0 })
  t.equal(answer.value.length, 5 * 12)
  const found = await client.get('a')
  t.match(found, { flags: json, version: answer.value.toString('hex', 0, 12) })
  t.equal(await client.text('b'), null)
  t.equal((await client.get('c')).version, answer.value.toString('hex', 36, 48))
  t.equal(await client.text('c'), 'last')
  t.match(await client.batch([]), { outcome: OUTCOME.ok, error: 0 })
  const many = Array.from({ length: 10_000 }, (_, index) => ({
    key: `many ${index}`,
    value: 'x'.repeat(200),
  }))
  const whole = encodeBatch(
    many.map(({ key, value }) => ({ key: Buffer.from(key), value: Buffer.from(value) })),
  )
  const large = await client.inChunks(FRAME_OPCODE.batch, { value: whole }, 190_000)
  t.match(large, { error: 0 })
  t.equal(large.value.length, 120_000)
  t.equal((await client.entries('many')).length, 10_000)
  const files = await client.inChunks(
    FRAME_OPCODE.batch,
    {
      value: encodeBatch([
        { key: Buffer.from('file'), value: noise(1_500_000) },
        { key: Buffer.from('beside'), value: Buffer.from('v') },
      ]),
    },
    190_000,
  )
  t.match(files, { error: 0 })
  t.ok((await client.get('file')).value.equals(noise(1_500_000)), 'a long value has a file')
  t.equal(await client.text('beside'), 'v')
})

t.test('a batch that is refused does nothing', async (t) => {
  const { client } = await startFrames(t)
  const { batch } = FRAME_OPCODE
  const good = { key: Buffer.from('a'), value: Buffer.from('v') }
  const refuse = async (asking: Asking, error: number, words: RegExp) => {
    await refused(t, client, batch, asking, error, words)
    t.equal(await client.text('a'), null)
  }
  const ones = encodeBatch([good, { key: Buffer.alloc(0), value: Buffer.from('v') }])
  await refuse({ value: ones }, ERROR.KEY_MISSING, /malformed/)
  await refuse({ value: encodeBatch([good]).subarray(0, 17) }, ERROR.BAD_REQUEST, /malformed/)
  await refuse({ value: encodeBatch([good]), key: 'k' }, ERROR.BAD_REQUEST, /no key of its own/)
  await refuse({ value: encodeBatch([good]), codec: 1 }, ERROR.BAD_REQUEST, /not compressed/)
  const badJson = encodeBatch([good, { key: Buffer.from('b'), value: Buffer.from('{'), isJson: true }])
  await refuse({ value: badJson }, ERROR.BAD_JSON, /JSON/)
  const late = encodeBatch([good, { key: Buffer.from('b'), value: Buffer.from('v'), ttlMs: 2 ** 48 - 1 }])
  await refuse({ value: late }, ERROR.BAD_REQUEST, /end after/)
  const many = encodeBatch(Array.from({ length: 10_001 }, () => good))
  const refusal = await client.inChunks(batch, { value: many }, 190_000)
  t.match(refusal, { error: ERROR.BAD_REQUEST })
  const long = encodeBatch(Array.from({ length: 5 }, () => ({ ...good, value: noise(900_000) })))
  t.match(await client.inChunks(batch, { value: long }, 190_000), { error: ERROR.VALUE_TOO_LARGE })
  t.equal(await client.text('a'), null)
})

t.test('flags that do not belong are refused, and the connection goes on', async (t) => {
  const { client } = await startFrames(t)
  const allowed: Record<number, number> = {
    [FRAME_OPCODE.health]: 0,
    [FRAME_OPCODE.get]: range | noValue,
    [FRAME_OPCODE.set]: more | chunk | ifAbsent | ifVersion | json,
    [FRAME_OPCODE.delete]: ifVersion,
    [FRAME_OPCODE.scan]: reverse | noValue,
    [FRAME_OPCODE.batch]: more | chunk,
    [FRAME_OPCODE.touch]: ifVersion,
    [FRAME_OPCODE.increment]: 0,
  }
  for (const [opcode, flags] of Object.entries(allowed)) {
    for (let bit = 1; bit < 256; bit *= 2) {
      if ((flags & bit) !== 0) continue
      await refused(t, client, Number(opcode), { key: 'k', flags: bit }, ERROR.BAD_REQUEST, /flags/)
    }
  }
  t.equal(await client.text('k'), null)
})

t.test('what else is refused in words', async (t) => {
  const { client } = await startFrames(t)
  const { get, set, touch, increment, scan } = FRAME_OPCODE
  const both = { key: 'k', flags: ifAbsent, ifVersion: `${ZERO.slice(1)}1` }
  await refused(t, client, set, both, ERROR.BAD_REQUEST, /exclude/)
  await refused(t, client, set, { key: 'k', flags: ifVersion }, ERROR.BAD_REQUEST, /not zero/)
  await refused(t, client, touch, { key: 'k', flags: ifVersion }, ERROR.BAD_REQUEST, /not zero/)
  await refused(t, client, increment, { key: 'k', value: '1' }, ERROR.BAD_REQUEST, /8 bytes, not 1/)
  await refused(t, client, get, { key: 'k', consistency: 3 }, ERROR.BAD_REQUEST, /consistency 3/)
  await refused(t, client, get, { key: 'k', durability: 3 }, ERROR.BAD_REQUEST, /durability 3/)
  await refused(t, client, set, { key: 'k', value: '{', flags: json }, ERROR.BAD_JSON, /JSON/)
  await refused(t, client, set, { key: 'k', value: 'x', codec: 1 }, ERROR.BAD_COMPRESSION, /decompress/)
  await refused(t, client, set, { key: 'k', value: 'x', flags: more }, ERROR.BAD_REQUEST, /malformed/)
  for (const opcode of [get, set, touch, increment, FRAME_OPCODE.delete]) {
    await refused(t, client, opcode, { value: Buffer.alloc(8) }, ERROR.KEY_MISSING, /key/)
  }
  await refused(t, client, scan, { value: 'x' }, ERROR.BAD_REQUEST, /malformed/)
  for (const opcode of [0x17, 0x25, 0x2f, 0x32, 0x3f, 0x7f]) {
    await refused(t, client, opcode, { key: 'k' }, ERROR.UNSUPPORTED, /not in this version/)
  }
  await refused(t, client, FRAME_OPCODE.peer, { value: 'batch' }, ERROR.UNSUPPORTED, /no cluster/)
  for (const consistency of [0, 1, 2]) t.match(await client.set('k', 'v', { consistency }), { error: 0 })
  for (const durability of [0, 1, 2, 255]) t.match(await client.set('k', 'v', { durability }), { error: 0 })
  const packed = new Compressor({ codec: 'lz4' }).compress(Buffer.from('z'.repeat(5000)), 0, 5000)!
  t.match(await client.set('z', packed, { codec: 2, flags: ifAbsent }), { error: 0 })
  t.equal(await client.text('z'), 'z'.repeat(5000))
})

t.test('a request that waited longer than its deadline is not begun', async (t) => {
  const { client } = await startFrames(t)
  const value = noise(8_000_000)
  const large = client.inChunks(FRAME_OPCODE.set, { key: 'large', value }, 190_000)
  const late = client.set('late', 'v', { deadlineMs: 1 })
  const patient = client.set('patient', 'v', { deadlineMs: 60_000 })
  const whenever = client.set('whenever', 'v')
  const scan = client.ask(FRAME_OPCODE.scan, { value: Buffer.alloc(20), deadlineMs: 1 })
  t.match(await large, { error: 0 })
  t.match(await late, { outcome: OUTCOME.failed, error: ERROR.TIMEOUT })
  t.match(await patient, { error: 0 })
  t.match(await whenever, { error: 0 })
  t.match(await scan, { error: ERROR.TIMEOUT })
  t.equal(await client.text('late'), null)
  t.match(await client.set('late', 'v', { deadlineMs: 1 }), { error: 0 }, 'nothing to wait for')
})

t.test('authentication: scans are reads, all the others are writes', async (t) => {
  const { node } = await startFrames(t, { authKey: 'secret', authMode: 'writes' })
  const stranger = await FrameClient.open(node.port)
  t.teardown(() => stranger.close())
  const { set, touch, increment, batch } = FRAME_OPCODE
  t.same((await stranger.page('')).entries, [])
  t.match(await stranger.get('k'), { error: ERROR.KEY_NOT_FOUND })
  for (const opcode of [set, touch, increment, batch, FRAME_OPCODE.delete]) {
    await refused(t, stranger, opcode, { key: 'k' }, ERROR.UNAUTHORIZED, /authentication/)
  }
  const large = await stranger.inChunks(batch, { value: Buffer.alloc(10_000) }, 4000)
  t.match(large, { error: ERROR.UNAUTHORIZED })
  t.match(await stranger.get('k'), { error: ERROR.KEY_NOT_FOUND }, 'the connection goes on')
  const { node: closed } = await startFrames(t, { authKey: 'secret', authMode: 'all' })
  const outside = await FrameClient.open(closed.port)
  t.teardown(() => outside.close())
  await refused(
    t,
    outside,
    FRAME_OPCODE.scan,
    { value: Buffer.alloc(20) },
    ERROR.UNAUTHORIZED,
    /authentication/,
  )
})

t.test('a batch takes a token of the rate limit for each operation', async (t) => {
  const { client } = await startFrames(t, { ratePerSecond: 1000 })
  const answer = await client.batch(
    Array.from({ length: 600 }, (_, index) => ({ key: `k${index}`, value: 'v' })),
  )
  t.match(answer, { error: 0 }, 'let in by the first token')
  const next = await client.get('k1')
  t.match(next, { error: ERROR.RATE_LIMITED })
  t.ok(next.retryAfterMs > 300 && next.retryAfterMs <= 501, `${next.retryAfterMs} ms`)
  const { client: other } = await startFrames(t, { ratePerSecond: 10 })
  t.match(await other.batch([]), { error: 0 })
  t.match(await other.batch([]), { error: ERROR.RATE_LIMITED }, 'an empty one takes one')
})
