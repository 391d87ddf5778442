/**
 * A write to a key whose record lies on disk only: it must know the record's version, not its value. So of a
 * plain record it reads header and key, and what is read for a write never takes a place in the cache.
 */
import { MemoryFileSystem } from '@minivault/wal/testing'
import t from 'tap'
import { Store } from '../src/index.ts'
import { noise } from '../src/testing/index.ts'

class CountingDisk extends MemoryFileSystem {
  segmentBytesRead = 0
  readonly #segments = new Set<number>()

  override open(path: string, mode: 'read' | 'write' | 'create'): number {
    const descriptor = super.open(path, mode)
    if (path.endsWith('.seg')) this.#segments.add(descriptor)
    else this.#segments.delete(descriptor)
    return descriptor
  }

  override readSync(d: number, bytes: Uint8Array, at: number, length: number, position: number): number {
    const count = super.readSync(d, bytes, at, length, position)
    if (this.#segments.has(d)) this.segmentBytesRead += count
    return count
  }
}

const COUNT = 200

async function coldStore(hash?: NonNullable<Parameters<typeof Store.open>[0]['hash']>) {
  const disk = new CountingDisk()
  const options = {
    directory: '/store',
    fileSystem: disk,
    durability: 'memory' as const,
    cacheBytes: 4 << 20,
    segmentBytes: 1 << 20,
    autoMerge: false,
    ...(hash === undefined ? {} : { hash }),
  }
  const filling = await Store.open(options)
  for (let i = 0; i < COUNT; i++) {
    await filling.set(`plain-${i}`, noise(1000, i + 1))
    await filling.set(`ttl-${i}`, noise(1000, i + 1), { expiresAtMs: 9e12 })
  }
  await filling.close()
  const store = await Store.open(options)
  await store.loaded()
  disk.segmentBytesRead = 0
  const { cache } = store.engine.lookup
  const reserve = cache.reserve.bind(cache)
  const cached = { count: 0 }
  cache.reserve = (...record) => {
    cached.count += 1
    return reserve(...record)
  }
  return { disk, store, cached }
}

t.test('an overwrite reads no value and caches nothing', async (t) => {
  const { disk, store, cached } = await coldStore()
  for (let i = 0; i < COUNT; i++) await store.set(`plain-${i}`, noise(1000, 5000 + i))
  t.ok(
    disk.segmentBytesRead > 0 && disk.segmentBytesRead <= COUNT * 40,
    `${disk.segmentBytesRead} bytes read`,
  )
  t.equal(cached.count, 0)
  let wrong = 0
  for (let i = 0; i < COUNT; i++) {
    if (Buffer.compare(store.getSync(`plain-${i}`) ?? noise(1), noise(1000, 5000 + i)) !== 0) wrong += 1
    if (Buffer.compare(store.getSync(`ttl-${i}`) ?? noise(1), noise(1000, i + 1)) !== 0) wrong += 1
  }
  t.equal(wrong, 0)
  t.ok(cached.count >= COUNT && store.stats().cacheItems >= COUNT, 'reads do cache')
  await store.close()
})

t.test('a record with more than header and key is read whole, but not cached', async (t) => {
  const { disk, store, cached } = await coldStore()
  for (let i = 0; i < COUNT; i++) await store.set(`ttl-${i}`, 'x')
  t.ok(disk.segmentBytesRead >= COUNT * 1000)
  t.equal(cached.count, 0)
  t.equal(Buffer.from(store.getSync('ttl-7')!).toString(), 'x')
  await store.close()
})

t.test('keys of one hash are told apart by what is read', async (t) => {
  const { store } = await coldStore((_key, _start, _end, hash) => {
    hash.high = 1 << 24
    hash.low = 7
    return hash
  })
  for (let i = 0; i < COUNT; i += 2) await store.set(`plain-${i}`, 'new')
  let wrong = 0
  for (let i = 0; i < COUNT; i++) {
    const value = store.getSync(`plain-${i}`)
    const wanted = i % 2 === 0 ? Buffer.from('new') : noise(1000, i + 1)
    if (value === undefined || Buffer.compare(value, wanted) !== 0) wrong += 1
  }
  t.equal(wrong, 0)
  t.equal(store.stats().keys, COUNT * 2)
  await store.close()
})
