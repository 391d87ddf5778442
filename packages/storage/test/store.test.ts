import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Store } from '../src/index.ts'
import { noise } from '../src/testing/index.ts'

const root = mkdtempSync(join(tmpdir(), 'minivault-storage-'))
t.teardown(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const fresh = () => join(root, `data${++folders}`)

t.test("buffers are the caller's again when the call has returned", async (t) => {
  const directory = fresh()
  const options = { directory, cacheBytes: 4 << 20, compression: 'none' } as const
  let store = await Store.open(options)
  const key = Buffer.from('key 0')
  const value = Buffer.alloc(3 << 20)
  /** Calls with `key <n>` and a value of `n`s, then overwrites both while what was asked for is under way. */
  const lent = async <T>(n: number, length: number, call: (value: Buffer) => Promise<T>): Promise<T> => {
    key[4] = 48 + n
    value.fill(n)
    const promise = call(value.subarray(0, length))
    key.fill(255)
    key.write('key 9')
    value.fill(255)
    return promise
  }
  const holds = (found: Uint8Array | undefined, n: number, length: number) =>
    t.ok(found !== undefined && Buffer.compare(found, Buffer.alloc(length, n)) === 0, `value ${n}`)
  await lent(1, 3 << 20, (v) => store.set(key, v))
  await lent(2, 100, (v) => store.set(key, v))
  await lent(3, 2000, (v) => store.set(key, v, { durability: 'os' }))
  await lent(4, 40, (v) => store.set(key, v, { durability: 'memory' }))
  const written = lent(5, 100, (v) => store.set(key, v))
  holds(await lent(5, 0, () => store.get(key)), 5, 100)
  await written
  t.equal(store.stats().keys, 5)
  await store.close()
  store = await Store.open(options)
  const lengths = [0, 3 << 20, 100, 2000, 40, 100]
  const cold = [1, 2, 3, 4, 5].map((n) => lent(n, 0, () => store.get(key)))
  for (const [i, found] of (await Promise.all(cold)).entries()) holds(found, i + 1, lengths[i + 1]!)
  t.equal(await lent(2, 0, () => store.delete(key)), true)
  t.equal(await store.has('key 2'), false)
  t.equal(await store.has('key 9'), false)
  await store.close()
})

t.test('a view of the store can be handed back to it', async (t) => {
  const tiny = {
    directory: fresh(),
    durability: 'memory',
    compression: 'none',
    windowBytes: 1 << 13,
  } as const
  let store = await Store.open({ ...tiny, cacheBytes: 1 << 20 })
  let wrong = 0
  for (let filler = 0; filler < 8000; filler += 40) {
    const value = noise(1200, filler + 1)
    await store.set('j', value)
    for (let left = filler; left > 0; left -= 800) await store.set('x', noise(Math.min(left, 800)))
    await store.set('k', store.view('j')!)
    if (Buffer.compare(store.getSync('k')!, value) !== 0) wrong += 1
    await store.set(store.view('k')!, 'a key')
    if (store.getSync(value)?.length !== 5) wrong += 1
  }
  t.equal(wrong, 0, 'where the ring comes round')
  await store.close()
  const large = {
    directory: fresh(),
    durability: 'memory',
    compression: 'none',
    windowBytes: 1 << 19,
  } as const
  store = await Store.open({ ...large, segmentBytes: 1 << 20, cacheBytes: 1 << 20 })
  for (const [i, name] of ['j', 'k'].entries()) await store.set(name, noise(100_000, i + 1))
  await store.set('name', noise(60_000, 3))
  await store.set(noise(60_000, 3), 'named')
  await store.close()
  store = await Store.open({ ...large, segmentBytes: 1 << 20, cacheBytes: 1 << 20 })
  await store.set('k', store.view('j')!)
  t.ok(Buffer.compare(store.getSync('k')!, noise(100_000, 1)) === 0, 'where both are read into one scratch')
  t.equal(store.getSync(store.view('name')!)?.length, 5, 'as a key whose record is read from disk')
  await store.close()
})

t.test('stats count the live keys of the user, and tombstones apart', async (t) => {
  const directory = fresh()
  let store = await Store.open({ directory, durability: 'memory' })
  const counts = () => [store.stats().keys, store.stats().tombstones]
  t.same(counts(), [0, 0], "the store's own records do not count")
  for (const key of ['a', 'b', 'a', 'c']) await store.set(key, key)
  await store.delete('b')
  store.putMeta('fact', new Uint8Array(3))
  t.same(counts(), [2, 1])
  await store.close()
  store = await Store.open({ directory, durability: 'memory' })
  t.same(counts(), [2, 1], 'reopened')
  await store.set('b', 'again')
  t.same(counts(), [3, 0])
  await store.delete('a')
  await store.merge()
  t.same(counts(), [2, 1], 'merged; the newest record of all stays')
  await store.set('c', 'again')
  await store.merge()
  t.same(counts(), [2, 0], 'until there is a newer one')
  await store.close()
})
