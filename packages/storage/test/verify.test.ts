/** What `verify` names: every bad place that was made, and no other. */
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashKey } from '@minivault/codec'
import { crc32, type FileSystem, nodeFileSystem } from '@minivault/wal'
import t from 'tap'
import { readHintHeader } from '../src/hint/hint-format.ts'
import { Store, type StoreOptions } from '../src/index.ts'
import { noise } from '../src/testing/index.ts'

const root = mkdtempSync(join(tmpdir(), 'minivault-verify-'))
t.teardown(() => rmSync(root, { recursive: true, force: true }))
let folders = 0

/** A closed store: 300 keys in several segments, some overwritten, and three large values. */
async function filled(): Promise<string> {
  const directory = join(root, `data${++folders}`)
  const store = await Store.open({ directory, durability: 'memory', segmentBytes: 1 << 16, autoMerge: false })
  for (let n = 0; n < 400; n++) await store.set(`key ${n % 300}`, noise(500, n + 1))
  for (const key of ['a', 'b', 'c']) await store.set(key, noise(3 << 19, key.charCodeAt(0)))
  await store.set('c', noise(3 << 19, 1))
  await store.delete('key 7')
  await store.close()
  return directory
}

const names = (directory: string, folder: string, end: RegExp) =>
  (readdirSync(join(directory, folder), { recursive: true }) as string[])
    .filter((name) => end.test(name))
    .sort()
    .map((name) => join(directory, folder, name))

function flip(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes[at]! ^= 0x20
  writeFileSync(path, bytes)
}

/** The bad places as `file@offset`. */
async function verified(store: Store): Promise<string[]> {
  const { bad } = await store.verify()
  return bad.map(({ path, offset }) => `${path}@${offset}`).sort()
}

t.test('a good store: all is read, nothing is named', async (t) => {
  const directory = await filled()
  const store = await Store.open({ directory, autoMerge: false })
  await store.set('new', 'not sealed yet')
  const progress: [number, number][] = []
  const report = await store.verify({ onProgress: (done, total) => progress.push([done, total]) })
  t.same(report.bad, [])
  t.equal(report.segments, store.stats().segments)
  t.ok(report.segments > 3)
  t.equal(report.blobs, 3, 'the file that was replaced is not missed')
  t.ok(report.records >= 400 + 4 + 1 + 1)
  t.ok(report.bytes > 400 * 500 + 3 * (3 << 19))
  t.same(progress.at(-1), [report.bytes, report.bytes], 'at the end all is done')
  t.ok(progress.length > report.segments)
  t.equal(store.stats().keys, 299 + 3 + 1)
  await store.close()
  await t.rejects(store.verify(), { code: 'STORAGE_CLOSED' })
})

t.test('damage in a segment, a blob file and a hint file is named by place', async (t) => {
  const directory = await filled()
  const store = await Store.open({ directory, autoMerge: false })
  const [segment, other] = names(directory, 'log', /\.seg$/) as [string, string]
  const blobs = names(directory, 'blobs', /-/)
  const hints = names(directory, 'hints', /\.hint$/)
  // The damage comes while the store is open: at an open much of it would be met at once.
  flip(segment, 30_000)
  flip(blobs[0]!, (1 << 20) + 5)
  truncateSync(blobs[1]!, 1000)
  rmSync(blobs[2]!)
  flip(hints[2]!, 128 + 20)
  const { bad } = await store.verify()
  const places = bad.map(({ path, offset }) => `${path} ${offset}`)
  t.equal(bad.length, 5, places.join('\n'))
  const at = (path: string) => bad.find((place) => place.path === path)!
  t.ok(at(segment).offset > 29_000 && at(segment).offset <= 30_000)
  t.match(at(blobs[0]!), { offset: 1 << 20, reason: /checksum/ })
  t.match(at(blobs[1]!), { offset: 0, reason: /1000 bytes/ })
  t.match(at(blobs[2]!), { offset: 0, reason: /missing/ })
  t.equal(at(hints[2]!).offset, 128)
  t.equal(places.filter((place) => place.startsWith(other)).length, 0)
  let unreadable = 0
  for (let n = 0; n < 300; n++) {
    const wanted = n === 7 ? undefined : noise(500, (n < 100 ? n + 300 : n) + 1)
    const found = await store.get(`key ${n}`).catch((error) => {
      t.match(error, { code: 'STORAGE_CORRUPT', path: segment })
      unreadable += 1
      return wanted
    })
    if (Buffer.compare(found ?? noise(1), wanted ?? noise(1)) !== 0) t.fail(`key ${n}`)
  }
  t.ok(unreadable <= 1, 'all else can be read')
  await t.rejects(store.get('a'), { code: 'STORAGE_CORRUPT' })
  t.same(
    await verified(store),
    places.sort().map((place) => place.replace(/ (\d+)$/, '@$1')),
  )
  await store.close()
})

t.test('a hint that stands for other records than its segment has', async (t) => {
  const directory = await filled()
  const store = await Store.open({ directory, autoMerge: false })
  const hints = names(directory, 'hints', /\.hint$/)
  renameSync(hints[0]!, hints[1]!)
  t.same(await verified(store), [`${hints[1]}@0`], 'a missing one is no damage')
  // An entry that leads elsewhere, in a block whose checksum is right.
  const bytes = readFileSync(hints[2]!)
  const header = readHintHeader(bytes)!
  bytes[128 + 4 + 4] ^= 8
  bytes.writeInt32LE(crc32(bytes, 128 + 4, header.indexAt, (header.seed + 128) | 0), 128)
  writeFileSync(hints[2]!, bytes)
  t.same(await verified(store), [`${hints[1]}@0`, `${hints[2]}@${128 + 4}`])
  await store.close()
  const otherwise: NonNullable<StoreOptions['hash']> = (key, start, end, into) => {
    hashKey(key, start, end, into)
    into.low = ~into.low
    return into
  }
  const strange = await Store.open({ directory, autoMerge: false, hash: otherwise })
  const { bad } = await strange.verify()
  t.ok(bad.filter(({ reason }) => /unknown to it/.test(reason)).length > 2, 'keys that a bloom does not know')
  await strange.close()
})

t.test('it goes on beside writes and merges, and ends when the store closes', async (t) => {
  const directory = await filled()
  let store = await Store.open({ directory, durability: 'memory', segmentBytes: 1 << 16 })
  const verifying = store.verify()
  for (let n = 0; n < 200; n++) await store.set(`key ${n}`, noise(500, n + 7))
  await store.set('a', 'short')
  const [report] = await Promise.all([verifying, store.merge()])
  t.same(report.bad, [])
  await store.close()
  store = await Store.open({ directory, autoMerge: false })
  t.same((await store.verify()).bad, [], 'what merges made is good, hints and all')
  const late = store.verify()
  const closing = store.close()
  await t.rejects(late, { code: 'STORAGE_CLOSED' })
  await closing
})

t.test('a store that has become read-only can be verified', async (t) => {
  const directory = await filled()
  let isFailing = false
  const datasync: FileSystem['datasync'] = (descriptor, done) => {
    if (isFailing) done(Object.assign(new Error('EIO: told to fail'), { code: 'EIO' }))
    else nodeFileSystem.datasync(descriptor, done)
  }
  const fileSystem = { ...nodeFileSystem, datasync }
  const store = await Store.open({ directory, fileSystem, autoMerge: false })
  isFailing = true
  await t.rejects(store.set('k', 'v'), { code: 'STORAGE_READ_ONLY' })
  flip(names(directory, 'log', /\.seg$/)[0]!, 5000)
  const { bad, records } = await store.verify()
  t.equal(bad.length, 1)
  t.ok(records > 400)
  await store.close()
})
