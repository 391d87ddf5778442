/**
 * What goes on at once and must not get in each other's way: loads and evictions, merges and evictions,
 * merges and overwrites, batches in a small window, readers and those who wait for quiet.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashKey, KeyHash } from '@minivault/codec'
import t from 'tap'
import { shardOf } from '../src/fingerprint.ts'
import { Store, type StoreOptions } from '../src/index.ts'

const root = mkdtempSync(join(tmpdir(), 'minivault-races-'))
t.teardown(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const fresh = () => join(root, `data${++folders}`)
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const small = {
  durability: 'memory',
  segmentBytes: 1 << 16,
  windowBytes: 1 << 16,
  cacheBytes: 1 << 20,
  autoMerge: false,
} satisfies Partial<StoreOptions>

t.test('a key overwritten while the index loads is never the old one again', async (t) => {
  const directory = fresh()
  const options = { ...small, directory, segmentBytes: 1 << 18, windowBytes: 1 << 18, keydirBytes: 1 << 18 }
  const count = 60_000
  const key = (i: number) => `k${String(i).padStart(8, '0')}`
  let store = await Store.open(options)
  for (let i = 0; i < count; i++) {
    void store.set(key(i), 'old')
    if (i % 2000 === 0) await turn()
  }
  await store.close()
  store = await Store.open(options)
  const written = new Set<number>()
  let isLoaded = false
  store.loaded().then(() => (isLoaded = true))
  for (let state = 1; !isLoaded; ) {
    for (let j = 0; j < 300; j++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0
      const i = count - 1 - ((state >>> 0) % Math.floor(count * 0.6))
      if (i % 2 === 1) void store.set(key(i), 'new')
      else void store.delete(key(i))
      written.add(i)
    }
    await turn()
  }
  await store.merge()
  await store.close()
  store = await Store.open(options)
  await store.loaded()
  let wrong = 0
  for (const i of written) {
    const value = store.getSync(key(i))
    if ((value && Buffer.from(value).toString()) !== (i % 2 === 1 ? 'new' : undefined)) wrong += 1
  }
  t.ok(written.size > 1000, `${written.size} written while it loaded`)
  t.equal(wrong, 0)
  await store.close()
})

t.test('slots evicted while a merge re-points them are found in its output', async (t) => {
  const directory = fresh()
  const options = { ...small, directory, segmentBytes: 4 << 20, windowBytes: 1 << 18, keydirBytes: 1 << 20 }
  let store = await Store.open(options)
  const { counts } = store.engine.lookup.keydir
  const shard = (key: string) => shardOf(hashKey(Buffer.from(key), 0, key.length, new KeyHash()))
  // Until the next key's shard is just full.
  let count = 0
  for (; counts[shard(`k${count}`)]! + 1 <= 102; count++) {
    void store.set(`k${count}`, 'v')
    if (count % 500 === 0) await turn()
  }
  for (let i = 0; i < count; i += 3) {
    void store.set(`k${i}`, 'w')
    if (i % 500 === 0) await turn()
  }
  await store.sync()
  const { log, ledger } = store.engine
  const before = new Set(log.segments().map(({ id }) => id))
  let isOver = false
  const merging = store.merge().then(() => (isOver = true))
  for (let isDone = false; !isOver; await turn()) {
    const stats = ledger.stats(log)
    const output = stats.find(({ sealed, segment, ageMin }) => {
      return sealed && !before.has(segment) && ageMin < segment
    })
    if (output === undefined || isDone) continue
    const sources = stats.filter(({ sealed, segment, ageMin }) => sealed && ageMin === segment)
    const left = sources.reduce((sum, { liveBytes }) => sum + liveBytes, 0)
    const hint = join(directory, 'hints', `${String(output.segment).padStart(10, '0')}.hint`)
    if (!existsSync(hint)) void store.set('z', `${Math.random()}`)
    else if (left < 10_000) {
      // Nearly all slots point to the output by now.
      await store.set(`k${count}`, 'new')
      isDone = true
    }
  }
  await merging
  const missing = () => Array.from({ length: count }, (_, i) => `k${i}`).filter((key) => !store.getSync(key))
  t.same(missing(), [])
  await store.merge()
  await store.close()
  store = await Store.open(options)
  t.same(missing(), [])
  await store.close()
})

t.test('what is overwritten while its tombstone leaves is counted once', async (t) => {
  const store = await Store.open({ ...small, directory: fresh() })
  const count = 2000
  for (let i = 0; i < count; i++) void store.set(`k${i}`, 'x'.repeat(50))
  for (let i = 0; i < count; i++) await store.delete(`k${i}`)
  await store.sync()
  let isOver = false
  const merging = store.merge().then(() => (isOver = true))
  for (let i = 0; !isOver; i++) {
    if (i < count) await store.set(`k${i}`, 'y')
    await turn()
  }
  await merging
  let there = 0
  for (let i = 0; i < count; i++) if (await store.has(`k${i}`)) there += 1
  const { keys, tombstones } = store.stats()
  t.equal(keys, there)
  t.equal(tombstones, 0)
  await store.close()
})

t.test('short records and a large batch fit a small window', async (t) => {
  const store = await Store.open({
    ...small,
    directory: fresh(),
    durability: 'os',
    segmentBytes: 1 << 20,
    compression: 'none',
  })
  const most = store.engine.log.groupBytesMax
  for (let round = 0; round < 40; round++) {
    // A scan has the keys so far taken out of the window: the batch comes at another place in each round.
    for (let i = 0; i < round * 23; i++) await store.set('z', '')
    store.scan().close()
    for (let i = 0; i < 650; i++) await store.set(String.fromCharCode(33 + (i % 90)), '')
    const operations = Array.from({ length: Math.floor((most - 1700) / 1054) }, (_, i) => {
      return { type: 'set' as const, key: `batch ${round} ${i}`, value: Buffer.alloc(1000, 1) }
    })
    await store.batch(operations)
    for (const { key } of operations) t.equal((await store.get(key))?.length, 1000)
  }
  await store.close()
})

t.test('neither sync nor close waits for readers that never rest', async (t) => {
  const store = await Store.open({ ...small, directory: fresh(), compression: 'none' })
  for (let i = 0; i < 2000; i++) await store.set(`k${i}`, Buffer.alloc(2000, 1))
  const codes: string[] = []
  const read = async (seed: number) => {
    for (let i = seed; ; i += 7) {
      try {
        await store.get(`k${i % 2000}`)
      } catch (error) {
        return codes.push((error as { code: string }).code)
      }
    }
  }
  const readers = [1, 2, 3, 4, 5, 6].map(read)
  await store.sync()
  await store.close()
  await Promise.all(readers)
  t.same(new Set(codes), new Set(['STORAGE_CLOSED']))
})

t.test('a hint damaged after its memory was given back is made anew', async (t) => {
  const directory = fresh()
  const options = { ...small, directory, windowBytes: 1 << 14, keydirBytes: 131_072 }
  let store = await Store.open(options)
  for (let i = 0; i < 600; i++) await store.set(`k${i}`, 'v'.repeat(30))
  await store.close()
  store = await Store.open(options)
  await store.loaded()
  t.equal(store.stats().coldSegments, 0)
  for (const name of readdirSync(join(directory, 'hints'))) {
    const path = join(directory, 'hints', name)
    writeFileSync(path, readFileSync(path).subarray(0, 200))
  }
  for (let i = 0; i < 9000; i++) await store.set(`n${i}`, 'v'.repeat(30))
  t.ok(store.stats().coldSegments > 0)
  for (let i = 0; i < 600; i++) t.equal((await store.get(`k${i}`))?.length, 30)
  await store.close()
})

t.test('a missing segment: refused, or the rest of it', async (t) => {
  const directory = fresh()
  let store = await Store.open({ ...small, directory })
  for (let i = 0; i < 4000; i++) void store.set(`k${i}`, 'x'.repeat(50))
  await store.close()
  const [first] = readdirSync(join(directory, 'log')).sort()
  rmSync(join(directory, 'log', first!))
  await t.rejects(Store.open({ ...small, directory }), { code: 'STORAGE_CORRUPT', path: /0000000001/ })
  store = await Store.open({ ...small, directory, onCorrupt: 'skip' })
  t.equal(store.stats().recovery.corruptPlaces, 1)
  t.equal(store.getSync('k3999')?.length, 50)
  t.equal(store.getSync('k0'), undefined)
  await t.rejects(store.snapshot(join(directory, 'inside')), { code: 'STORAGE_FOLDER' })
  await store.close()
})
