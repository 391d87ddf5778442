import { MemoryFileSystem, seededRandom } from '@minivault/wal/testing'
import t, { type Test } from 'tap'
import { type Scan, type ScanOptions, Store, type StoreOptions } from '../src/index.ts'
import { RUN_ENTRIES, WINDOW_BYTES_MIN } from '../src/limits.ts'
import { noise } from '../src/testing/index.ts'

const DIRECTORY = '/data'
const SMALL = { segmentBytes: 1 << 20, windowBytes: WINDOW_BYTES_MIN, cacheBytes: 1 << 20 }

const constantHash: NonNullable<StoreOptions['hash']> = (_bytes, _start, _end, into) => {
  into.high = 3
  into.low = 4
  return into
}

function open(disk: MemoryFileSystem, options: Partial<StoreOptions> = {}): Promise<Store> {
  return Store.open({ directory: DIRECTORY, durability: 'memory', fileSystem: disk, ...SMALL, ...options })
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}

/** `key=value's first bytes` of each entry. */
function lineOf(key: string, value: Uint8Array): string {
  return `${key}=${value.length}:${Buffer.from(value.subarray(0, 8)).toString('hex')}`
}

/** What a scan gives out of these pairs. */
function expectedOf(pairs: ReadonlyMap<string, Uint8Array>, options: ScanOptions): string[] {
  const { prefix = '', gte = '', lt = '\uffff', reverse, limit, keysOnly } = options as Record<string, string>
  const keys = [...pairs.keys()].filter((key) => key.startsWith(prefix!) && key >= gte! && key < lt!).sort()
  if (reverse) keys.reverse()
  const given = limit === undefined ? keys : keys.slice(0, Number(limit))
  return given.map((key) => lineOf(key, keysOnly ? new Uint8Array() : pairs.get(key)!))
}

/** Writes, deletes, merges and reopenings, while scans that began at some time go on. */
async function churn(t: Test, seed: number, rounds: number, options: Partial<StoreOptions>): Promise<void> {
  const random = seededRandom(seed)
  const below = (count: number) => Math.floor(random() * count)
  const disk = new MemoryFileSystem()
  let store = await open(disk, options)
  const pairs = new Map<string, Uint8Array>()
  const scans: { scan: Scan; seen: string[]; expected: string[] }[] = []
  const finish = async ({ scan, seen, expected }: (typeof scans)[number], page: number) => {
    const found = await scan.nextPage(page)
    seen.push(...found.map(({ key, value }) => lineOf(text(key), value)))
    if (found.length === page) return false
    if (seen.join() !== expected.join()) t.same(seen, expected, `seed ${seed}`)
    scan.close()
    return true
  }
  let ended = 0
  let merges = 0
  for (let round = 0; round < rounds; round++) {
    for (let i = below(60); i > 0; i--) {
      const key = `key ${below(400)}`
      if (random() < 0.25) {
        pairs.delete(key)
        await store.delete(key)
      } else {
        const value = noise(20 + below(3000), below(1 << 30))
        pairs.set(key, value)
        await store.set(key, value)
      }
    }
    const asked: ScanOptions = { reverse: random() < 0.4, keysOnly: random() < 0.3 }
    if (random() < 0.4) asked.prefix = `key ${below(40)}`
    if (random() < 0.3) asked.gte = `key ${below(400)}`
    if (random() < 0.3) asked.lt = `key ${below(400)}`
    if (random() < 0.2) asked.limit = below(30)
    scans.push({ scan: store.scan(asked), seen: [], expected: expectedOf(pairs, asked) })
    const merging = random() < 0.15 ? store.merge() : null
    for (let i = below(4); i > 0 && scans.length > 0; i--) {
      const place = below(scans.length)
      if (await finish(scans[place]!, 1 + below(300))) {
        scans.splice(place, 1)
        ended += 1
      }
    }
    if (merging !== null && (await merging).segments > 0) merges += 1
    if (random() < 0.97) continue
    for (const each of scans.splice(0)) while (!(await finish(each, 500)));
    await store.close()
    store = await open(disk, options)
  }
  for (const each of scans) while (!(await finish(each, 500)));
  t.ok(ended > rounds / 4 && merges > 2, `${ended} scans, ${merges} merges`)
  t.same(pinned(store), [], 'nothing is held')
  await store.close()
  t.equal(disk.openCount(), 0)
}

function pinned(store: Store): number[] {
  const { ledger, log } = store.engine
  return log
    .segments()
    .map(({ id }) => id)
    .filter((id) => ledger.isPinned(id))
}

t.test(
  'each scan sees the store as it began, whatever is written, deleted and merged meanwhile',
  async (t) => {
    for (let seed = 1; seed <= 4; seed++) await churn(t, seed, 120, {})
    await churn(t, 9, 60, { hash: constantHash })
    await churn(t, 10, 100, { keydirBytes: 4096, durability: 'os' })
  },
)

t.test('a small prefix in a store of many segments', async (t) => {
  const disk = new MemoryFileSystem()
  const random = seededRandom(77)
  let store = await open(disk)
  const keys = Array.from({ length: 20_000 }, (_, i) => `user:${String(i).padStart(6, '0')}`)
  for (const key of [...keys].sort(() => random() - 0.5)) await store.set(key, noise(300))
  await store.close()
  store = await open(disk)
  await store.loaded()
  const { segments } = store.stats()
  const reads = () => disk.counts.get('read')!
  await store.scan({ prefix: 'user:0', limit: 1 }).nextPage(1)
  let before = reads()
  const found = await store.scan({ prefix: 'user:00707' }).nextPage(100)
  t.same(
    found.map(({ key }) => text(key)),
    keys.slice(7070, 7080),
  )
  t.ok(reads() - before <= segments + 10, `${reads() - before} reads, ${segments} segments`)
  before = reads()
  t.same(await store.scan({ prefix: 'user:x' }).nextPage(10), [])
  t.same(await store.scan({ lt: 'user' }).nextPage(10), [])
  t.ok(reads() - before <= 4, 'nothing is read of segments whose keys are elsewhere')
  await store.close()
})

t.test('runs that scans cut short stay few', async (t) => {
  const store = await open(new MemoryFileSystem())
  for (let i = 0; i < 3000; i++) {
    await store.set(`k${(i * 7919) % 2500}`, String(i))
    await using scan = store.scan({ gte: 'k', limit: 1 })
    await scan.next()
  }
  const runs = store.engine.keys.lists().flatMap((lists) => lists.runs)
  t.ok(runs.length < 2 * Math.log2(RUN_ENTRIES), `${runs.length} runs`)
  const found = await store.scan().nextPage(5000)
  t.equal(found.length, 2500)
  const last = found.find(({ key }) => text(key) === `k${(2999 * 7919) % 2500}`)!
  t.equal(text(last.value), '2999')
  await store.close()
})

t.test('a scan shows nothing before its write is as durable as it asked for', async (t) => {
  const disk = new MemoryFileSystem()
  const store = await open(disk, { durability: 'fsync' })
  for (const keysOnly of [false, true]) {
    let isDurable = false
    const written = store.set('k', String(keysOnly)).then(() => {
      isDurable = true
    })
    await using shown = store.scan({ keysOnly })
    t.equal((await shown.nextPage(5)).length, 1)
    t.equal(isDurable, true)
    await written
  }
  disk.fault = { call: disk.calls + 1, what: 'EIO' }
  const lost = store.set('k', 'never')
  const scan = store.scan()
  await t.rejects(scan.next(), { name: 'StorageError' })
  await t.rejects(lost, { name: 'StorageError' })
  t.same(pinned(store), [])
  await store.close().catch(() => {})
})

t.test('hint files damaged under open scans are made anew, and the scans go on', async (t) => {
  const disk = new MemoryFileSystem()
  let store = await open(disk)
  const keys = Array.from({ length: 3000 }, (_, i) => `key ${String(i).padStart(4, '0')}`)
  for (const key of keys) await store.set(key, noise(1000))
  await store.close()
  store = await open(disk)
  await store.loaded()
  const scans = [store.scan(), store.scan({ reverse: true }), store.scan({ keysOnly: true })]
  const seen = await Promise.all(scans.map((scan) => scan.nextPage(10)))
  for (const [path, bytes] of disk.files()) {
    if (!path.endsWith('.hint')) continue
    const there = disk.peek(path)!
    for (let at = 128; at < bytes.length; at += 97) there[at]! ^= 85
  }
  for (const [i, scan] of scans.entries()) {
    const found = [...seen[i]!, ...(await scan.nextPage(5000))].map(({ key }) => text(key))
    t.same(i === 1 ? found.reverse() : found, keys)
    scan.close()
  }
  t.same(pinned(store), [])
  await store.close()
})

t.test('leaving a loop lets go: a merge gives the space back', async (t) => {
  const disk = new MemoryFileSystem()
  const store = await open(disk, { autoMerge: false })
  for (let i = 0; i < 3000; i++) await store.set(`k${i % 300}`, noise(1000, i))
  await store.set('large', noise(1_500_000))
  const files = () => [...disk.files().keys()].filter((path) => /\.seg$|blobs/.test(path)).length
  const held = store.scan()
  await held.next()
  await store.set('large', 'small')
  await store.sync()
  const before = files()
  await store.merge()
  t.ok(files() >= before, 'a scan holds what it may still read')
  for await (const { key, value } of held) if (text(key) === 'large') t.equal(value.length, 1_500_000)
  t.same(pinned(store), [])
  await store.merge()
  await store.sync()
  t.ok(files() < before, `${before} files, then ${files()}`)
  await store.close()
})

t.test('a scan leaves values in their files where it is asked to', async (t) => {
  const disk = new MemoryFileSystem()
  const store = await open(disk, { durability: 'fsync' })
  const long = noise(700_000, 7)
  const setting = store.set('b', long)
  await Promise.all([setting, store.set('a', 'short'), store.set('c', 'x'.repeat(5000))])
  const entries = async (options: ScanOptions) => {
    const found = []
    for await (const entry of store.scan(options)) found.push(entry)
    return found
  }
  const left = await entries({ leaveFiles: true })
  t.same(
    left.map(({ key, value, leftBytes }) => [text(key), value.length, leftBytes]),
    [
      ['a', 5, undefined],
      ['b', 0, 700_000],
      ['c', 5000, undefined],
    ],
  )
  const whole = await entries({})
  t.same(
    whole.map(({ value, leftBytes }) => [value.length, leftBytes]),
    [
      [5, undefined],
      [700_000, undefined],
      [5000, undefined],
    ],
  )
  await store.close()
  const again = await open(disk)
  const cold = []
  for await (const { key, leftBytes } of again.scan({ leaveFiles: true })) cold.push([text(key), leftBytes])
  t.same(cold, [
    ['a', undefined],
    ['b', 700_000],
    ['c', undefined],
  ])
  t.equal(again.engine.readingBytes, 0)
  await again.close()
  t.throws(() => again.scan({ leaveFiles: 1 as unknown as boolean }), { code: 'STORAGE_CLOSED' })
})
