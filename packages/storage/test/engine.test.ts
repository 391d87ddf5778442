import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compareVersions, successor, Version } from '@minivault/clock'
import { hashKey } from '@minivault/codec'
import t from 'tap'
import { blobName, readBlobId } from '../src/blob/blob-name.ts'
import { APPLY, type Found, Mutation, pickMergeCandidates, SPACE, Store } from '../src/index.ts'
import { Keydir } from '../src/keydir.ts'
import { segmentsWhoseTombstonesLeave } from '../src/merge-run.ts'
import { blobValueOf, RecordView, recordBytes, TAG, writeRecord } from '../src/record.ts'
import { noise } from '../src/testing/index.ts'

const root = mkdtempSync(join(tmpdir(), 'minivault-engine-'))
t.teardown(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const fresh = () => join(root, `data${++folders}`)
const bytes = (text: string) => new TextEncoder().encode(text)

function fill(mutation: Mutation, key: string, value: string | Uint8Array, ms: number): Mutation {
  mutation.key = bytes(key)
  mutation.keyStart = 0
  mutation.keyEnd = mutation.key.length
  hashKey(mutation.key, 0, mutation.keyEnd, mutation.hash)
  mutation.value = typeof value === 'string' ? bytes(value) : value
  mutation.valueStart = 0
  mutation.valueEnd = mutation.value.length
  mutation.ballot.copy(Version.of(ms, 1, 7))
  return mutation
}

/** Completions as they come, and a promise for each token. */
class Listener {
  readonly seen: string[] = []
  readonly #waiting = new Map<number, () => void>()
  onApplied(token: number, error: unknown): void {
    this.#note(token, `applied ${token}${error ? ' failed' : ''}`)
  }
  onRead(token: number, found: Found | null): void {
    this.#note(
      token,
      `read ${token} ${found?.exists ? Buffer.from(found.copyValue()).toString() : 'nothing'}`,
    )
  }
  of(token: number): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(token, resolve))
  }
  #note(token: number, line: string): void {
    this.seen.push(line)
    this.#waiting.get(token)?.()
  }
}

t.test('apply: applied, held, stale by ballot; previous; waiting', async (t) => {
  const listener = new Listener()
  const directory = fresh()
  let store = await Store.open({ directory, listener })
  const m = new Mutation()
  t.equal(store.apply(fill(m, 'k', 'one', 1000), 1), APPLY.applied)
  t.equal(store.waiting, true)
  t.equal(store.previous.exists, false)
  t.equal(store.read(m.key, 0, m.keyEnd, m.hash, 2), false, 'not shown before it is durable')
  t.equal(store.apply(m, 3), APPLY.held)
  await listener.of(2)
  t.same(listener.seen, ['applied 1', 'applied 3', 'read 2 one'])
  t.equal(store.read(m.key, 0, m.keyEnd, m.hash, 4), true)
  t.equal(store.apply(m, 5), APPLY.held)
  t.equal(store.waiting, false, 'already durable')
  t.equal(store.apply(fill(m, 'k', 'old', 999), 6), APPLY.stale)
  t.equal(store.previous.ballot.wallMs, 1000)
  m.durability = 0
  m.version.copy(Version.of(5, 5, 5))
  m.requestId.copy(Version.of(4, 4, 4))
  m.attempt = 3
  m.valueType = 1
  t.equal(store.apply(fill(m, 'k', 'two', 1001), 7), APPLY.applied)
  t.equal(store.waiting, false)
  t.equal(store.previous.exists, true)
  m.space = SPACE.promise
  t.equal(store.apply(fill(m, 'k', 'promise', 1), 8), APPLY.applied, 'another space is another key')
  await store.close()
  store = await Store.open({ directory })
  t.equal(store.read(m.key, 0, m.keyEnd, m.hash, 9), false, 'on disk')
  t.equal(await store.get('k').then((value) => Buffer.from(value!).toString()), 'two')
  t.equal(store.read(m.key, 0, m.keyEnd, m.hash, 10), true, 'in the cache')
  const { found } = store
  t.same(
    [found.version.wallMs, found.requestId.wallMs, found.attempt, found.valueType, found.ballot.wallMs],
    [5, 4, 3, 1, 1001],
  )
  t.ok(compareVersions(store.highestBallot, Version.of(1001, 1, 7)) === 0)
  t.ok(store.stats().cacheItems > 0)
  await store.close()
})

t.test('expiry, and compressed bytes that were handed in', async (t) => {
  let now = Date.now()
  const store = await Store.open({ directory: fresh(), durability: 'memory', now: () => now })
  await store.set('k', 'v', { expiresAtMs: now + 10 })
  t.equal(await store.has('k'), true)
  now += 10
  t.equal(await store.has('k'), false)
  const m = fill(new Mutation(), 'z', 'no zstd at all', 1)
  m.codec = 1
  t.throws(() => store.apply(m, 1), { code: 'STORAGE_VALUE_ENCODING' })
  t.equal(await store.has('z'), false)
  await store.close()
})

t.test('large values: a file of their own, replaced, rescued, damaged', async (t) => {
  const directory = fresh()
  const store = await Store.open({ directory, durability: 'os' })
  const value = noise(5 << 20)
  await store.set('big', value)
  const files = () =>
    readdirSync(join(directory, 'blobs'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
  t.equal(Buffer.compare(readFileSync(files()[0]!), value), 0, 'plain bytes')
  t.equal(Buffer.compare((await store.get('big'))!, value), 0)
  await Promise.all([store.set('big', noise(2 << 20)), store.set('big', 'small')])
  await store.sync()
  t.equal(
    Buffer.from((await store.get('big'))!).toString(),
    'small',
    'the higher ballot, though it was faster',
  )
  while (files().length > 0) await new Promise(setImmediate)
  await store.set('big', value)
  writeFileSync(files()[0]!, noise(5 << 20, 9))
  await t.rejects(store.get('big'), { code: 'STORAGE_CORRUPT', path: files()[0]! })
  writeFileSync(join(directory, 'blobs', 'orphan'), 'not ours')
  await t.rejects(store.set('k', new Uint8Array(100 * 1024 * 1024 + 1)), { code: 'STORAGE_VALUE_TOO_LARGE' })
  const hundred = new Uint8Array(100 * 1024 * 1024).fill(7)
  await store.set('hundred', hundred)
  t.equal((await store.get('hundred'))?.length, hundred.length)
  await store.close()
})

t.test('merge gives space back, in the background too; tombstones leave', async (t) => {
  const directory = fresh()
  let store = await Store.open({
    directory,
    durability: 'memory',
    segmentBytes: 1 << 20,
    compression: 'none',
    cacheBytes: 4 << 20,
  })
  for (let i = 0; i < 8000; i++) await store.set(`k${i % 50}`, noise(1000, i + 1))
  for (let i = 0; i < 200 && store.stats().merges === 0; i++)
    await new Promise((resolve) => setTimeout(resolve, 10))
  t.ok(store.stats().merges > 0, 'merged by itself')
  for (let i = 0; i < 50; i++) await store.delete(`k${i}`)
  await store.set('last', 'one')
  await store.merge()
  const stats = store.stats()
  t.equal(stats.tombstones, 0)
  t.ok(stats.diskBytes < 10_000, `${stats.diskBytes} bytes left`)
  await store.close()
  for (let i = 0; i < 10; i++) {
    store = await Store.open({ directory })
    await store.set(`open${i}`, 'x')
    t.equal(await store.get('k1'), undefined)
    await store.close()
  }
  store = await Store.open({ directory })
  await store.merge()
  t.ok(store.stats().segments <= 3, `${store.stats().segments} segments`)
  t.equal(Buffer.from((await store.get('open3'))!).toString(), 'x')
  await store.close()
})

t.test('policy: what is worth merging, and when a tombstone may leave', async (t) => {
  const segment = (n: number, size: number, liveBytes: number, ageMin = n, ageMax = n) => ({
    segment: n,
    bytes: size,
    liveBytes,
    sealed: n < 9,
    inMemory: n > 5,
    ageMin,
    ageMax,
    retired: false,
  })
  const policy = {
    deadRatioMin: 0.5,
    emptyRatioMin: 0.9,
    smallBytes: 1000,
    smallCountMin: 3,
    sparesMemory: true,
    outputBytesMax: 10_000,
  }
  t.same(
    pickMergeCandidates([segment(1, 9000, 8000), segment(2, 9000, 500), segment(9, 9000, 0)], policy),
    [2],
    'a nearly empty one, though most of the log is alive',
  )
  t.same(
    pickMergeCandidates([segment(1, 9000, 8000), segment(2, 9000, 4000)], policy),
    [],
    'less than half is dead',
  )
  t.same(
    pickMergeCandidates(
      [1000, 5000, 7000, 3000].map((live, i) => segment(i + 1, 9000, live)),
      policy,
    ),
    [1, 2, 4],
    'the deadest first, as many as fit one output',
  )
  t.same(
    pickMergeCandidates(
      [segment(1, 9000, 1000), segment(2, 9000, 1000), segment(3, 9000, 8000), segment(7, 9000, 8900)],
      policy,
    ),
    [1, 2],
    'what lies in memory does not count, and what is mostly alive is left',
  )
  t.same(
    pickMergeCandidates(
      [1, 2, 3, 9].map((n) => segment(n, 900, 800)),
      policy,
    ),
    [1, 2, 3],
  )
  t.same(
    pickMergeCandidates(
      [1, 2].map((n) => segment(n, 900, 800)),
      policy,
    ),
    [],
  )
  const warm = [segment(7, 9000, 1000), segment(8, 9000, 0)]
  t.same(pickMergeCandidates(warm, policy), [8], 'what is in memory is left, unless nothing in it lives')
  t.same(pickMergeCandidates(warm, { ...policy, sparesMemory: false }), [7, 8])
  const [a, b, c] = [segment(1, 1, 1), segment(5, 1, 1, 1, 3), segment(4, 1, 1)]
  t.same([...segmentsWhoseTombstonesLeave([a, b], [a, b, c])], [5], 'only the one dropped last')
  t.same([...segmentsWhoseTombstonesLeave([b], [a, b, c])], [])
})

t.test('keydir: growth and removal keep every other slot', async (t) => {
  const keydir = new Keydir()
  const live = new Map<number, number>()
  let state = 1
  const next = () => (state = (Math.imul(state, 1103515245) + 12345) | 0)
  for (let i = 1; i <= 20_000; i++) {
    const fingerprint = next() & 0x3fff0000
    const slot = keydir.insert(3, fingerprint)
    keydir.shards[3]![slot + 1] = i
    keydir.shards[3]![slot + 2] = i
    live.set(i, fingerprint)
    if (i % 3 === 0) {
      const gone = i - (Math.abs(next()) % 100)
      const print = live.get(gone)
      if (print !== undefined) keydir.remove(3, keydir.findPosition(3, print, gone, gone))
      live.delete(gone)
    }
  }
  t.equal(keydir.size, live.size)
  let missing = 0
  for (const [i, print] of live) if (keydir.findPosition(3, print, i, i) < 0) missing += 1
  t.equal(missing, 0)
  t.ok(keydir.shards[3]!.byteLength / live.size <= 60)
})

t.test('vectors of the record format', async (t) => {
  const folder = join(import.meta.dirname, 'vectors')
  const vector = (name: string) => {
    const text = readFileSync(join(folder, `${name}.hex`), 'utf8')
    return Buffer.from(text.replace(/#.*$/gm, '').replace(/\s/g, ''), 'hex')
  }
  const encode = (
    mutation: Mutation,
    value: Uint8Array,
    codec: 0 | 1 | 2,
    raw: number,
    blob: Parameters<typeof writeRecord>[8],
  ) => {
    const record = new Uint8Array(recordBytes(mutation, value.length, blob !== null))
    t.equal(writeRecord(mutation, record, 0, value, 0, value.length, codec, raw, blob), record.length)
    return Buffer.from(record).toString('hex')
  }
  const m = fill(new Mutation(), 'key', 'value', 0x010203040506)
  t.equal(encode(m, bytes('value'), 0, 5, null), vector('plain').toString('hex'))
  m.expiresAtMs = 0x0102030405
  t.equal(encode(m, bytes('value'), 0, 5, null), vector('expiry').toString('hex'))
  m.expiresAtMs = 0
  t.equal(encode(m, bytes('fakezstd'), 1, 4096, null), vector('zstd').toString('hex'))
  const name = blobName(m.hash, 0xaabbccdd, 9)
  const checksums = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
  t.equal(encode(m, checksums, 0, 2 << 20, name), vector('blob').toString('hex'))
  m.version.copy(Version.of(5, 1, 2))
  m.requestId.copy(Version.of(4, 1, 2))
  m.attempt = 3
  m.valueType = 1
  t.equal(encode(m, bytes('value'), 0, 5, null), vector('tagged').toString('hex'))
  m.version.clear()
  m.requestId.clear()
  m.attempt = 0
  m.tombstone = true
  m.valueType = 0
  t.equal(encode(m, bytes(''), 0, 0, null), vector('tombstone').toString('hex'))
  const promise = fill(new Mutation(), 'key', '', 0x010203040506)
  promise.space = SPACE.promise
  promise.requestId.copy(Version.of(4, 1, 2))
  promise.attempt = 3
  t.equal(encode(promise, bytes(''), 0, 0, null), vector('promise').toString('hex'))
  const mark = fill(new Mutation(), 'promise/0007', '', 0)
  mark.space = SPACE.meta
  successor(new Version(), 0, mark.ballot)
  const ballot = Buffer.from('010203040506000100000007', 'hex')
  t.equal(encode(mark, ballot, 0, ballot.length, null), vector('metadata').toString('hex'))
  const unknown = vector('unknown-tag')
  const view = new RecordView()
  t.equal(view.read(unknown, 0, unknown.length), true)
  t.equal(view.field(unknown, TAG.attempt, 1), view.taggedStart + 7, 'found behind a tag nobody knows')
  t.equal(unknown.toString('utf8', view.keyStart, view.keyEnd), 'key')
  const blob = vector('blob')
  t.equal(view.read(blob, 0, blob.length), true)
  t.equal(readBlobId(blob, view.field(blob, TAG.blob, 16)), name)
  t.equal(blobValueOf(view, blob)?.checksums, checksums.toString('hex'))
  for (let cut = 0; cut < unknown.length - 5; cut++)
    t.equal(view.read(unknown, 0, cut), false, `cut at ${cut}`)
})
