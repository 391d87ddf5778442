/** A snapshot is a data folder of its own, whole or none, whatever happens meanwhile. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FileSystem, nodeFileSystem } from '@minivault/wal'
import { MemoryFileSystem } from '@minivault/wal/testing'
import t from 'tap'
import { Store, type StoreOptions } from '../src/index.ts'
import { noise } from '../src/testing/index.ts'
import { Crashed, openOn, until } from './fixtures/crashing-store.ts'

const root = mkdtempSync(join(tmpdir(), 'minivault-snapshot-'))
t.teardown(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const fresh = () => join(root, `data${++folders}`)
const open = (directory: string, options: Partial<StoreOptions> = {}) =>
  Store.open({ directory, durability: 'memory', segmentBytes: 1 << 16, autoMerge: false, ...options })

const large = (n: number) => noise(3 << 19, n)

async function fill(store: Store): Promise<void> {
  for (let n = 0; n < 300; n++) await store.set(`key ${n % 200}`, noise(500, n + 1))
  await store.delete('key 0')
  for (const n of [1, 2]) await store.set(`large ${n}`, large(n))
}

/** Whether the store holds exactly what `fill` left. */
async function isFilled(store: Store): Promise<boolean> {
  const keys = Array.from({ length: 200 }, (_, n) => `key ${n}`)
  const values = await store.getMany([...keys, 'large 1', 'large 2'])
  const wanted = keys.map((_, n) => (n === 0 ? undefined : noise(500, (n < 100 ? n + 200 : n) + 1)))
  return [...wanted, large(1), large(2)].every((value, i) => {
    const found = values[i]
    return value === undefined
      ? found === undefined
      : found !== undefined && Buffer.compare(found, value) === 0
  })
}

const files = (directory: string) =>
  (readdirSync(directory, { recursive: true }) as string[])
    .filter((name) => statSync(join(directory, name)).isFile() && !name.startsWith('LOCK'))
    .sort()

t.test('what was written before is in it, what comes later is not', async (t) => {
  const directory = fresh()
  const store = await open(directory)
  await fill(store)
  const target = fresh()
  const progress: [number, number][] = []
  const taking = store.snapshot(target, { onProgress: (done, total) => progress.push([done, total]) })
  const later = (async () => {
    for (let n = 0; n < 200; n++) await store.set(`key ${n}`, 'later')
    await store.set('large 1', 'later')
    await store.delete('large 2')
    await store.set('large 3', large(3))
    await store.sync()
    await store.merge()
  })()
  const report = await taking
  await later
  t.equal(report.copied, 0)
  t.ok(report.segments > 2 && report.linked >= report.segments + 2)
  t.ok(report.blobs >= 2 && report.bytes > 200 * 500 + 2 * (3 << 19))
  t.same(progress.at(-1), [report.bytes, report.bytes])
  t.equal((await store.get('large 1'))?.length, 5)
  await store.close()
  t.equal(files(directory).filter((name) => name.startsWith('blobs')).length, 1, 'here they have gone')
  const copied = fresh()
  mkdirSync(copied)
  cpSync(target, copied, { recursive: true })
  const ids = new Set([readFileSync(join(directory, 'FORMAT'), 'utf8')])
  for (const folder of [target, copied]) {
    const opened = await open(folder)
    t.ok(await isFilled(opened), folder)
    t.equal(await opened.has('large 3'), false)
    t.same((await opened.verify()).bad, [])
    const before = (await opened.getEntry('key 5'))!.version
    t.ok((await opened.set('key 5', 'mine')).version > before)
    await opened.close()
    t.equal(files(folder).filter((name) => name.startsWith('blobs')).length, 2, 'no orphan stays')
    ids.add(readFileSync(join(folder, 'FORMAT'), 'utf8'))
  }
  t.equal(ids.size, 2, 'a node of its own; a copy of it is the same one')
  const again = await open(directory)
  t.equal((await again.get('key 5'))?.length, 5, 'writes there are not seen here')
  await again.close()
})

/** The real disk, on which some calls go otherwise. */
const disk = (calls: Partial<FileSystem>): FileSystem => ({ ...nodeFileSystem, ...calls })
const failing = (code: string) => () => {
  throw Object.assign(new Error(`${code}: told to fail`), { code })
}

t.test('copies where links are not possible, or not wanted', async (t) => {
  for (const [fileSystem, copy] of [
    [disk({ link: failing('EXDEV') }), false],
    [nodeFileSystem, true],
  ] as const) {
    const directory = fresh()
    const store = await open(directory, { fileSystem, processes: null })
    await fill(store)
    const target = fresh()
    const report = await store.snapshot(target, { copy })
    t.equal(report.linked, 0)
    t.ok(report.copied >= report.segments + 2)
    await store.close()
    for (const name of files(target)) {
      if (existsSync(join(directory, name))) {
        t.not(statSync(join(directory, name)).ino, statSync(join(target, name)).ino, name)
      }
    }
    rmSync(directory, { recursive: true })
    const opened = await open(target)
    t.ok(await isFilled(opened))
    await opened.close()
  }
})

t.test('a file whose removal was under way before it began', async (t) => {
  for (const copy of [false, true]) {
    const gone: string[] = []
    const vanish = (path: string) => {
      if (gone.includes(path) && existsSync(path)) rmSync(path)
    }
    const fileSystem = disk({
      unlink: (path, done) => {
        gone.push(path)
        done(null)
      },
      open: (path, mode) => {
        vanish(path)
        return nodeFileSystem.open(path, mode)
      },
    })
    const store = await open(fresh(), { fileSystem, processes: null })
    await fill(store)
    await store.set('large 3', large(3))
    await store.set('large 3', 'short', { durability: 'fsync' })
    await store.set('more', 'x', { durability: 'fsync' })
    t.equal(gone.filter((path) => path.includes('blobs')).length, 1)
    const target = fresh()
    t.equal((await store.snapshot(target, { copy })).blobs, 2)
    await store.close()
    const opened = await open(target)
    t.ok(await isFilled(opened))
    await opened.close()
  }
})

t.test('a place that cannot take it', async (t) => {
  let isFull = false
  const link: FileSystem['link'] = (from, to) =>
    isFull ? failing('ENOSPC')() : nodeFileSystem.link(from, to)
  const store = await open(fresh(), { fileSystem: disk({ link }) })
  await fill(store)
  const other = fresh()
  mkdirSync(other)
  writeFileSync(join(other, 'letter.txt'), 'dear')
  await t.rejects(store.snapshot(other), { code: 'STORAGE_FOLDER', path: other, message: /not empty/ })
  t.same(files(other), ['letter.txt'])
  await t.rejects(store.snapshot(join(other, 'letter.txt')), { code: 'STORAGE_FOLDER' })
  await t.rejects(store.snapshot(''), { code: 'STORAGE_OPTION', message: /directory/ })
  isFull = true
  const full = fresh()
  await t.rejects(store.snapshot(full), { code: 'STORAGE_DISK_FULL' })
  t.same(files(full), [])
  isFull = false
  await t.rejects(open(full), { code: 'STORAGE_FOLDER', path: full, message: /not a minivault data folder/ })
  t.ok(await isFilled(store), 'the store itself goes on')
  await store.set('large 1', 'x')
  await store.sync()
  await store.snapshot(fresh())
  const late = store.snapshot(fresh(), { copy: true })
  const closing = store.close()
  await t.rejects(late, { code: 'STORAGE_CLOSED' })
  await closing
  await t.rejects(store.snapshot(fresh()), { code: 'STORAGE_CLOSED' })
})

/** A power cut at this call to the disk from the snapshot on; null: it went through. */
async function cutAt(call: number, isAfter: boolean, isBroken: boolean): Promise<string | null> {
  const disk = new MemoryFileSystem()
  const store = await openOn(disk)
  const values = { a: noise(50, 1), b: noise(3000, 2), c: noise(900, 3) }
  for (const [key, value] of Object.entries(values)) await store.set(key, value)
  await store.sync()
  if (isBroken) disk.syncDirectory = (_path, done) => queueMicrotask(() => done(null))
  disk.fault = { call: disk.calls + call, what: isAfter ? 'crash-after' : 'crash-before' }
  try {
    await until(disk, Promise.all([store.snapshot('/copy'), store.set('b', noise(3000, 4))]))
  } catch (error) {
    if (!(error instanceof Crashed)) throw error
  }
  if (!disk.crashed) return null
  disk.restart(call)
  if (!disk.exists('/copy/FORMAT')) return 'none'
  try {
    const copy = await openOn(disk, 3, '/copy')
    for (const [key, value] of Object.entries(values)) {
      if (Buffer.compare((await copy.get(key)) ?? noise(1), value) !== 0) return `wrong ${key}`
    }
    if ((await copy.verify()).bad.length > 0) return 'bad'
    await copy.close()
  } catch (error) {
    return String(error)
  }
  return 'whole'
}

async function everyCut(isBroken: boolean): Promise<Set<string>> {
  const seen = new Set<string>()
  for (let at = 2; ; at++) {
    const state = await cutAt(at >> 1, at % 2 === 1, isBroken)
    if (state === null) return seen
    seen.add(state)
  }
}

t.test('a power cut leaves a whole snapshot or none', async (t) => {
  t.same([...(await everyCut(false))].sort(), ['none', 'whole'])
  const broken = await everyCut(true)
  t.ok(broken.size > 2, `the control, without syncs of folders: ${[...broken].join(', ')}`)
})
