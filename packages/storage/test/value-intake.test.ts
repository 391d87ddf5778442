/**
 * Values that are pushed in and pulled out piece by piece, as a socket does: from any chunks, through few
 * buffers, cut at any time, on a disk that fails.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashKey, KeyHash } from '@minivault/codec'
import { type FileSystem, nodeFileSystem } from '@minivault/wal'
import t from 'tap'
import type { BlobValue } from '../src/blob/blob-name.ts'
import { PieceBuffers } from '../src/blob/piece-buffers.ts'
import { ValueIntake } from '../src/blob/value-intake.ts'
import {
  APPLY,
  BLOB_PIECE_BYTES,
  type Found,
  Mutation,
  type StorageError,
  Store,
  type ValueStream,
} from '../src/index.ts'
import { noise } from '../src/testing/index.ts'

const root = mkdtempSync(join(tmpdir(), 'minivault-value-intake-'))
t.teardown(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
let ballots = 0
const fresh = () => join(root, `data${++folders}`)
const PIECE = BLOB_PIECE_BYTES

const hashOf = (key: string) => hashKey(Buffer.from(key), 0, key.length, new KeyHash())
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

/** Files under `blobs/`. */
function blobsIn(directory: string): string[] {
  const blobs = join(directory, 'blobs')
  if (!existsSync(blobs)) return []
  return readdirSync(blobs, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

/** Resolves when nothing is being written, read or removed. */
function settled(store: Store): Promise<void> {
  return new Promise((resolve) => {
    const look = () => (store.engine.inFlight === 0 ? resolve() : setTimeout(look, 1))
    look()
  })
}

/** Pushes a value as a socket does: what it has at once, and the rest when there is room. */
class Source {
  readonly ended: Promise<BlobValue>
  intake!: ValueIntake
  rooms = 0
  #staged!: (value: BlobValue) => void
  #failed!: (error: StorageError) => void
  #wake: (() => void) | null = null

  constructor() {
    this.ended = new Promise((resolve, reject) => {
      this.#staged = resolve
      this.#failed = reject
    })
    this.ended.catch(() => {})
  }
  room(): void {
    this.rooms += 1
    this.#wake?.()
  }
  staged(value: BlobValue): void {
    this.#staged(value)
  }
  failed(error: StorageError): void {
    this.#failed(error)
    this.#wake?.()
  }
  /** `chunkBytes` at a time; `pauseMs` before each. */
  async push(value: Uint8Array, chunkBytes: number, pauseMs = 0): Promise<void> {
    for (let at = 0; at < value.length; ) {
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
      // The source's memory is used again at once.
      const chunk = Uint8Array.from(value.subarray(at, at + chunkBytes))
      const taken = this.intake.write(chunk, 0, chunk.length)
      chunk.fill(0)
      at += taken
      const isStopped = taken < chunk.length && at < value.length
      if (isStopped || this.intake.isFull) await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

function apply(store: Store, key: string, staged: BlobValue, ms: number): number {
  const mutation = new Mutation()
  mutation.key = Buffer.from(key)
  mutation.keyEnd = key.length
  hashKey(mutation.key, 0, mutation.keyEnd, mutation.hash)
  mutation.ballot.set(0, ms, 7)
  return store.applyStaged(mutation, staged, 0)
}

t.test('any chunks make the value', async (t) => {
  await using store = await Store.open({ directory: fresh() })
  const sizes = [PIECE / 2 + 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 17, 7 * PIECE]
  for (const [i, size] of sizes.entries()) {
    const value = noise(size, i)
    for (const chunkBytes of [64 * 1024, 65_521, 512 * 1024, 3 * PIECE]) {
      const source = new Source()
      source.intake = store.streams.takeIn(hashOf(`k${i}`), size, source)
      await source.push(value, chunkBytes)
      const staged = await source.ended
      t.equal(staged.size, size)
      t.equal(apply(store, `k${i}`, staged, ++ballots), APPLY.applied)
      t.ok(same((await store.get(`k${i}`))!, value), `${size} in ${chunkBytes}`)
    }
  }
  t.equal(store.streams.intakeCount, 0)
})

t.test('many values through three buffers, and slow ones do not keep them', async (t) => {
  const directory = fresh()
  await using store = await Store.open({ directory })
  const buffers = new PieceBuffers(PIECE, 3, 1)
  const values = Array.from({ length: 12 }, (_, i) => noise(PIECE + 300_000 + i, i))
  let lentMax = 0
  const stagings = values.map(async (value, i) => {
    const source = new Source()
    const push = (): void => void (lentMax = Math.max(lentMax, buffers.lent))
    source.intake = new ValueIntake(store.engine, hashOf(`k${i}`), value.length, buffers, source, push)
    // The first three are slow: each holds a part of a piece for a long time.
    if (i < 3) await source.push(value, 100_000, 20)
    else await source.push(value, 200_000)
    return source.ended
  })
  for (const [i, staged] of (await Promise.all(stagings)).entries()) {
    apply(store, `k${i}`, staged, i + 1)
    t.ok(same((await store.get(`k${i}`))!, values[i]!), `value ${i}`)
  }
  t.ok(lentMax <= 3)
  t.same([buffers.lent, buffers.waiting], [0, 0])
})

t.test('sources that stand still for ever hold nobody up', async (t) => {
  await using store = await Store.open({ directory: fresh() })
  const buffers = new PieceBuffers(PIECE, 2, 1)
  const still = Array.from({ length: 8 }, (_, i) => {
    const source = new Source()
    source.intake = new ValueIntake(store.engine, hashOf(`s${i}`), 5 * PIECE, buffers, source, () => {})
    return source
  })
  for (const source of still) await source.push(noise(1000), 1000)
  const value = noise(6 * PIECE)
  const source = new Source()
  source.intake = new ValueIntake(store.engine, hashOf('k'), value.length, buffers, source, () => {})
  await source.push(value, 300_000)
  store.streams.discard(await source.ended)
  for (const one of still) one.intake.abort()
  await store.sync()
  t.same([buffers.lent, buffers.waiting], [0, 0])
})

t.test('cut anywhere, nothing is left', async (t) => {
  const directory = fresh()
  await using store = await Store.open({ directory })
  const buffers = new PieceBuffers(PIECE, 8, 8)
  const value = noise(4 * PIECE + 5)
  for (const at of [0, 1, PIECE - 1, PIECE, 2 * PIECE + 9, 4 * PIECE + 4, value.length]) {
    for (const isLater of [false, true]) {
      const source = new Source()
      source.intake = new ValueIntake(store.engine, hashOf('k'), value.length, buffers, source, () => {})
      await source.push(value.subarray(0, at), 500_000)
      if (isLater && at < value.length) await new Promise((resolve) => setTimeout(resolve, 10))
      source.intake.abort()
      source.intake.abort()
      t.equal(source.intake.write(value, 0, 10), 10, 'what still comes is passed over')
      await settled(store)
      t.same(blobsIn(directory), [], `after ${at} bytes`)
      t.same([buffers.lent, buffers.waiting], [0, 0])
    }
  }
})

t.test('closing the store ends what comes in', async (t) => {
  const directory = fresh()
  const store = await Store.open({ directory })
  const source = new Source()
  source.intake = store.streams.takeIn(hashOf('k'), 5 * PIECE, source)
  await source.push(noise(2 * PIECE + 100), 500_000)
  await store.close()
  await t.rejects(source.ended, { code: 'STORAGE_CLOSED' })
  t.same(blobsIn(directory), [])
  t.throws(() => store.streams.takeIn(hashOf('k'), PIECE, source), { code: 'STORAGE_CLOSED' })
})

t.test('too much is refused; a disk that fails leaves nothing', async (t) => {
  const directory = fresh()
  let isFailing = false
  const full = () => Object.assign(new Error('no room'), { code: 'ENOSPC' })
  const fileSystem: FileSystem = {
    ...nodeFileSystem,
    write: (descriptor, bytes, at, length, position, done) => {
      if (isFailing && position >= 2 * PIECE) setImmediate(done, full(), 0)
      else nodeFileSystem.write(descriptor, bytes, at, length, position, done)
    },
  }
  await using store = await Store.open({ directory, fileSystem })
  const source = new Source()
  t.throws(() => store.streams.takeIn(hashOf('k'), 100 * PIECE + 1, source), {
    code: 'STORAGE_VALUE_TOO_LARGE',
  })
  isFailing = true
  source.intake = store.streams.takeIn(hashOf('k'), 8 * PIECE, source)
  await source.push(noise(8 * PIECE), 500_000)
  await t.rejects(source.ended, { code: 'STORAGE_DISK_FULL' })
  await settled(store)
  isFailing = false
  t.same(blobsIn(directory), [])
  t.equal(store.streams.intakeCount, 0)
  await store.set('small', 'goes on')
})

/** A listener that wants every large value as a stream. */
class Reader {
  store!: Store
  #answer!: (answer: { found: Found | null; stream: ValueStream | null; error: unknown }) => void
  onApplied(): void {}
  onRead(_token: number, found: Found | null, error: StorageError | null): void {
    this.#answer({ found, stream: this.store.takeStream(), error })
  }
  wantsStream(token: number): boolean {
    return token === 1
  }
  async read(key: string, token: number) {
    const answer = new Promise<{ found: Found | null; stream: ValueStream | null; error: unknown }>(
      (resolve) => {
        this.#answer = resolve
      },
    )
    if (this.store.read(Buffer.from(key), 0, key.length, hashOf(key), token))
      this.onRead(token, this.store.found, null)
    return answer
  }
}

async function pull(stream: ValueStream): Promise<Buffer> {
  const target = Buffer.alloc(PIECE)
  const pieces: Buffer[] = []
  for (let piece = await stream.readInto(target); piece !== null; piece = await stream.readInto(target)) {
    pieces.push(Buffer.from(piece))
  }
  return Buffer.concat(pieces)
}

t.test('a read that wants a stream gets it, whole or a range, warm or cold', async (t) => {
  const directory = fresh()
  const value = noise(3 * PIECE + 11)
  const reader = new Reader()
  let store = await Store.open({ directory, listener: reader })
  await store.set('k', value)
  await store.set('small', 'abc')
  for (const state of ['warm', 'cold']) {
    reader.store = store
    const whole = await reader.read('k', 1)
    t.equal(whole.found!.exists, true)
    t.equal(whole.stream!.size, value.length)
    t.ok(same(await pull(whole.stream!), value), state)
    const ranges = [
      [0, 1],
      [PIECE - 1, PIECE + 1],
      [5, 3 * PIECE],
      [3 * PIECE, 9e9],
      [9e9, 9e9],
    ] as const
    for (const [start, end] of ranges) {
      const { stream } = await reader.read('k', 1)
      stream!.select(start, end)
      t.ok(same(await pull(stream!), value.subarray(start, end)), `${start} to ${end}`)
    }
    const asBytes = await reader.read('k', 0)
    t.equal(asBytes.stream, null)
    t.ok(same(asBytes.found!.copyValue(), value))
    t.equal((await reader.read('small', 1)).stream, null)
    await store.close()
    store = await Store.open({ directory, listener: reader })
  }
  await store.close()
})

t.test('two pieces are read at a time, and damage is told', async (t) => {
  const directory = fresh()
  const value = noise(3 * PIECE)
  const reader = new Reader()
  await using store = await Store.open({ directory, listener: reader })
  reader.store = store
  await store.set('k', value)
  const { stream } = await reader.read('k', 1)
  const targets = [Buffer.alloc(PIECE), Buffer.alloc(PIECE)]
  const pieces = await Promise.all(targets.map((target) => stream!.readInto(target)))
  t.ok(same(pieces[0]!, value.subarray(0, PIECE)) && same(pieces[1]!, value.subarray(PIECE, 2 * PIECE)))
  const [path] = blobsIn(directory)
  const bytes = readFileSync(path!)
  bytes[2 * PIECE + 5]! ^= 1
  writeFileSync(path!, bytes)
  await t.rejects(stream!.readInto(targets[0]!), { code: 'STORAGE_CORRUPT' })
  await t.rejects(stream!.readInto(targets[0]!), { code: 'STORAGE_CORRUPT' })
  rmSync(path!)
  const missing = await reader.read('k', 1).catch((error) => ({ error }))
  t.equal((missing.error as StorageError).code, 'STORAGE_CORRUPT')
})
