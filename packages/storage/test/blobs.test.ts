/**
 * Large values in the store: streamed in and out, overtaken, touched, kept while they are read, and let go by
 * whoever forgets a stream.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Version } from '@minivault/clock'
import { hashKey, type KeyHash } from '@minivault/codec'
import { nodeFileSystem, type Scheduler } from '@minivault/wal'
import t from 'tap'
import { APPLY, Mutation, Store, type StoreOptions } from '../src/index.ts'
import { BLOB_ABOVE_BYTES, BLOB_PIECE_BYTES, STREAM_IDLE_MS_MAX } from '../src/limits.ts'
import { noise } from '../src/testing/index.ts'

const root = mkdtempSync(join(tmpdir(), 'minivault-blobs-'))
t.teardown(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const LARGE = 2 * BLOB_PIECE_BYTES + 77
async function open(options: Partial<StoreOptions> = {}) {
  const directory = options.directory ?? join(root, `data${++folders}`)
  const store = await Store.open({ directory, durability: 'os', cacheBytes: 16 << 20, ...options })
  const files = () =>
    readdirSync(join(directory, 'blobs'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
  return { store, directory, files }
}

async function* inPieces(value: Uint8Array, bytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < value.length; at += bytes) yield value.subarray(at, at + bytes)
}

const same = (a: Uint8Array | undefined, b: Uint8Array) => a !== undefined && Buffer.compare(a, b) === 0
const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate)
}
/** How many files there are once there are no more than these: files go beside the event loop. */
async function atMost(count: number, files: () => string[]): Promise<number> {
  for (let i = 0; i < 10_000 && files().length > count; i++) await turns(1)
  return files().length
}

t.test('what comes from a stream is the value, short or long', async (t) => {
  const { store, files } = await open()
  await store.setStream('short', inPieces(noise(BLOB_ABOVE_BYTES), 1000))
  t.equal((await store.getStream('short'))?.size, BLOB_ABOVE_BYTES)
  t.throws(files, 'no file was made')
  await store.setStream('long', inPieces(noise(BLOB_ABOVE_BYTES + 1), 999))
  t.equal(files().length, 1)
  t.ok(same(readFileSync(files()[0]!), noise(BLOB_ABOVE_BYTES + 1)), 'plain bytes')
  await store.close()
})

t.test('a piece is read when it is asked for, and belongs to the receiver', async (t) => {
  let reads = 0
  const fileSystem = {
    ...nodeFileSystem,
    read: (...args: Parameters<typeof nodeFileSystem.read>) => {
      reads += 1
      nodeFileSystem.read(...args)
    },
  }
  const { store } = await open({ fileSystem, processes: null })
  const value = noise(LARGE)
  await store.set('k', value)
  const web = (await store.getStream('k'))!.web()
  await turns(20)
  t.equal(reads, 0, 'nothing before the first pull')
  const reader = web.getReader()
  const first = (await reader.read()).value!
  t.equal(reads, 1)
  first.fill(0)
  t.ok(same(await store.get('k'), value), 'the store has its own')
  await reader.cancel()
  reads = 0
  const range = (await store.getStream('k', { start: BLOB_PIECE_BYTES + 5, end: BLOB_PIECE_BYTES + 9 }))!
  for await (const piece of range) t.ok(same(piece, value.subarray(range.start, range.end)))
  t.equal(reads, 1, 'a range costs the pieces it touches')
  await store.close()
})

t.test('a damaged piece ends the stream before a byte of it leaves', async (t) => {
  const { store, files } = await open()
  const value = noise(LARGE)
  await store.set('k', value)
  const [path] = files() as [string]
  const damaged = Uint8Array.from(value)
  damaged[BLOB_PIECE_BYTES + 500]! ^= 1
  writeFileSync(path, damaged)
  const where = { code: 'STORAGE_CORRUPT', path, message: new RegExp(`bytes ${BLOB_PIECE_BYTES} to`) }
  const kinds = {
    'for await': (stream: AsyncIterable<Uint8Array>) => stream,
    node: (stream: { node(): AsyncIterable<Uint8Array> }) => stream.node(),
    web: (stream: { web(): unknown }) => stream.web() as AsyncIterable<Uint8Array>,
  }
  for (const [name, kind] of Object.entries(kinds)) {
    const got: Uint8Array[] = []
    const reading = (async () => {
      for await (const piece of kind((await store.getStream('k'))!)) got.push(piece)
    })()
    await t.rejects(reading, where, name)
    t.ok(same(Buffer.concat(got), value.subarray(0, BLOB_PIECE_BYTES)), `${name}: what came is right`)
  }
  await t.rejects(store.get('k'), where)
  t.throws(() => store.getSync('k'), where)
  for await (const piece of (await store.getStream('k', { start: 2 * BLOB_PIECE_BYTES }))!) {
    t.equal(piece.length, 77, 'the other pieces are fine')
  }
  writeFileSync(path, value.subarray(0, 100))
  await t.rejects(store.getStream('k'), { code: 'STORAGE_CORRUPT', path })
  rmSync(path)
  await t.rejects(store.getStream('k'), { code: 'STORAGE_CORRUPT', path, message: /missing/ })
  t.equal(await store.has('k'), true, 'the rest of the record is there')
  await store.close()
})

t.test('the file goes with the last reader, however that ends', async (t) => {
  const endings = {
    'read to the end': async (store: Store) => {
      const stream = (await store.getStream('k'))!
      return async () => {
        for await (const _ of stream);
      }
    },
    cancel: async (store: Store) => {
      const stream = (await store.getStream('k'))!
      return async () => stream.cancel()
    },
    'break out of the loop': async (store: Store) => {
      const stream = (await store.getStream('k'))!
      return async () => {
        for await (const _ of stream) break
      }
    },
    'destroy, untouched': async (store: Store) => {
      const stream = (await store.getStream('k'))!.node()
      return async () => void stream.destroy()
    },
    'destroy with an error, half read': async (store: Store) => {
      const stream = (await store.getStream('k'))!.node()
      stream.on('error', () => {})
      await new Promise((resolve) => stream.once('readable', resolve))
      stream.read()
      return async () => void stream.destroy(new Error('enough'))
    },
    'web cancel': async (store: Store) => {
      const reader = (await store.getStream('k'))!.web().getReader()
      await reader.read()
      return () => reader.cancel()
    },
  }
  const { store, files } = await open()
  for (const [name, begin] of Object.entries(endings)) {
    await store.set('k', noise(LARGE))
    const end = await begin(store)
    await store.set('k', 'short')
    await store.sync()
    await turns(5)
    t.equal(files().length, 1, `${name}: kept while it is open`)
    await end()
    t.equal(await atMost(0, files), 0, `${name}: then it goes`)
  }
  await store.close()
})

t.test('a forgotten stream ends by itself, one that is read does not', async (t) => {
  const timers: { ms: number; run: () => void }[] = []
  const scheduler: Scheduler = {
    afterTurn: (run) => void setImmediate(run),
    after: (ms, run) => {
      if (ms === STREAM_IDLE_MS_MAX) return timers.push({ ms, run })
      return setTimeout(run, ms)
    },
    cancel: (handle) => {
      if (typeof handle === 'number') timers.length = 0
      else clearTimeout(handle as NodeJS.Timeout)
    },
  }
  const { store, files } = await open({ scheduler })
  await store.set('k', noise(LARGE))
  const forgotten = (await store.getStream('k'))!
  const read = (await store.getStream('k'))![Symbol.asyncIterator]()
  const expired = { code: 'STORAGE_STREAM_EXPIRED' }
  await store.set('k', 'short')
  await store.sync()
  timers.shift()!.run()
  t.equal((await read.next()).value?.length, BLOB_PIECE_BYTES)
  timers.shift()!.run()
  t.equal((await read.next()).value?.length, BLOB_PIECE_BYTES, 'the one that is read goes on')
  await t.rejects(forgotten[Symbol.asyncIterator]().next(), expired)
  t.equal(files().length, 1)
  timers.shift()!.run()
  timers.shift()!.run()
  await t.rejects(read.next(), expired)
  t.equal(timers.length, 0, 'nothing is open, nothing is waited for')
  t.equal(await atMost(0, files), 0)
  await store.close()
})

t.test('closing ends what is open and what never comes', async (t) => {
  const { store, directory } = await open()
  await store.set('k', noise(LARGE))
  const stream = (await store.getStream('k'))![Symbol.asyncIterator]()
  await stream.next()
  const reading = stream.next()
  async function* stalls() {
    yield noise(LARGE)
    await new Promise(() => {})
  }
  const writing = store.setStream('new', stalls())
  await turns(50)
  await store.sync()
  const rejected = t.rejects(writing, { code: 'STORAGE_CLOSED' })
  await store.close()
  await rejected
  t.equal((await reading).value?.length, BLOB_PIECE_BYTES, 'a piece in flight arrives')
  await t.rejects(stream.next(), { code: 'STORAGE_CLOSED' })
  await t.rejects(store.getStream('k'), { code: 'STORAGE_CLOSED' })
  await t.rejects(store.setStream('k', inPieces(noise(1), 1)), { code: 'STORAGE_CLOSED' })
  const { store: again, files } = await open({ directory })
  t.equal(files().length, 1, 'no file of what never came')
  t.equal(await again.has('new'), false)
  await again.close()
})

t.test('what a source must be', async (t) => {
  const { store, files } = await open()
  const option = { code: 'STORAGE_OPTION' }
  async function* texts() {
    yield 'text'
  }
  for (const source of [null, undefined, 5, 'text', noise(5), [noise(5)], texts()]) {
    await t.rejects(store.setStream('k', source as never), option)
  }
  let isReleased = false
  async function* endless() {
    try {
      for (;;) yield noise(BLOB_PIECE_BYTES)
    } finally {
      isReleased = true
    }
  }
  await t.rejects(store.setStream('k', endless()), { code: 'STORAGE_VALUE_TOO_LARGE' })
  await turns(2)
  t.ok(isReleased, 'the source is told')
  for (const size of [LARGE - 1, LARGE + 1]) {
    await t.rejects(store.setStream('k', inPieces(noise(LARGE), 65_536), { size }), option)
  }
  t.same(files(), [])
  t.equal(await store.has('k'), false)
  await store.close()
})

t.test('a touched value keeps its file, through merge and reopen', async (t) => {
  let now = Date.now()
  const clock = { now: () => now }
  const { store, directory, files } = await open({ ...clock, segmentBytes: 4 << 20 })
  const value = noise(LARGE)
  await store.set('k', value, { ttlMs: 1000 })
  const [path] = files()
  for (let i = 0; i < 3; i++) {
    t.equal(await store.touch('k', { ttlMs: 5000 + i, durability: 'fsync' }), true)
    await store.sync()
    t.ok(same(await store.get('k'), value))
  }
  now += 2000
  t.same(files(), [path], 'the same file')
  await store.merge()
  await store.close()
  const { store: again } = await open({ ...clock, directory })
  t.ok(same(await again.get('k'), value))
  const stream = (await again.getStream('k'))!
  t.equal(stream.expiresAtMs, now + 3002)
  stream.cancel()
  await again.touch('k')
  await again.set('k', 'short')
  await again.sync()
  t.equal(await atMost(0, files), 0, 'gone with the record that does not name it')
  await again.close()
})

t.test('a write that was overtaken completes, and leaves nothing', async (t) => {
  const outcomes: string[] = []
  const listener = {
    onApplied: (token: number, error: Error | null) => void outcomes.push(`${token} ${error ?? 'applied'}`),
    onRead: () => {},
  }
  const { store, directory, files } = await open({ listener })
  const mutation = (value: Uint8Array, ballot: number) => {
    const m = new Mutation()
    m.key = new TextEncoder().encode('k')
    m.keyEnd = 1
    hashKey(m.key, 0, 1, m.hash)
    m.value = value
    m.valueEnd = value.length
    m.ballot.copy(Version.of(ballot, 0, 1))
    return m
  }
  t.equal(store.apply(mutation(noise(LARGE), 10), 1), APPLY.applied)
  t.equal(store.apply(mutation(noise(10), 20), 2), APPLY.applied, 'higher, and there at once')
  while (outcomes.length < 2) await turns(1)
  t.same(outcomes.sort(), ['1 applied', '2 applied'])
  t.equal((await store.get('k'))?.length, 10)
  t.equal(await atMost(0, files), 0)
  outcomes.length = 0
  t.equal(store.apply(mutation(noise(LARGE), 30), 3), APPLY.applied)
  t.equal(store.apply(mutation(noise(LARGE), 30), 4), APPLY.applied, 'the same one twice, both on their way')
  while (outcomes.length < 2) await turns(1)
  t.ok(same(await store.get('k'), noise(LARGE)))
  t.equal(await atMost(1, files), 1, 'held: one file is enough')
  t.equal(store.apply(mutation(noise(LARGE), 25), 5), APPLY.stale)
  await store.close()
  const { store: again } = await open({ directory })
  t.ok(same(await again.get('k'), noise(LARGE)), 'and it stays so')
  await again.close()
})

t.test('two keys with one hash have two files', async (t) => {
  const hash = (_bytes: Uint8Array, _start: number, _end: number, target: KeyHash) => {
    target.high = 0x0a0b0c0d
    target.low = 1
    return target
  }
  const { store, directory, files } = await open({ hash })
  const one = noise(LARGE, 1)
  const two = noise(LARGE, 2)
  await store.set('one', one)
  await store.setStream('two', inPieces(two, 70_000))
  t.equal(files().length, 2)
  t.ok(files().every((path) => path.includes(join('blobs', '0a', '0b', '0a0b0c0d00000001-'))))
  t.ok(same(await store.get('one'), one))
  t.ok(same(await store.get('two'), two))
  await store.set('one', two)
  await store.sync()
  await store.close()
  const { store: again } = await open({ hash, directory })
  t.equal(await atMost(2, files), 2)
  t.ok(same(await again.get('one'), two))
  await again.delete('one')
  await again.sync()
  t.ok(same(again.getSync('two'), two))
  await again.close()
})

t.test('a record read slowly, its file gone meanwhile: the key is read again', async (t) => {
  let held: (() => void)[] | null = null
  const fileSystem = {
    ...nodeFileSystem,
    read: (...args: Parameters<typeof nodeFileSystem.read>) => {
      const start = () => nodeFileSystem.read(...args)
      if (held === null) start()
      else held.push(start)
    },
  }
  const { store: before, directory } = await open()
  for (const key of ['get', 'stream']) await before.set(key, noise(LARGE))
  await before.close()
  const { store, files } = await open({ directory, fileSystem, processes: null })
  for (const key of ['get', 'stream']) {
    held = []
    const reading = key === 'get' ? store.get(key) : store.getStream(key)
    await turns(2)
    t.equal(held.length, 1, `${key}: the record is on its way from the disk`)
    await store.set(key, 'new', { durability: 'fsync' })
    await atMost(key === 'get' ? 1 : 0, files)
    for (const start of held) start()
    held = null
    const answer = (await reading)!
    if (answer instanceof Uint8Array) t.equal(Buffer.from(answer).toString(), 'new')
    else for await (const piece of answer) t.equal(Buffer.from(piece).toString(), 'new')
  }
  t.same(files(), [])
  await store.close()
})

t.test('reads that meet writes: the old value or the new one, never an error', async (t) => {
  const { store } = await open()
  const values = [noise(LARGE, 1), noise(LARGE, 2), noise(LARGE, 3)]
  await store.set('k', values[0]!)
  let isDone = false
  const reading = (async () => {
    let count = 0
    while (!isDone) {
      const value = await store.get('k')
      const stream = (await store.getStream('k'))!
      const pieces: Uint8Array[] = []
      for await (const piece of stream) pieces.push(piece)
      const streamed = Buffer.concat(pieces)
      if (!values.some((one) => same(value, one))) throw new Error('get gave something else')
      if (!values.some((one) => same(streamed, one))) throw new Error('getStream gave something else')
      count += 1
    }
    return count
  })()
  for (let i = 0; i < 20; i++) await store.set('k', values[i % 3]!, { durability: 'fsync' })
  isDone = true
  t.ok((await reading) > 0)
  await store.close()
})
