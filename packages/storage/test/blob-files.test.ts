/**
 * Blob files by themselves, on a simulated disk and in small pieces: written from any chunks, verified piece
 * by piece, durable at the end at whatever call the power goes, kept while they are read, collected when
 * nothing names them.
 */
import { checksum64, KeyHash } from '@minivault/codec'
import { MemoryFileSystem } from '@minivault/wal/testing'
import fc from 'fast-check'
import t from 'tap'
import { BlobFiles } from '../src/blob/blob-files.ts'
import type { BlobValue } from '../src/blob/blob-name.ts'
import { noise } from '../src/testing/index.ts'
import { Crashed, ForgetfulDisk, until } from './fixtures/crashing-store.ts'

const PIECE = 1000
const hash = new KeyHash()
hash.high = 0x12345678

function filesOn(disk: MemoryFileSystem, writerId = 7): BlobFiles {
  return new BlobFiles(disk, '/data/blobs', writerId, { pieceBytes: PIECE, syncBytes: 2 * PIECE })
}

async function write(files: BlobFiles, value: Uint8Array, chunks: number[]): Promise<BlobValue> {
  const writer = files.create(hash)
  let at = 0
  for (const length of [...chunks, value.length]) {
    // A source may use its memory again as soon as the chunk is taken.
    const chunk = Uint8Array.from(value.subarray(at, at + length))
    await writer.append(chunk)
    chunk.fill(0)
    at += length
  }
  return writer.finish()
}

const same = (a: Uint8Array | undefined, b: Uint8Array) => a !== undefined && Buffer.compare(a, b) === 0

t.test('any chunks make the same file, and any piece of it reads back', async (t) => {
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: 5 * PIECE }),
    fc.array(fc.integer({ min: 0, max: 2500 }), { maxLength: 8 }),
    async (size, chunks) => {
      const files = filesOn(new MemoryFileSystem())
      const value = noise(size)
      const blob = await write(files, value, chunks)
      let checksums = ''
      for (let at = 0; at < size; at += PIECE) checksums += checksum64(value.subarray(at, at + PIECE))
      if (blob.checksums !== checksums || blob.size !== size) return false
      if (!same((files.fileSystem as MemoryFileSystem).peek(files.pathOf(blob.name)), value)) return false
      if (!same(await files.read(blob), value) || !same(files.readSync(blob), value)) return false
      const reader = files.open(blob)
      for (let i = reader.count - 1; i >= 0; i--) {
        const piece = new Uint8Array(reader.bytesOf(i) + 2)
        await reader.read(i, piece, 1)
        if (!same(piece.subarray(1, -1), value.subarray(i * PIECE, (i + 1) * PIECE))) return false
      }
      reader.close()
      return (files.fileSystem as MemoryFileSystem).openCount() === 0
    },
  )
  await fc.assert(property, { numRuns: 200 })
  t.pass('200 runs')
})

t.test('every damaged byte is seen, and only its piece is lost', async (t) => {
  const disk = new MemoryFileSystem()
  const files = filesOn(disk)
  const value = noise(2 * PIECE + 300)
  const blob = await write(files, value, [])
  const path = files.pathOf(blob.name)
  let seen = 0
  for (let at = 0; at < value.length; at++) {
    const bytes = disk.peek(path)!
    bytes[at]! ^= 1 << (at & 7)
    const damaged = Math.floor(at / PIECE)
    const reader = files.open(blob)
    for (let i = 0; i < 3; i++) {
      const outcome = await reader.read(i, new Uint8Array(PIECE), 0).catch((error: Error) => error)
      const isRight =
        i === damaged
          ? (outcome as { code?: string }).code === 'STORAGE_CORRUPT' &&
            (outcome as { path?: string }).path === path &&
            (outcome as Error).message.includes(`bytes ${i * PIECE} to`)
          : outcome === undefined
      if (isRight) seen += 1
    }
    reader.close()
    bytes[at]! ^= 1 << (at & 7)
  }
  t.equal(seen, 3 * value.length)
  disk.peek(path)![PIECE]! ^= 1
  await t.rejects(files.read(blob), { code: 'STORAGE_CORRUPT', path })
  t.throws(() => files.readSync(blob), { code: 'STORAGE_CORRUPT', path })
  for (const length of [0, 1, value.length - 1, value.length + 1]) {
    disk.plant(path, Buffer.concat([value, noise(1)]).subarray(0, length))
    await t.rejects(files.read(blob), { code: 'STORAGE_CORRUPT', path }, `${length} bytes`)
  }
  disk.remove(path)
  await t.rejects(files.read(blob), { code: 'STORAGE_CORRUPT', path }, 'gone')
  t.throws(() => files.open({ ...blob, checksums: '' }), { code: 'STORAGE_CORRUPT' })
  t.equal(disk.openCount(), 0)
})

t.test('a crash at every call: what finished is whole', async (t) => {
  const value = noise(7 * PIECE + 1)
  const run = async (disk: MemoryFileSystem): Promise<BlobValue> =>
    until(disk, write(filesOn(disk), value, [10, 2990, 500]))
  const calm = new MemoryFileSystem()
  const blob = await run(calm)
  t.ok(calm.calls > 15, `${calm.calls} calls`)
  t.ok((calm.counts.get('datasync') ?? 0) >= 3, 'synced on the way')
  const survives = async (disk: MemoryFileSystem, call: number, seed: number) => {
    disk.fault = { call, what: 'crash-after' }
    let isFinished = true
    await run(disk).catch((error: unknown) => {
      if (!(error instanceof Crashed)) throw error
      isFinished = false
    })
    disk.restart(seed)
    return (
      !isFinished ||
      same(
        await filesOn(disk)
          .read(blob)
          .catch(() => undefined),
        value,
      )
    )
  }
  // Beyond the last call the power goes after everything.
  for (let call = 1; call <= calm.calls + 1; call++) {
    for (let seed = 1; seed <= 5; seed++) {
      if (!(await survives(new MemoryFileSystem(), call, seed))) t.fail(`call ${call}, seed ${seed}`)
    }
  }
  let caught = 0
  for (let seed = 1; seed <= 5; seed++) {
    if (!(await survives(new ForgetfulDisk(), 1000, seed))) caught += 1
  }
  t.ok(caught > 0, `the control, a disk that forgets to sync, is caught ${caught} times`)
})

t.test('a failing call leaves no file', async (t) => {
  const value = noise(5 * PIECE + 1)
  const calm = new MemoryFileSystem()
  await write(filesOn(calm), value, [])
  for (let call = 1; call <= calm.calls; call++) {
    const disk = new MemoryFileSystem()
    disk.fault = { call, what: 'ENOSPC' }
    const files = filesOn(disk)
    const outcome = await (async () => {
      const writer = files.create(hash)
      try {
        await writer.append(value)
        return await writer.finish()
      } catch (error) {
        await writer.abort()
        throw error
      }
    })().catch((error: { code?: string }) => error)
    t.match(outcome, { code: 'ENOSPC' }, disk.history[call - 1]!)
    t.same([...disk.files().keys()], [], 'nothing is left')
    t.equal(disk.openCount(), 0)
  }
})

t.test('a file stays while it is read', async (t) => {
  const disk = new MemoryFileSystem()
  const files = filesOn(disk)
  const value = noise(3 * PIECE)
  const blob = await write(files, value, [])
  const path = files.pathOf(blob.name)
  const first = files.open(blob)
  const second = files.open(blob)
  await files.remove(blob.name)
  t.ok(disk.exists(path))
  first.close()
  first.close()
  t.ok(disk.exists(path), 'one reader is left')
  const piece = new Uint8Array(PIECE)
  const reading = second.read(1, piece, 0)
  second.close()
  t.equal(disk.openCount(), 1, 'not closed under a read')
  await reading
  t.ok(same(piece, value.subarray(PIECE, 2 * PIECE)))
  t.equal(disk.openCount(), 0)
  t.notOk(disk.exists(path), 'unlinked with the last reader')
  await t.rejects(second.read(0, piece, 0))
})

t.test('orphans: what is not asked for stays, what is new stays', async (t) => {
  const disk = new MemoryFileSystem()
  const before = filesOn(disk)
  const blobs: BlobValue[] = []
  for (let i = 0; i < 200; i++) {
    hash.high = (i * 0x01010000) | 0
    blobs.push(await write(before, noise(10), []))
  }
  disk.plant('/data/blobs/ab/cd/notes.txt', noise(1))
  const files = filesOn(disk, 8)
  const made = await write(files, noise(20), [])
  files.named(blobs[3]!.name)
  const live = new Set([blobs[1]!.name])
  let turns = 0
  const turn = async () => void (turns += 1)
  t.equal(await files.collectOrphans((name) => !live.has(name), turn), 198)
  t.ok(turns > 3, `${turns} turns`)
  const left = [...disk.files().keys()].map((path) => path.slice(path.lastIndexOf('/') + 1)).sort()
  t.same(left, [blobs[1]!.name, blobs[3]!.name, made.name, 'notes.txt'].sort())
  t.equal(await filesOn(new MemoryFileSystem()).collectOrphans(() => true, turn), 0, 'no folder yet')
})
