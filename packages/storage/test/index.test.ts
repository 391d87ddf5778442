/**
 * The index beyond memory: a bounded keydir, an open that answers before it is loaded, damaged hints, merges
 * of cold segments. Each against a Map.
 */
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Store, type StoreOptions } from '../src/index.ts'
import { LOAD_AT_OPEN_ENTRIES } from '../src/limits.ts'

const root = mkdtempSync(join(tmpdir(), 'minivault-index-'))
t.teardown(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const fresh = () => join(root, `data${++folders}`)
const text = (value: Uint8Array | undefined) =>
  value === undefined ? undefined : Buffer.from(value).toString()

type Model = Map<string, string>

/** Numbers below `bound` that look random and are the same each time. */
function lottery(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return (state >>> 0) % bound
  }
}

async function churn(store: Store, model: Model, count: number, keys: number, draw: (n: number) => number) {
  const writes: Promise<unknown>[] = []
  for (let i = 0; i < count; i++) {
    const key = `key:${String(draw(keys)).padStart(9, '0')}`
    if (draw(10) === 0) {
      writes.push(store.delete(key))
      model.delete(key)
    } else {
      const value = `${key} ${draw(1 << 30)} ${'x'.repeat(draw(40))}`
      writes.push(store.set(key, value))
      model.set(key, value)
    }
    if (writes.length === 500) await Promise.all(writes.splice(0))
  }
  await Promise.all(writes)
}

async function wrongKeys(store: Store, model: Model, keys: number): Promise<string[]> {
  const wrong: string[] = []
  for (let i = 0; i < keys; i++) {
    const key = `key:${String(i).padStart(9, '0')}`
    const value = i % 2 === 0 ? await store.get(key) : store.getSync(key)
    if (text(value) !== model.get(key)) wrong.push(key)
  }
  return wrong
}

/** Waits until every sealed segment has its hint file. */
async function hinted(store: Store, directory: string): Promise<void> {
  await store.sync()
  await store.engine.log.settled()
  const sealed = store.engine.log.segments().filter((segment) => segment.sealed)
  const names = () => new Set(readdirSync(join(directory, 'hints')))
  const isThere = () => sealed.every(({ id }) => names().has(`${String(id).padStart(10, '0')}.hint`))
  while (!isThere()) await new Promise(setImmediate)
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
}

const small: Omit<StoreOptions, 'directory'> = {
  segmentBytes: 256 * 1024,
  windowBytes: 64 * 1024,
  cacheBytes: 1 << 20,
  durability: 'memory',
}

t.test('keys beyond the bound of the keydir are found, overwritten, deleted and merged', async (t) => {
  const directory = fresh()
  const options = { ...small, directory, keydirBytes: 64 * 1024, autoMerge: false }
  const model: Model = new Map()
  const draw = lottery(7)
  let store = await Store.open(options)
  for (let round = 0; round < 3; round++) {
    await churn(store, model, 12_000, 8000, draw)
    t.same(await wrongKeys(store, model, 8000), [])
    await hinted(store, directory)
    // The records of the active segment must have slots.
    t.ok(store.stats().keydirBytes < 250 * 1024, `${store.stats().keydirBytes} bytes of slots`)
    t.ok(store.stats().coldSegments > 0, 'segments are cold')
    t.same(await wrongKeys(store, model, 8000), [])
    const report = await store.merge()
    t.ok(report.segments > 0)
    t.same(await wrongKeys(store, model, 8000), [], 'after a merge')
    await store.close()
    store = await Store.open(options)
    await store.loaded()
    t.equal(store.stats().keys, model.size)
    t.same(await wrongKeys(store, model, 8000), [], 'after an open')
  }
  t.equal(store.stats().keys, model.size)
  await store.close()
})

t.test('an open of many keys answers before it has loaded them', async (t) => {
  const directory = fresh()
  const options = { ...small, directory, autoMerge: false }
  const model: Model = new Map()
  const count = LOAD_AT_OPEN_ENTRIES + 10_000
  let store = await Store.open(options)
  for (let i = 0; i < count; i++) {
    const key = `key:${String(i).padStart(9, '0')}`
    void store.set(key, `v${i}`)
    model.set(key, `v${i}`)
    if (i % 1000 === 0) await new Promise(setImmediate)
  }
  await store.close()
  store = await Store.open(options)
  t.ok(store.stats().loadedEntries < store.stats().totalEntries, 'not loaded')
  t.equal(text(store.getSync('key:000041234')), 'v41234')
  t.equal(text(await store.get('key:000031234')), 'v31234')
  t.equal(await store.get('key:000099999'), undefined)
  // Overwrites, deletes and new keys while it loads.
  const draw = lottery(3)
  const churned = churn(store, model, 20_000, count + 1000, draw)
  await Promise.all([churned, store.loaded()])
  const { keys, coldSegments, loadedEntries, totalEntries, keydirBytes } = store.stats()
  t.equal(loadedEntries, totalEntries)
  t.equal(coldSegments, 0)
  t.equal(keys, model.size)
  t.ok(keydirBytes / keys <= 64, `${keydirBytes / keys} bytes a key`)
  t.same(await wrongKeys(store, model, count + 1000), [])
  const { liveBytes } = store.stats()
  await store.close()
  store = await Store.open(options)
  await store.loaded()
  t.equal(store.stats().keys, model.size)
  // Each open writes two facts about the node.
  t.ok(Math.abs(store.stats().liveBytes - liveBytes) < 500, 'live bytes are counted the same way twice')
  await store.close()
})

t.test('a hint that is damaged, torn, foreign or gone is made anew', async (t) => {
  const directory = fresh()
  const options = { ...small, directory, autoMerge: false }
  const model: Model = new Map()
  let store = await Store.open(options)
  await churn(store, model, 12_000, 5000, lottery(5))
  await store.close()
  const hints = () => readdirSync(join(directory, 'hints')).sort()
  const before = hints()
  t.ok(before.length > 3)
  const path = (i: number) => join(directory, 'hints', before[i]!)
  truncateSync(path(0), statSync(path(0)).size >> 1)
  rmSync(path(1))
  writeFileSync(path(2), readFileSync(path(3)))
  writeFileSync(join(directory, 'hints', '0000099999.hint'), 'of no segment')
  // Damage inside a block shows when the block is read: during the load.
  const bytes = readFileSync(path(3))
  bytes[300]! ^= 1
  writeFileSync(path(3), bytes)
  store = await Store.open(options)
  await store.loaded()
  t.equal(store.stats().keys, model.size)
  t.same(await wrongKeys(store, model, 5000), [])
  await store.close()
  t.ok(
    before.every((name) => hints().includes(name)),
    'all are there again',
  )
  t.notOk(hints().includes('0000099999.hint'))
  store = await Store.open({ ...options, keydirBytes: 8192 })
  const last = readdirSync(join(directory, 'hints')).sort().at(-3)!
  const damaged = readFileSync(join(directory, 'hints', last))
  for (let at = 200; at < damaged.length >> 1; at += 50) damaged[at]! ^= 0xff
  writeFileSync(join(directory, 'hints', last), damaged)
  t.same(await wrongKeys(store, model, 5000), [], 'damaged while open')
  await store.close()
})
