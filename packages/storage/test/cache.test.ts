/**
 * The cache against an LRU of the same bytes on traces that never change, against a model that knows each
 * record's bytes, and against its own bounds.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { Cache } from '../src/cache.ts'
import { Keydir, SLOT_CACHE, SLOT_WORDS } from '../src/keydir.ts'
import { CACHE_MOVE_BYTES_MAX } from '../src/limits.ts'
import { CachedKeys } from './fixtures/cached-keys.ts'
import { lruHitRatio, randomFrom, zipfTrace } from './fixtures/traces.ts'

const KEYS = 20_000
const SIZES = {
  '1 KiB': new Int32Array(KEYS).fill(1024),
  '100 B': new Int32Array(KEYS).fill(100),
  '64 B to 16 KiB': Int32Array.from({ length: KEYS }, noiseSize(randomFrom(3))),
}
const TRACES = {
  'zipf(0.99)': zipfTrace(KEYS, 400_000),
  'zipf(0.99) with sweeps': zipfTrace(KEYS, 400_000, 40_000),
}

function noiseSize(random: () => number): () => number {
  return () => Math.round(64 * 256 ** random())
}

const total = (sizes: Int32Array) => sizes.reduce((sum, bytes) => sum + bytes, 0)
t.test('more hits than an LRU of the same bytes; within the limit, and full', async (t) => {
  for (const [sizeName, sizes] of Object.entries(SIZES)) {
    for (const [traceName, trace] of Object.entries(TRACES)) {
      const limitBytes = Math.round(total(sizes) / 10)
      const keys = new CachedKeys(sizes, limitBytes)
      let hits = 0
      let usedMin = Infinity
      let usedMax = 0
      trace.forEach((key, i) => {
        if (keys.read(key)) hits += 1
        if (i < trace.length / 4) return
        usedMin = Math.min(usedMin, keys.cache.usedBytes)
        usedMax = Math.max(usedMax, keys.cache.usedBytes)
      })
      const lru = lruHitRatio(trace, sizes, limitBytes)
      const percent = [hits / trace.length, lru].map((ratio) => (ratio * 100).toFixed(1))
      t.ok(hits / trace.length > lru, `${traceName}, ${sizeName}: ${percent[0]} %, LRU ${percent[1]} %`)
      t.ok(usedMin > limitBytes * 0.9 && usedMax <= limitBytes, `${traceName}, ${sizeName}: bytes in use`)
    }
  }
})

t.test('a sweep fills it, and what is popular now takes the place of what was', async (t) => {
  const sizes = SIZES['1 KiB']
  const limitBytes = 2 << 20
  const swept = new CachedKeys(sizes, limitBytes)
  for (let key = 0; key < 5000; key++) swept.read(key)
  t.ok(swept.cache.usedBytes > limitBytes * 0.9, `${swept.cache.usedBytes} bytes in use after one sweep`)
  const moving = TRACES['zipf(0.99)'].map((key, i) => (key + Math.floor(i / 50_000) * 1000) % KEYS)
  const keys = new CachedKeys(sizes, limitBytes)
  const ratio = moving.filter((key) => keys.read(key)).length / moving.length
  const lru = lruHitRatio(moving, sizes, limitBytes)
  t.ok(ratio > lru * 0.97, `${ratio} of hits, LRU ${lru}`)
})

t.test('what comes back soon after it left is kept', async (t) => {
  const keys = new CachedKeys(SIZES['1 KiB'], 2 << 20)
  const read = (from: number, count: number) => {
    for (let key = from; key < from + count; key++) keys.read(key)
  }
  read(10, 3000)
  keys.read(0)
  read(4000, 500)
  t.equal(keys.referenceOf(0), 0, 'it left')
  keys.read(0)
  keys.read(1)
  keys.read(2)
  keys.read(2)
  read(5000, 1000)
  t.not(keys.referenceOf(0), 0, 'it came back and is still there')
  t.equal(keys.referenceOf(1), 0, 'one that was read once is not')
  t.not(keys.referenceOf(2), 0, 'one that was hit before it could leave is, too')
})

t.test('it takes its limit of memory, no more, and stays full while records are replaced', async (t) => {
  const before = process.memoryUsage().arrayBuffers
  const limitBytes = 8 << 20
  const cache = new Cache(limitBytes, new Keydir())
  const taken = process.memoryUsage().arrayBuffers - before
  const keydirBytes = 256 * 16 * SLOT_WORDS * 4
  t.ok(taken <= limitBytes * 1.02 + keydirBytes, `${taken} bytes for a limit of ${cache.limitBytes}`)
  const sizes = SIZES['64 B to 16 KiB']
  const keys = new CachedKeys(sizes, limitBytes)
  const random = randomFrom(5)
  let usedMin = Infinity
  TRACES['zipf(0.99)'].forEach((key, i) => {
    keys.read(key)
    if (random() < 0.2) keys.forget(key)
    if (i > 200_000) usedMin = Math.min(usedMin, keys.cache.usedBytes)
  })
  t.ok(usedMin > limitBytes * 0.9, `${usedMin} of ${limitBytes} in use`)
})

t.test('one put moves a bounded number of bytes, whatever was hit', async (t) => {
  // Of many sizes, so that what goes round again has to move.
  const random = randomFrom(9)
  const sizes = Int32Array.from({ length: 5000 }, () => 500 + Math.floor(random() * 1000))
  const keys = new CachedKeys(sizes, 2 << 20)
  const all = Array.from(sizes.keys())
  const references = () => all.map((key) => keys.referenceOf(key))
  let movedMax = 0
  let gone = 0
  for (let key = 0; key < 4000; key++) {
    const before = references()
    before.forEach((reference) => {
      for (let hit = 0; reference !== 0 && hit < 3; hit++) keys.cache.use(reference)
    })
    keys.read(key)
    if (key < 3900) continue
    const after = references()
    const moved = all.filter(
      (other) => before[other] !== 0 && after[other] !== 0 && before[other] !== after[other],
    )
    movedMax = Math.max(
      movedMax,
      moved.reduce((sum, other) => sum + sizes[other]!, 0),
    )
    gone += all.filter((other) => before[other] !== 0 && after[other] === 0).length
  }
  t.ok(gone > 90, `${gone} of 100 times a record left that had been hit`)
  t.ok(movedMax > 100_000 && movedMax <= CACHE_MOVE_BYTES_MAX + 4500, `${movedMax} bytes moved`)
})

/** Writes the record's number all over it. */
function fill(record: Uint8Array, length: number, number: number): void {
  for (let i = 0; i < length; i++) record[i] = (number >>> ((i & 3) * 8)) ^ i
}

for (const fingerprintCount of [1, 3, 1 << 20]) {
  t.test(`each slot names its own record, ${fingerprintCount} fingerprints`, async (t) => {
    const keydir = new Keydir()
    const cache = new Cache(64 << 10, keydir)
    const random = randomFrom(fingerprintCount)
    const below = (limit: number) => Math.floor(random() * limit)
    const live: { shard: number; print: number; segment: number; number: number; length: number }[] = []
    const record = new Uint8Array(4096)
    let next = 0
    let wrong = 0
    const slotOf = (i: number) =>
      keydir.findPosition(live[i]!.shard, live[i]!.print, live[i]!.segment, live[i]!.number)
    const isOwn = (i: number, reference: number) => {
      const { number, length } = live[i]!
      fill(record, length, number)
      cache.use(reference)
      return (
        Buffer.compare(cache.bytes.subarray(cache.at, cache.at + length), record.subarray(0, length)) === 0
      )
    }
    const forget = (shard: Int32Array, slot: number) => {
      if (shard[slot + SLOT_CACHE] !== 0) cache.forget(shard[slot + SLOT_CACHE]!)
      shard[slot + SLOT_CACHE] = 0
    }
    for (let step = 0; step < 60_000; step++) {
      const dice = random()
      if (live.length < 150 || (dice < 0.02 && live.length < 300)) {
        const entry = {
          shard: below(2) * 200,
          print: below(fingerprintCount) - 1,
          segment: 1,
          number: next++,
        }
        const slot = keydir.insert(entry.shard, entry.print)
        const shard = keydir.shards[entry.shard]!
        shard[slot + 1] = 1
        shard[slot + 2] = entry.number
        live.push({ ...entry, length: 24 + below(1500) })
        continue
      }
      const i = below(live.length)
      const entry = live[i]!
      const slot = slotOf(i)
      const shard = keydir.shards[entry.shard]!
      if (dice < 0.04) {
        forget(shard, slot)
        keydir.remove(entry.shard, slot)
        live[i] = live[live.length - 1]!
        live.pop()
      } else if (dice < 0.2) {
        forget(shard, slot)
        entry.number = shard[slot + 2] = next++
        entry.length = 24 + below(1500)
      } else if (dice < 0.25) entry.segment = shard[slot + 1] = 1 + below(9)
      else if (shard[slot + SLOT_CACHE] !== 0) {
        if (!isOwn(i, shard[slot + SLOT_CACHE]!)) wrong += 1
      } else {
        fill(record, entry.length, entry.number)
        cache.put(entry.shard, slot, record.slice(0, entry.length))
        if (!isOwn(i, shard[slot + SLOT_CACHE]!)) wrong += 1
      }
      if (step % 100 > 0) continue
      const cached = [...live.keys()].filter(
        (j) => keydir.shards[live[j]!.shard]![slotOf(j) + SLOT_CACHE] !== 0,
      )
      wrong += cached.filter((j) => !isOwn(j, keydir.shards[live[j]!.shard]![slotOf(j) + SLOT_CACHE]!)).length
      const bytes = cached.reduce((sum, j) => sum + 8 + ((live[j]!.length + 7) & ~7), 0)
      if (cached.length !== cache.items || bytes !== cache.usedBytes) wrong += 1
    }
    t.equal(wrong, 0)
    t.ok(cache.items > 20 && cache.items < live.length, `${cache.items} of ${live.length} are cached`)
  })
}

t.test('what is too large, or any record where there is no cache, is left out', async (t) => {
  const keys = new CachedKeys(new Int32Array([40_000, 24]), 1 << 20)
  t.equal(keys.read(0), false)
  t.equal(keys.referenceOf(0), 0)
  const none = new CachedKeys(new Int32Array([24]), 0)
  t.equal(none.read(0), false)
  t.equal(none.referenceOf(0), 0)
})

t.test('reads and replacements make no garbage', async (t) => {
  const script = join(import.meta.dirname, 'fixtures', 'cache-garbage.ts')
  const flags = ['--min-semi-space-size=64', '--max-semi-space-size=64']
  const words = [...flags, '--import=tsx', '--conditions=minivault:source', script]
  const output = execFileSync(process.execPath, words, { encoding: 'utf8' })
  const { grown, hits, operations } = JSON.parse(output) as {
    grown: number[]
    hits: number
    operations: number
  }
  const all = operations * grown.length
  t.ok(hits > all / 4 && hits < all, `${hits} hits of ${all}`)
  // Where it shrank, something was collected: that round says nothing. The least object has 16 bytes.
  const least = Math.min(...grown.filter((bytes) => bytes >= 0))
  t.ok(least < operations / 2, `the heap grew by ${grown.join(', ')} bytes in rounds of ${operations}`)
})
