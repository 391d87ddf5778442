/**
 * What a store is given or finds that it cannot take: a typed error with the path in it, and all else goes
 * on.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FileSystem, nodeFileSystem } from '@minivault/wal'
import t from 'tap'
import { Store, type StoreOptions } from '../src/index.ts'
import { nodeProcesses } from '../src/node-ports.ts'
import { noise } from '../src/testing/index.ts'

const root = mkdtempSync(join(tmpdir(), 'minivault-bad-'))
t.teardown(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const fresh = () => join(root, `data${++folders}`)
const open = (directory: string, options: Partial<StoreOptions> = {}) =>
  Store.open({ directory, durability: 'memory', segmentBytes: 1 << 16, autoMerge: false, ...options })

/** 400 keys over some segments and a large value; closed. */
async function filled(): Promise<string> {
  const directory = fresh()
  const store = await open(directory)
  for (let n = 0; n < 400; n++) await store.set(`key ${n}`, noise(500, n + 1))
  await store.set('large', noise(3 << 19, 1))
  await store.close()
  return directory
}

/** Reads all that `filled` wrote: how many are there, and the codes and paths of what cannot be read. */
async function readAll(store: Store): Promise<{ good: number; bad: Set<string> }> {
  let good = 0
  const bad = new Set<string>()
  for (let n = 0; n <= 400; n++) {
    const [key, value] = n === 400 ? ['large', noise(3 << 19, 1)] : [`key ${n}`, noise(500, n + 1)]
    try {
      const found = await store.get(key)
      if (found === undefined || Buffer.compare(found, value) !== 0) bad.add(`${key} is wrong`)
      else good += 1
    } catch (error) {
      const { code, path } = error as { code: string; path: string }
      bad.add(`${code} ${path}`)
    }
  }
  return { good, bad }
}

const segments = (directory: string) =>
  readdirSync(join(directory, 'log'))
    .filter((name) => name.endsWith('.seg'))
    .sort()
    .map((name) => join(directory, 'log', name))

t.test('an option out of range is named with its range, and nothing is made', async (t) => {
  const wrong: [object, RegExp][] = [
    [{ directory: '' }, /directory/],
    [{ directory: 5 }, /directory/],
    [{ durability: 'disk' }, /durability.*memory, os or fsync/],
    [{ durability: 'toString' }, /durability/],
    [{ compression: 'gzip' }, /compression.*zstd, lz4 or none/],
    [{ cacheBytes: 1 << 19 }, /cacheBytes.*1048576/],
    [{ cacheBytes: Number.NaN }, /cacheBytes/],
    [{ cacheBytes: Number.POSITIVE_INFINITY }, /cacheBytes/],
    [{ cacheBytes: 1.5e7 + 0.5 }, /cacheBytes/],
    [{ keydirBytes: 1000 }, /keydirBytes.*4096/],
    [{ keydirBytes: '8' }, /keydirBytes/],
    [{ segmentBytes: 2048 }, /segmentBytes.*4096.*1073741824.*8/],
    [{ segmentBytes: (1 << 20) + 4 }, /segmentBytes/],
    [{ segmentBytes: 2 ** 31 }, /segmentBytes/],
    [{ windowBytes: 3 << 20 }, /windowBytes.*power of two/],
    [{ windowBytes: 2048 }, /windowBytes.*4096 to 1073741824/],
    [{ windowBytes: 2 ** 31 }, /windowBytes/],
    [{ maxOffsetMs: -1 }, /maxOffsetMs.*0/],
    [{ maxOffsetMs: Number.NaN }, /maxOffsetMs/],
    [{ autoMerge: 'no' }, /autoMerge.*true or false/],
    [{ mayRelease: true }, /mayRelease.*function/],
    [{ directory: '\0' }, /directory/],
    [{ cacheBytes: 2 ** 41 }, /cacheBytes.*1048576 to 1099511627776/],
    [{ now: 5 }, /now.*function/],
    [{ logger: 5 }, /logger.*object/],
    [{ fileSystem: null }, /fileSystem.*object/],
    [{ processes: 5 }, /processes.*object/],
  ]
  for (const [options, message] of wrong) {
    const directory = fresh()
    await t.rejects(Store.open({ directory, ...options }), { code: 'STORAGE_OPTION', message })
    t.notOk(existsSync(directory))
  }
  await t.rejects(Store.open(undefined as never), { code: 'STORAGE_OPTION' })
})

t.test('options that are none are refused with a code, not as a TypeError', async (t) => {
  const store = await open(fresh())
  const none = null as never
  const other = fresh()
  const asked: (() => Promise<unknown>)[] = [
    () => store.set('k', 'v', none),
    () => store.delete('k', none),
    () => store.touch('k', none),
    () => store.increment('k', 1, none),
    () => store.batch([], none),
    () => store.getStream('k', none),
    () => store.getMany('k' as never),
    () => store.verify(none),
    () => store.verify({ onProgress: 5 as never }),
    () => store.snapshot(other, none),
    () => store.snapshot(other, { onProgress: 5 as never }),
  ]
  for (const ask of asked) await t.rejects(ask, { code: 'STORAGE_OPTION' }, `${ask}`)
  t.notOk(existsSync(other))
  await store.close()
})

t.test('a closed store says so, whatever it is asked', async (t) => {
  const store = await open(fresh())
  await store.set('k', 'v')
  await store.close()
  const asked: Record<string, () => unknown> = {
    get: () => store.get('k'),
    getMany: () => store.getMany(['k']),
    getEntry: () => store.getEntry('k'),
    getStream: () => store.getStream('k'),
    has: () => store.has('k'),
    set: () => store.set('k', 'v'),
    setStream: () => store.setStream('k', (async function* () {})()),
    delete: () => store.delete('k'),
    touch: () => store.touch('k'),
    increment: () => store.increment('k'),
    batch: () => store.batch([]),
    merge: () => store.merge(),
    sync: () => store.sync(),
    snapshot: () => store.snapshot(fresh()),
    verify: () => store.verify(),
    getSync: async () => store.getSync('k'),
    view: async () => store.view('k'),
    getInto: async () => store.getInto('k', new Uint8Array(1)),
    putMeta: async () => store.putMeta('k', new Uint8Array(1)),
    getMeta: async () => store.getMeta('k'),
  }
  for (const [name, call] of Object.entries(asked)) {
    await t.rejects(call() as Promise<unknown>, { code: 'STORAGE_CLOSED' }, name)
  }
})

t.test('files of others are left alone and do no harm', async (t) => {
  const directory = await filled()
  const letters = [
    'letter.txt',
    'log/letter.txt',
    'log/1.seg',
    'hints/letter.txt',
    'blobs/letter.txt',
    'blobs/00/letter.txt',
  ]
  mkdirSync(join(directory, 'blobs', '00'), { recursive: true })
  for (const folder of ['own', 'log/own', 'hints/own', 'blobs/own']) {
    mkdirSync(join(directory, folder))
    letters.push(`${folder}/letter.txt`)
  }
  for (const letter of letters) writeFileSync(join(directory, letter), 'dear')
  let store = await open(directory)
  t.same(await readAll(store), { good: 401, bad: new Set() })
  await store.set('large', 'now short')
  await store.merge()
  t.same((await store.verify()).bad, [])
  await store.snapshot(fresh())
  await store.close()
  store = await open(directory)
  t.equal((await store.get('large'))?.length, 9)
  await store.close()
  for (const letter of letters) t.equal(readFileSync(join(directory, letter), 'utf8'), 'dear', letter)
})

t.test('a segment that is missing or cut: refused at open with its path', async (t) => {
  for (const damage of [(path: string) => rmSync(path), (path: string) => truncateSync(path, 5000)]) {
    const directory = await filled()
    const path = segments(directory)[1]!
    const kept = fresh()
    copyFileSync(path, kept)
    damage(path)
    await t.rejects(open(directory), { code: 'STORAGE_CORRUPT', path })
    copyFileSync(kept, path)
    const store = await open(directory)
    t.equal((await readAll(store)).good, 401, 'put back, it opens')
    damage(path)
    await store.set('more', 'x')
    await store.sync()
    const { good, bad } = await readAll(store)
    t.ok(good === 401 || bad.size > 0, 'what cannot be read says so')
    await store.close()
  }
})

t.test('a byte of a sealed segment is wrong: its record says so, all others are there', async (t) => {
  const directory = await filled()
  const path = segments(directory)[1]!
  const bytes = readFileSync(path)
  bytes[20_000]! ^= 1
  writeFileSync(path, bytes)
  const store = await open(directory)
  const { good, bad } = await readAll(store)
  t.same(bad, new Set([`STORAGE_CORRUPT ${path}`]))
  t.equal(good, 400)
  await store.close()
})

t.test('a batch that meets a damaged record writes nothing', async (t) => {
  const directory = await filled()
  const path = segments(directory)[1]!
  const bytes = readFileSync(path)
  const at = bytes.indexOf('key 200')
  t.ok(at > 0)
  bytes[at + 4]! ^= 1
  writeFileSync(path, bytes)
  const store = await open(directory)
  const set = (key: string) => ({ type: 'set', key, value: 'x' }) as const
  await t.rejects(store.batch([set('key 1'), set('new'), set('key 200')]), { code: 'STORAGE_CORRUPT', path })
  t.equal(await store.has('new'), false)
  t.equal((await store.get('key 1'))?.length, 500)
  await store.batch([set('key 1'), set('new')])
  t.same(
    (await store.getMany(['key 1', 'new'])).map((value) => value?.length),
    [1, 1],
  )
  await store.close()
})

t.test('hints are made anew, whatever has become of them', async (t) => {
  const directory = await filled()
  const hints = readdirSync(join(directory, 'hints')).map((name) => join(directory, 'hints', name))
  truncateSync(hints[0]!, 100)
  truncateSync(hints[1]!, 2000)
  rmSync(hints[2]!)
  writeFileSync(hints[3]!, noise(5000, 1))
  const store = await open(directory)
  t.same(await readAll(store), { good: 401, bad: new Set() })
  t.same((await store.verify()).bad, [])
  await store.close()
})

t.test('FORMAT and manifest: damaged, they are not guessed', async (t) => {
  const directory = await filled()
  const format = join(directory, 'FORMAT')
  const manifest = join(directory, 'log', 'manifest')
  for (const [path, code] of [
    [format, 'STORAGE_FORMAT'],
    [manifest, 'STORAGE_CORRUPT'],
  ] as const) {
    const bytes = readFileSync(path)
    for (const damaged of [bytes.subarray(0, bytes.length - 3), new Uint8Array(0), noise(200, 1)]) {
      writeFileSync(path, damaged)
      await t.rejects(open(directory), { code, path })
    }
    writeFileSync(path, bytes)
  }
  rmSync(format)
  await t.rejects(open(directory), { code: 'STORAGE_FOLDER', path: directory })
})

/** The real disk, but read-only from now on, as a mount that was. */
function readOnlyDisk(code: string): FileSystem {
  const refuse = (path: string): never => {
    throw Object.assign(new Error(`${code}: read-only file system, '${path}'`), { code, path })
  }
  return {
    ...nodeFileSystem,
    open: (path, mode) => (mode === 'read' ? nodeFileSystem.open(path, mode) : refuse(path)),
    rename: (_from, to) => refuse(to),
    link: (_from, to) => refuse(to),
    remove: refuse,
    makeDirectory: (path) => (nodeFileSystem.exists(path) ? false : refuse(path)),
  }
}

t.test('a folder that cannot be written to', async (t) => {
  const directory = await filled()
  for (const code of ['EROFS', 'EACCES']) {
    for (const processes of [nodeProcesses, null]) {
      const options = { fileSystem: readOnlyDisk(code), processes }
      await t.rejects(open(directory, options), {
        code: 'STORAGE_FOLDER',
        path: directory,
        message: /cannot be written to/,
      })
      await t.rejects(open(fresh(), options), { code: 'STORAGE_FOLDER', message: /cannot be written to/ })
    }
  }
  if (process.getuid?.() !== 0) {
    chmodSync(directory, 0o500)
    await t.rejects(open(directory), { code: 'STORAGE_FOLDER', path: directory })
    chmodSync(directory, 0o700)
  }
  const store = await open(directory)
  t.equal((await readAll(store)).good, 401)
  await store.close()
})
