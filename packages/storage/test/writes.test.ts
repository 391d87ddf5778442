/** Writes that depend on what is there, and expiry. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compareVersions, Version } from '@minivault/clock'
import { hashKey } from '@minivault/codec'
import t from 'tap'
import { Mutation, type StorageError, Store, type StoreOptions } from '../src/index.ts'
import { noise } from '../src/testing/index.ts'

const root = mkdtempSync(join(tmpdir(), 'minivault-writes-'))
t.teardown(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const open = (options: Partial<StoreOptions> = {}) =>
  Store.open({ directory: join(root, `data${++folders}`), cacheBytes: 4 << 20, ...options })
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value)

function blobFiles(directory: string): string[] {
  const folder = join(directory, 'blobs')
  if (!existsSync(folder)) return []
  return (readdirSync(folder, { recursive: true }) as string[]).filter((name) => name.includes('-'))
}

/** Settles each promise into a list, in the order in which they settle. */
async function order(calls: Record<string, Promise<unknown>>): Promise<string[]> {
  const lines: string[] = []
  const settled = Object.entries(calls).map(([name, promise]) =>
    promise.then(
      (value) => lines.push(typeof value === 'boolean' ? `${name} ${value}` : name),
      (error: StorageError) => lines.push(`${name} ${error.code}`),
    ),
  )
  await Promise.all(settled)
  return lines
}

t.test('of many creates of one key in one turn one wins', async (t) => {
  const store = await open({ durability: 'memory' })
  for (const size of [5, 3000]) {
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) => store.set(`k${size}`, noise(size, n + 1), { ifAbsent: true })),
    )
    t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    const won = results[0] as PromiseFulfilledResult<{ version: string }>
    for (const lost of results.slice(1) as PromiseRejectedResult[]) {
      t.match(lost.reason, { code: 'STORAGE_CONDITION', version: won.value.version })
    }
    t.ok(Buffer.compare(store.getSync(`k${size}`)!, noise(size, 1)) === 0)
  }
  await store.close()
})

t.test('a compare and set loses against any write in between', async (t) => {
  const store = await open({ durability: 'memory' })
  const { version } = await store.set('k', 'one')
  const [first, second] = await Promise.allSettled([
    store.set('k', 'two', { ifVersion: version }),
    store.set('k', 'three', { ifVersion: version }),
  ])
  t.equal(first?.status, 'fulfilled')
  t.equal(second?.status, 'rejected')
  t.equal(text(store.getSync('k')), 'two')
  await t.rejects(store.delete('k', { ifVersion: version }), { code: 'STORAGE_CONDITION' })
  const now = (await store.getEntry('k'))!.version
  t.equal(await store.delete('k', { ifVersion: now.toUpperCase() }), true)
  await t.rejects(store.delete('k', { ifVersion: now }), { code: 'STORAGE_CONDITION', version: undefined })
  await t.rejects(store.set('k', 'x', { ifVersion: now }), { code: 'STORAGE_CONDITION', version: undefined })
  await store.close()
})

t.test('nothing is told of a record before its own mark', async (t) => {
  const store = await open({ durability: 'memory' })
  const fsync = { durability: 'fsync' } as const
  // Each of them would be answered within the turn by what it writes itself, if anything.
  const settled = await order({
    turn: new Promise(setImmediate),
    set: Promise.all(['a', 'b', 'c'].map((key) => store.set(key, '1', fsync))),
    refused: store.set('a', '2', { ifAbsent: true }),
    incremented: store.increment('b'),
    deleted: store.delete('c'),
    other: store.set('d', '1'),
  })
  t.same(settled.slice(0, 2), ['other', 'turn'])
  t.same(settled.slice(2).sort(), ['deleted true', 'incremented', 'refused STORAGE_CONDITION', 'set'])
  const gone = await order({
    turn: new Promise(setImmediate),
    gone: store.delete('d', fsync),
    again: store.delete('d'),
    other: store.delete('e'),
  })
  t.same(gone.slice(0, 2), ['other false', 'turn'])
  t.same(gone.slice(2).sort(), ['again false', 'gone true'])
  await store.close()
})

t.test('a key that a faster clock wrote can be written at once', async (t) => {
  const store = await open({ durability: 'memory' })
  const ahead = new Mutation()
  ahead.key = bytes('k')
  ahead.keyEnd = 1
  hashKey(ahead.key, 0, 1, ahead.hash)
  ahead.value = bytes('41')
  ahead.valueEnd = 2
  ahead.ballot.copy(Version.of(Date.now() + 3_600_000, 0, 7))
  store.apply(ahead, 1)
  await store.sync()
  const above = (version: string) => compareVersions(Version.parse(version), ahead.ballot) > 0
  t.equal(await store.increment('k'), 42n)
  t.ok(above((await store.getEntry('k'))!.version))
  const { version } = await store.set('k', 'x', { ifVersion: (await store.getEntry('k'))!.version })
  t.ok(above(version))
  t.ok(version > (await store.set('other', 'x')).version, 'the clock itself has not followed')
  await store.close()
})

t.test('expiry is judged at the same millisecond everywhere', async (t) => {
  let now = 1_000_000
  const store = await open({ durability: 'memory', now: () => now + 0.75 })
  await store.set('k', '5', { ttlMs: 100 })
  await store.set('long', noise(2000), { expiresAtMs: 1_000_100 })
  t.equal((await store.getEntry('k'))?.expiresAtMs, 1_000_100)
  t.equal((await store.getEntry('long'))?.expiresAtMs, 1_000_100)
  now = 1_000_099
  t.equal(await store.has('k'), true)
  t.equal(await store.increment('k', 2), 7n)
  t.equal((await store.getEntry('k'))?.expiresAtMs, 1_000_100, 'an increment leaves the expiry')
  now = 1_000_100
  t.equal(await store.has('k'), false)
  t.same(await store.getMany(['k', 'long', 'none']), [undefined, undefined, undefined])
  t.equal(await store.delete('k'), false)
  await t.rejects(store.set('k', 'x', { ifVersion: '1'.repeat(24) }), { code: 'STORAGE_CONDITION' })
  t.equal(await store.increment('k', 3, { ttlMs: 50 }), 3n, 'an expired number counts from zero')
  t.equal((await store.getEntry('k'))?.expiresAtMs, 1_000_150)
  await store.set('long', 'new', { ifAbsent: true })
  t.equal(text(await store.get('long')), 'new')
  await store.close()
})

t.test('increment: 64 bits, decimal text and nothing else', async (t) => {
  const store = await open({ durability: 'memory' })
  t.equal(await store.increment('n'), 1n)
  t.equal(await store.increment('n', -3), -2n)
  t.equal(text(await store.get('n')), '-2')
  t.equal(await store.increment('n', 2n ** 63n - 1n + 2n), 2n ** 63n - 1n)
  await t.rejects(store.increment('n'), { code: 'STORAGE_NOT_A_NUMBER' })
  await store.set('n', '-9223372036854775808')
  await t.rejects(store.increment('n', -1), { code: 'STORAGE_NOT_A_NUMBER' })
  t.equal(text(await store.get('n')), '-9223372036854775808', 'the value is as it was')
  const others = ['', ' 1', '1.0', '1e3', '+1', '01', '-0', '0x1', '9223372036854775808', 'a'.repeat(21)]
  for (const value of [...others, noise(3000), new Uint8Array(3000), new Uint8Array((1 << 20) + 1)]) {
    await store.set('s', value)
    await t.rejects(store.increment('s'), { code: 'STORAGE_NOT_A_NUMBER' }, `${value.slice(0, 20)}`)
  }
  await t.rejects(store.increment('n', 0.5), { code: 'STORAGE_OPTION' })
  await t.rejects(store.increment('n', 2 ** 53), { code: 'STORAGE_OPTION' })
  const sums = await Promise.all(Array.from({ length: 100 }, () => store.increment('many')))
  t.same(
    sums,
    Array.from({ length: 100 }, (_, n) => BigInt(n + 1)),
  )
  await store.close()
})

t.test('options out of range are refused, and nothing is written', async (t) => {
  const store = await open({ durability: 'memory' })
  const wrong: [object, RegExp][] = [
    [{ ttlMs: 0 }, /ttlMs.*at least 1/],
    [{ ttlMs: 1.5 }, /ttlMs/],
    [{ ttlMs: Number.NaN }, /ttlMs/],
    [{ ttlMs: Number.MAX_SAFE_INTEGER }, /ttlMs/],
    [{ ttlMs: '5' }, /ttlMs/],
    [{ ttlMs: 5, expiresAtMs: 5 }, /ttlMs.*expiresAtMs/],
    [{ expiresAtMs: -1 }, /expiresAtMs.*at least 0/],
    [{ expiresAtMs: Number.POSITIVE_INFINITY }, /expiresAtMs/],
    [{ durability: 'disk' }, /durability.*memory, os or fsync/],
    [{ durability: 'toString' }, /durability/],
    [{ type: 2 }, /type/],
    [{ ifAbsent: 'yes' }, /ifAbsent/],
    [{ ifVersion: 'abc' }, /ifVersion.*24 hex/],
    [{ ifVersion: 7 }, /ifVersion/],
    [{ ifVersion: '0'.repeat(24) }, /ifVersion.*not all 0/],
    [{ ifVersion: '1'.repeat(24), ifAbsent: true }, /ifVersion.*ifAbsent/],
  ]
  for (const [options, message] of wrong) {
    await t.rejects(store.set('k', 'v', options), { code: 'STORAGE_OPTION', message })
  }
  await t.rejects(store.set('k', 5 as never), { code: 'STORAGE_OPTION', message: /value/ })
  await t.rejects(store.set(5 as never, 'v'), { code: 'STORAGE_OPTION', message: /key/ })
  await t.rejects(store.set('', 'v', { ifAbsent: true }), { code: 'STORAGE_KEY_LENGTH' })
  await t.rejects(store.increment('x'.repeat(65_536)), { code: 'STORAGE_KEY_LENGTH' })
  t.equal(store.stats().keys, 0)
  await store.close()
  await t.rejects(store.set('k', 'v', { ifAbsent: true }), { code: 'STORAGE_CLOSED' })
  await t.rejects(store.increment('k'), { code: 'STORAGE_CLOSED' })
})

t.test('a condition on a large value is judged when its record is written', async (t) => {
  const directory = join(root, 'large')
  let store = await open({ directory, durability: 'memory' })
  const large = (seed: number) => noise((1 << 20) + 10, seed)
  const both = await Promise.allSettled([1, 2].map((n) => store.set('k', large(n), { ifAbsent: true })))
  t.same(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  const there = await store.getEntry('k')
  const slow = store.set('k', large(3), { ifVersion: there!.version })
  const quick = store.set('k', 'quick', { ifVersion: there!.version })
  await t.rejects(slow, { code: 'STORAGE_CONDITION', version: (await quick).version })
  t.equal(text(await store.get('k')), 'quick')
  await t.rejects(store.set('k', large(4), { ifAbsent: true }), { code: 'STORAGE_CONDITION' })
  await t.rejects(store.set('new', new Uint8Array(100 * (1 << 20) + 1), { ifAbsent: true }), {
    code: 'STORAGE_VALUE_TOO_LARGE',
  })
  const last = await store.set('k', large(5), { ifVersion: (await quick).version })
  t.equal((await store.getEntry('k'))?.version, last.version)
  await store.close()
  t.equal(blobFiles(directory).length, 1, 'files that were not taken are gone')
  store = await open({ directory })
  t.ok(Buffer.compare((await store.get('k'))!, large(5)) === 0)
  await store.close()
})

t.test('touch: another expiry, the same value', async (t) => {
  let now = 1_000_000
  const options = { directory: join(root, 'touch'), durability: 'memory', now: () => now } as const
  let store = await open(options)
  const values = { short: bytes('x'), packed: new Uint8Array(5000).fill(7), large: noise(1 << 21, 1) }
  const holds = async () => {
    for (const [key, value] of Object.entries(values)) {
      t.ok(Buffer.compare((await store.get(key)) ?? bytes('none'), value) === 0, key)
    }
  }
  for (const [key, value] of Object.entries(values)) await store.set(key, value, { type: 1, ttlMs: 100 })
  now += 60
  for (const key of Object.keys(values)) {
    const before = (await store.getEntry(key))!.version
    t.equal(await store.touch(key, { ttlMs: 100 }), true)
    const { version, type, expiresAtMs } = (await store.getEntry(key))!
    t.same([type, expiresAtMs], [1, 1_000_160])
    t.ok(version > before)
  }
  now += 60
  await holds()
  await store.close()
  store = await open(options)
  await holds()
  t.equal(await store.touch('large'), true)
  await store.sync()
  now += 100
  t.ok(Buffer.compare((await store.get('large'))!, values.large) === 0, 'never ends')
  t.equal(await store.touch('short', { ttlMs: 5 }), false, 'it has ended')
  t.equal(await store.touch('none', { ttlMs: 5 }), false)
  await t.rejects(store.touch('large', { ttlMs: -1 }), { code: 'STORAGE_OPTION' })
  await store.close()
  t.equal(blobFiles(options.directory).length, 1)
})
