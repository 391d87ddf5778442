/** SCAN on a real socket: ranges, pages, cursors, long values, and writes that go on meanwhile. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ERROR, encodeScanRequest, FRAME_FLAG, FRAME_OPCODE, SCAN_PAGE_BYTES_MAX } from '@minivault/protocol'
import t from 'tap'
import { FrameClient, startFrames } from './support/frame-client.ts'
import { temporaryFolder } from './support/server.ts'

const { json, noValue, reverse } = FRAME_FLAG

const keysOf = (entries: { key: string }[]) => entries.map(({ key }) => key)

async function fill(client: FrameClient, count: number, name: (index: number) => string): Promise<void> {
  const writes = Array.from({ length: count }, (_, index) => ({ key: name(index), value: `value ${index}` }))
  for (let at = 0; at < count; at += 500) await client.batch(writes.slice(at, at + 500))
}

t.test('prefix, bounds and direction', async (t) => {
  const { client } = await startFrames(t)
  for (const key of ['a', 'ab', 'b', 'b1', 'b2', 'b3', 'c', '\xff', '\xff\xff']) {
    await client.set(Buffer.from(key, 'latin1'), key)
  }
  const from = Buffer.from('b1')
  const to = Buffer.from('b3')
  const scan = async (prefix: string, wanted = {}, flags = 0) =>
    keysOf(await client.entries(Buffer.from(prefix, 'latin1'), wanted, { flags }))
  t.same(await scan(''), ['a', 'ab', 'b', 'b1', 'b2', 'b3', 'c', '\xff', '\xff\xff'])
  t.same(await scan('b'), ['b', 'b1', 'b2', 'b3'])
  t.same(await scan('b', {}, reverse), ['b3', 'b2', 'b1', 'b'])
  t.same(await scan('\xff'), ['\xff', '\xff\xff'])
  t.same(await scan('', { from, to }), ['b1', 'b2'])
  t.same(await scan('', { from, to, fromExclusive: true, toInclusive: true }), ['b2', 'b3'])
  t.same(await scan('', { from, to }, reverse), ['b2', 'b1'], 'the bounds mean the same')
  t.same(await scan('a', { from, to }), [])
  t.same(await scan('b', { to: from }), ['b'])
  t.same(await scan('', { from: to, to: from }), [])
})

t.test('what an entry tells', async (t) => {
  const { client } = await startFrames(t)
  const raw = await client.set('a', 'bytes', { ttlMs: 60_000 })
  const text = await client.set('b', '{"x":1}', { flags: json })
  await client.set('gone', 'v', { ttlMs: 1 })
  await client.set('deleted', 'v')
  await client.delete('deleted')
  await sleep(10)
  const [first, second, ...others] = await client.entries('')
  t.match(first, { key: 'a', value: 'bytes', version: raw.version, isJson: false, valueBytes: 5 })
  t.ok(Math.abs(first!.expiresAtMs - Date.now() - 60_000) < 5000)
  t.match(second, { key: 'b', value: '{"x":1}', version: text.version, isJson: true, expiresAtMs: 0 })
  t.same(others, [])
  const keys = await client.entries('', {}, { flags: noValue })
  t.same(
    keys.map(({ key, value, version, isJson, isTooLarge }) => [key, value, version, isJson, isTooLarge]),
    [
      ['a', '', raw.version, false, false],
      ['b', '', text.version, true, false],
    ],
  )
  t.equal(keys[0]!.expiresAtMs, first!.expiresAtMs)
})

t.test('pages by entries and by bytes', async (t) => {
  const { client } = await startFrames(t)
  const name = (index: number) => `k${String(index).padStart(5, '0')}`
  await fill(client, 2500, name)
  const all = Array.from({ length: 2500 }, (_, index) => name(index))
  const first = await client.page('k')
  t.equal(first.entries.length, 1000, 'unless another number is asked for')
  t.ok(first.hasMore)
  const exactly = await client.page('k', { entriesMax: 2500 })
  t.notOk(exactly.hasMore, 'there is no more')
  t.equal(exactly.cursor.length, 0)
  t.equal((await client.page('k', { entriesMax: 2499 })).hasMore, true)
  for (const flags of [0, reverse, noValue, reverse | noValue]) {
    const wanted = (flags & reverse) === 0 ? all : all.toReversed()
    t.same(keysOf(await client.entries('k', { entriesMax: 700 }, { flags })), wanted)
    const small = await client.entries('k', { bytesMax: 4000 }, { flags })
    t.same(keysOf(small), wanted)
  }
  const page = await client.page('k', { bytesMax: 1000 })
  t.ok(page.bytes <= 1000 && page.entries.length > 10, `${page.entries.length} entries, ${page.bytes} bytes`)
  const tiny = await client.page('k', { bytesMax: 1 })
  t.match(tiny, { entries: [{ key: name(0), isTooLarge: true, valueBytes: 7 }], hasMore: true })
  t.same(keysOf(await client.entries('k', { bytesMax: 1, to: Buffer.from(name(9)) })), all.slice(0, 9))
})

t.test('long keys and long values', async (t) => {
  const directory = temporaryFolder(t)
  const { client } = await startFrames(t, { directory })
  const sizes = { a: 100_000, b: 196_000, c: 250_000, d: 400_000, e: 700_000, f: 10 }
  for (const [key, size] of Object.entries(sizes)) {
    await client.inChunks(FRAME_OPCODE.set, { key, value: Buffer.alloc(size, key) }, 150_000)
  }
  const entries = await client.entries('')
  t.same(
    entries.map(({ key, value, valueBytes, isTooLarge }) => [key, value.length, valueBytes, isTooLarge]),
    [
      ['a', 100_000, 100_000, false],
      ['b', 196_000, 196_000, false],
      ['c', 250_000, 250_000, false],
      ['d', 0, 400_000, true],
      ['e', 0, 700_000, true],
      ['f', 10, 10, false],
    ],
  )
  t.equal(entries[1]!.value, 'b'.repeat(196_000))
  const blobs = join(directory, 'blobs')
  for (const name of readdirSync(blobs)) rmSync(join(blobs, name), { recursive: true })
  t.same(await client.entries(''), entries, 'the file of a long value is not read')
  const long = [1, 2, 3].map((byte) => Buffer.alloc(65_535, byte))
  for (const key of long) await client.set(key, 'v'.repeat(150_000))
  const pages = []
  let cursor: Buffer = Buffer.alloc(0)
  for (let hasMore = true; hasMore; ) {
    const page = await client.page(Buffer.alloc(0), { cursor, to: Buffer.from('a') })
    pages.push(page)
    t.ok(page.bytes <= SCAN_PAGE_BYTES_MAX)
    hasMore = page.hasMore
    cursor = page.cursor
  }
  const found = pages.flatMap(({ entries }) => entries)
  t.equal(found.length, 3)
  for (const [index, entry] of found.entries()) {
    t.ok(Buffer.from(entry.key, 'latin1').equals(long[index]!))
    t.equal(entry.isTooLarge, true, 'no page has the room beside such a key and its cursor')
  }
})

t.test('a wrong cursor is refused in words', async (t) => {
  const { client } = await startFrames(t)
  await fill(client, 20, (index) => `k${index}`)
  const { cursor } = await client.page('', { entriesMax: 5 })
  const damaged = Buffer.from(cursor)
  damaged[0]! ^= 1
  for (const wrong of [damaged, cursor.subarray(1), Buffer.from('nonsense'), Buffer.alloc(200_000, 'a')]) {
    const value = encodeScanRequest({ cursor: wrong })
    const answer = await client.ask(FRAME_OPCODE.scan, { value })
    t.match(answer, { error: ERROR.BAD_REQUEST })
    t.match(answer.value.toString(), /cursor/)
  }
  const turned = await client.ask(FRAME_OPCODE.scan, { value: encodeScanRequest({ cursor }), flags: reverse })
  t.match(turned.value.toString(), /other direction/)
  t.equal((await client.page('', { cursor })).entries.length, 15, 'the connection goes on')
})

t.test('what is there all the time is seen once, whatever is written', async (t) => {
  const { node, client } = await startFrames(t)
  const writer = await FrameClient.open(node.port)
  t.teardown(() => writer.close())
  const name = (index: number) => `k${String(index).padStart(5, '0')}`
  await fill(client, 3000, name)
  let isDone = false
  const writing = (async () => {
    for (let round = 0; !isDone; round++) {
      const index = (round * 7919) % 3000
      const asked = [writer.set(name(index), `new ${round}`), writer.set(`${name(index)}x`, 'between')]
      if (round % 3 === 0) asked.push(writer.delete(`${name((round * 31) % 3000)}x`))
      await Promise.all(asked)
    }
  })()
  for (const flags of [0, reverse, noValue]) {
    const keys = keysOf(await client.entries('k', { entriesMax: 100 }, { flags }))
    const steady = keys.filter((key) => !key.endsWith('x'))
    const sorted = (flags & reverse) === 0 ? steady : steady.toReversed()
    t.same(
      sorted,
      Array.from({ length: 3000 }, (_, index) => name(index)),
    )
    t.equal(new Set(keys).size, keys.length, 'none twice')
  }
  isDone = true
  await writing
})

t.test('many scans at once, and a connection that goes', async (t) => {
  const { node, client } = await startFrames(t)
  await fill(client, 1000, (index) => `k${index}`)
  const clients = await Promise.all(Array.from({ length: 40 }, () => FrameClient.open(node.port)))
  t.teardown(() => clients.map((each) => each.close()))
  const asked = clients.flatMap((each) => Array.from({ length: 10 }, () => each.page('', { entriesMax: 50 })))
  const pages = await Promise.all(asked)
  t.ok(pages.every(({ entries }) => entries.length === 50))
  const leaver = await FrameClient.open(node.port)
  for (let index = 0; index < 500; index++) leaver.page('').catch(() => {})
  await sleep(5)
  leaver.close()
  t.equal((await client.page('')).entries.length, 1000, 'others are served')
  const { ledger, log } = node.store.engine
  const isFree = ledger.whenUnpinned(log.reservedSegment).then(() => true)
  t.ok(await Promise.race([isFree, sleep(5000).then(() => false)]), 'nothing is held')
})

t.test('a scan in a pipeline sees what was sent before it', async (t) => {
  const { client } = await startFrames(t)
  for (let round = 0; round < 30; round++) {
    const key = `round ${round}`
    const answers = await Promise.all([client.set(key, 'v'), client.page(key), client.delete(key)])
    t.equal(answers[1].entries.length, 1)
  }
})

t.test('pages for a client that takes none are not made', async (t) => {
  const { node, client } = await startFrames(t)
  const value = Buffer.alloc(60_000, 'v')
  for (const key of ['a', 'b', 'c', 'd']) await client.set(key, value)
  const idler = await FrameClient.open(node.port)
  t.teardown(() => idler.close())
  idler.socket.pause()
  const before = process.memoryUsage().arrayBuffers
  for (let index = 0; index < 900; index++) idler.page('').catch(() => {})
  await sleep(300)
  t.equal((await client.page('')).entries.length, 4, 'others are served')
  const grown = (process.memoryUsage().arrayBuffers - before) / 1_000_000
  t.ok(grown < 40, `${grown.toFixed(0)} MB for 900 pages of 240 KB`)
})
