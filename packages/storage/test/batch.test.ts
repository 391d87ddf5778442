/** Batches: all or nothing, at every error and at every crash. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MemoryFileSystem } from '@minivault/wal/testing'
import t from 'tap'
import { Store, type StoreOptions } from '../src/index.ts'
import { noise } from '../src/testing/index.ts'
import { Crashed, openOn, until } from './fixtures/crashing-store.ts'

const root = mkdtempSync(join(tmpdir(), 'minivault-batch-'))
t.teardown(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const open = (options: Partial<StoreOptions> = {}) =>
  Store.open({ directory: join(root, `data${++folders}`), cacheBytes: 4 << 20, ...options })
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value)

function blobFiles(directory: string): string[] {
  const folder = join(directory, 'blobs')
  if (!existsSync(folder)) return []
  return (readdirSync(folder, { recursive: true }) as string[]).filter((name) => name.includes('-'))
}

t.test('batch: the last operation on a key stays, all have versions', async (t) => {
  const directory = join(root, 'batch')
  let store = await open({ directory, durability: 'memory' })
  await store.set('old', 'x')
  const { versions } = await store.batch([
    { type: 'set', key: 'a', value: '1' },
    { type: 'set', key: 'b', value: new Uint8Array(5000), valueType: 1, expiresAtMs: 1e15 },
    { type: 'delete', key: 'old' },
    { type: 'delete', key: 'none' },
    { type: 'set', key: 'c', value: noise(1 << 21, 9) },
    { type: 'set', key: 'a', value: '2' },
    { type: 'set', key: 'gone', value: '1' },
    { type: 'delete', key: 'gone' },
  ])
  t.equal(new Set(versions).size, 8)
  t.same([...versions].sort(), versions, 'growing')
  for (const isReopened of [false, true]) {
    if (isReopened) {
      await store.close()
      store = await open({ directory, durability: 'memory' })
    }
    t.equal(text(store.getSync('a')), '2')
    t.equal((await store.getEntry('a'))?.version, versions[5])
    t.match(await store.getEntry('b'), { type: 1, expiresAtMs: 1e15, version: versions[1] })
    t.equal((await store.get('b'))?.length, 5000)
    t.ok(Buffer.compare((await store.get('c'))!, noise(1 << 21, 9)) === 0)
    t.same(await store.getMany(['old', 'none', 'gone']), [undefined, undefined, undefined])
    t.equal(store.stats().keys, 3)
    t.equal(store.stats().tombstones, isReopened ? 1 : 1, 'only where there was a record')
  }
  t.same(await store.batch([]), { versions: [] })
  await store.close()
})

t.test('a batch with anything wrong writes nothing', async (t) => {
  const directory = join(root, 'wrong')
  const store = await open({ directory, durability: 'memory', windowBytes: 1 << 20 })
  const set = (key: string, value: unknown, more = {}) =>
    ({ type: 'set', key, value, ...more }) as Parameters<Store['batch']>[0][number]
  const good = set('good', noise(1 << 21, 1))
  const wrong: [unknown, string][] = [
    [[good, { type: 'get', key: 'k' }], 'STORAGE_BATCH'],
    [[good, undefined], 'STORAGE_BATCH'],
    ['set', 'STORAGE_BATCH'],
    [Array.from({ length: 100_001 }, () => set('k', 'v')), 'STORAGE_BATCH'],
    [[good, set('', 'x')], 'STORAGE_KEY_LENGTH'],
    [[good, { type: 'delete', key: new Uint8Array(65_536) }], 'STORAGE_KEY_LENGTH'],
    [[good, set('k', new Uint8Array(100 * (1 << 20) + 1))], 'STORAGE_VALUE_TOO_LARGE'],
    [[good, set('k', 5)], 'STORAGE_OPTION'],
    [[good, set('k', 'v', { ttlMs: 0 })], 'STORAGE_OPTION'],
    [[good, set('k', 'v', { valueType: 9 })], 'STORAGE_OPTION'],
    [[good, set('a', noise(200_000, 1)), set('b', noise(200_000, 2))], 'STORAGE_BATCH'],
  ]
  for (const [operations, code] of wrong) {
    await t.rejects(store.batch(operations as never), { code }, code)
  }
  await t.rejects(store.batch([good], { durability: 'x' as never }), { code: 'STORAGE_OPTION' })
  t.equal(store.stats().keys, 0)
  // A file that was begun goes when its writer is through.
  while (blobFiles(directory).length > 0) await sleep(5)
  await store.set('k', 'after')
  t.equal(text(store.getSync('k')), 'after', 'and the log goes on')
  await store.close()
  await t.rejects(store.batch([good]), { code: 'STORAGE_CLOSED' })
})

t.test('the bytes of a batch are lent for the call', async (t) => {
  const store = await open({ durability: 'memory', compression: 'none' })
  await store.set('view', 'seen')
  await store.set('other', noise(300, 1))
  const key = Buffer.from('key 1')
  const value = Buffer.alloc(1 << 21, 1)
  const short = Buffer.from('short')
  const promise = store.batch([
    { type: 'set', key, value },
    { type: 'set', key: short, value: short },
    { type: 'set', key: 'copy', value: store.view('view')! },
  ])
  for (const lent of [key, value, short]) lent.fill(0)
  await promise
  t.ok(Buffer.compare((await store.get('key 1'))!, Buffer.alloc(1 << 21, 1)) === 0)
  t.equal(text(await store.get('short')), 'short')
  t.equal(text(await store.get('copy')), 'seen')
  await store.close()
})

t.test('a batch is durable when it says so, whatever is written beside it', async (t) => {
  const store = await open()
  await store.set('before', 'x')
  const { engine } = store
  let segment = 0
  let offset = 0
  store.onRecord = () => {
    store.onRecord = undefined
    segment = engine.log.reservedSegment
    offset = engine.log.reservedOffset
    queueMicrotask(() => store.set('beside', 'x', { durability: 'memory' }))
  }
  await store.batch([
    { type: 'set', key: 'large', value: noise(1 << 21, 1) },
    { type: 'set', key: 'short', value: 'x' },
  ])
  t.ok(engine.log.isDurable(segment, offset))
  await store.close()
})

/** What the four keys hold after a power cut before or after call `at` to the disk; null: it went through. */
async function cutAt(call: number, isAfter: boolean, isBatch: boolean): Promise<string[] | null> {
  const disk = new MemoryFileSystem()
  const keys = ['a', 'b', 'c', 'd']
  let store = await openOn(disk)
  for (const key of keys.slice(0, 3)) await store.set(key, 'old')
  await store.sync()
  disk.fault = { call: disk.calls + call, what: isAfter ? 'crash-after' : 'crash-before' }
  const operations = [
    { type: 'set', key: 'a', value: 'new' },
    // Too long for a block of this log: a file of its own.
    { type: 'set', key: 'b', value: noise(3000, 1) },
    { type: 'delete', key: 'c' },
    { type: 'set', key: 'd', value: 'new' },
  ] as const
  const write = async (): Promise<unknown> => {
    if (isBatch) return store.batch(operations)
    for (const operation of operations) {
      if (operation.type === 'set') await store.set(operation.key, operation.value)
      else await store.delete(operation.key)
    }
    return undefined
  }
  try {
    await until(disk, write())
  } catch (error) {
    if (!(error instanceof Crashed)) throw error
  }
  if (!disk.crashed) return null
  disk.restart(call)
  store = await openOn(disk, 3)
  const values = await store.getMany(keys)
  await store.close()
  return values.map((value) => (value === undefined ? 'none' : value.length > 3 ? 'new' : text(value)!))
}

t.test('a power cut leaves all of a batch or none of it', async (t) => {
  const seen = { batch: new Set<string>(), singly: new Set<string>() }
  for (const name of ['batch', 'singly'] as const) {
    for (let at = 2; ; at++) {
      const state = await cutAt(at >> 1, at % 2 === 1, name === 'batch')
      if (state === null) break
      seen[name].add(state.join(' '))
    }
  }
  t.same([...seen.batch].sort(), ['new new none new', 'old old old none'])
  t.ok(seen.singly.size > 2, 'the control: one by one, a cut comes in between')
})
