/**
 * What the log says about a disk that lies or fails: flipped bytes, cut files, errors, full disks. And what
 * its writes and syncs cost in calls.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { crc32 as nativeCrc32 } from 'node:zlib'
import { crc32, DURABILITY, type Log } from '@minivault/wal'
import { MemoryFileSystem, seededRandom } from '@minivault/wal/testing'
import t from 'tap'
import { assemble } from '../bench/assemble.ts'
import { CRC32_MODULE } from '../src/crc32-module.ts'
import { areEntriesSound, sealEntries } from '../src/entry-checksums.ts'
import { TAIL_SYNC_BYTES } from '../src/limits.ts'
import { append, Bench, DIRECTORY, payload } from './harness.ts'

const { WRITE_VECTORS } = process.env

async function closedLog(): Promise<Map<string, Uint8Array>> {
  const bench = new Bench()
  for (let life = 0; life < 2; life++) {
    const log = await bench.open()
    for (let n = 0; n < 4; n++) append(log, life * 10 + n)
    await bench.until(log.close())
  }
  return bench.disk.files()
}

/** The code that opening these files ends with, or 'opened'. */
async function openCode(files: Map<string, Uint8Array>): Promise<string> {
  const disk = new MemoryFileSystem()
  for (const [path, bytes] of files) disk.plant(path, bytes)
  try {
    await new Bench(disk).open()
    return 'opened'
  } catch (error) {
    return String((error as { code?: string }).code)
  }
}

t.test('every flip and every truncation of a closed log is detected', async (t) => {
  const files = await closedLog()
  t.equal(await openCode(files), 'opened')
  const wrong: string[] = []
  let cases = 0
  for (const [path, bytes] of files) {
    for (let i = 0; i < bytes.length; i++) {
      const flipped = bytes.slice()
      flipped[i]! ^= 1 << (i & 7)
      const code = await openCode(new Map(files).set(path, flipped))
      if (code !== 'WAL_CORRUPT') wrong.push(`${path} flip ${i}: ${code}`)
      const cut = await openCode(new Map(files).set(path, bytes.slice(0, i)))
      if (cut !== 'WAL_CORRUPT') wrong.push(`${path} cut ${i}: ${cut}`)
      cases += 2
    }
    const without = new Map(files)
    without.delete(path)
    if ((await openCode(without)) !== 'WAL_CORRUPT') wrong.push(`${path} removed`)
  }
  t.same(wrong.slice(0, 5), [])
  t.ok(cases > 3000)
})

t.test('a crashed log: below the last syncedUpTo a flip is corrupt, above it torn', async (t) => {
  const bench = new Bench()
  const log = await bench.open()
  let offset = 0
  for (let n = 0; n < 4; n++) {
    offset = append(log, n).offset
    log.demand(DURABILITY.fsync)
    await bench.turn()
  }
  const [segment] = log.segments()
  const files = bench.disk.files()
  const bytes = files.get(segment!.path)!
  const syncedUpTo = offset - 40
  for (let i = 0; i < syncedUpTo; i++) {
    const flipped = bytes.slice()
    flipped[i]! ^= 1 << (i & 7)
    const code = await openCode(new Map(files).set(segment!.path, flipped))
    if (code !== 'WAL_CORRUPT') t.fail(`flip ${i}: ${code}`)
  }
  const disk = new MemoryFileSystem()
  for (const [path, content] of files) disk.plant(path, content)
  disk.peek(segment!.path)![offset + 5]! ^= 4
  const torn = new Bench(disk)
  const again = await torn.open()
  t.same(torn.seen, [0, 1, 2])
  t.equal(again.recovery.tornTails, 1)
  t.equal(again.recovery.cleanClose, false)
  disk.restart()
  disk.peek(segment!.path)![100]! ^= 4
  const rescue = new Bench(disk)
  await t.rejects(rescue.open(), { code: 'WAL_CORRUPT', path: segment!.path, offset: 64 })
  const rescued = await rescue.open({ onCorrupt: 'skip' })
  t.same(rescue.seen, [1, 2])
  t.equal(rescued.recovery.corruptPlaces, 1)
})

t.test('a read checks what it reads', async (t) => {
  const bench = new Bench()
  const log = await bench.open()
  const place = append(log, 3)
  log.flush()
  const { length } = payload(3)
  const target = new Uint8Array(length)
  bench.disk.peek(log.segments()[0]!.path)![place.offset + 9]! ^= 1
  const at = place.offset - 8
  t.throws(() => log.readSync(place.segment, place.offset, length, target, 0), {
    code: 'WAL_CORRUPT',
    offset: at,
  })
  t.throws(() => log.readSync(place.segment, place.offset, length - 1, target, 0), { code: 'WAL_CORRUPT' })
  t.same([...target], [...new Uint8Array(length)], 'nothing of it was handed out')
})

t.test('the first failed call is final', async (t) => {
  for (const [name, what, code] of [
    ['write', 'EIO', 'WAL_IO'],
    ['write', 'ENOSPC', 'WAL_FULL'],
    ['datasync', 'EIO', 'WAL_IO'],
    ['open', 'EIO', 'WAL_IO'],
    ['syncDirectory', 'EIO', 'WAL_IO'],
  ] as const) {
    const bench = new Bench()
    let log: Log = await bench.open()
    const first = append(log, 1)
    if (name === 'write' || name === 'datasync') await Promise.all([bench.turn(), log.sync()])
    const before = bench.progress
    const second = append(log, 2)
    const { disk } = bench
    const make = name === 'open' || name === 'syncDirectory'
    const ahead = { open: 1, write: make ? 4 : 1, datasync: 2, syncDirectory: 6 }[name]
    disk.fault = { call: disk.calls + ahead, what }
    const syncing = log.sync().then(
      () => 'durable',
      (error: { code: string }) => error.code,
    )
    t.equal(await bench.until(syncing), 'WAL_POISONED', `${name} ${what}: the waiter is told`)
    await bench.turn()
    t.match(disk.history[disk.fault.call - 1], name, 'the planned call failed')
    t.equal(log.error?.code, code)
    t.ok(bench.progress > before, 'the owner is told')
    t.throws(() => log.reserve(10), { code: 'WAL_POISONED', cause: { code } })
    t.notOk(log.isDurable(second.segment, second.offset))
    await bench.turn()
    t.notOk(log.isDurable(second.segment, second.offset), 'and it stays so')
    if (!make) {
      const { length } = payload(1)
      log.readSync(first.segment, first.offset, length, new Uint8Array(length), 0)
    }
    await bench.until(log.close())
    t.equal(disk.openCount(), 0, 'no descriptor is left')
    disk.restart()
    log = await bench.open()
    append(log, 3)
    await bench.until(log.close())
  }
})

t.test('one write a turn, one sync for all who wait, none for those who do not', async (t) => {
  const bench = new Bench()
  const log = await bench.open({ segmentBytes: 1 << 16, windowBytes: 1 << 16 })
  bench.disk.counts.clear()
  const count = (name: string): number => bench.disk.counts.get(name) ?? 0
  for (let n = 0; n < 20; n++) {
    append(log, n)
    log.demand(DURABILITY.os)
  }
  t.equal(count('write'), 0)
  await bench.turn()
  t.equal(count('write'), 1, 'twenty entries and the header of the segment: one call')
  t.equal(count('datasync') + count('sync'), 0)
  for (let n = 0; n < 5; n++) {
    append(log, n)
    log.demand(DURABILITY.fsync)
  }
  bench.scheduler.endTurn()
  const held = [append(log, 6), append(log, 7), append(log, 8)]
  for (const _ of held) log.demand(DURABILITY.fsync)
  bench.scheduler.endTurn()
  await bench.turn()
  t.equal(count('write'), 4, 'one of them wrote zeros ahead, for the syncs to come')
  t.equal(count('datasync'), 2, 'three that came during a sync share the next')
  t.ok(held.every((place) => log.isDurable(place.segment, place.offset)))
  const quiet = append(log, 9)
  log.demand(DURABILITY.memory)
  await bench.turn()
  t.notOk(log.isWritten(quiet.segment, quiet.offset))
  bench.scheduler.advance(10)
  t.ok(log.isWritten(quiet.segment, quiet.offset), 'the timer writes what nobody asked for')
  t.equal(count('datasync'), 2)
  await bench.until(log.close())
})

t.test('much that nobody wants durable is synced now and then', async (t) => {
  const bench = new Bench()
  const log = await bench.open({ segmentBytes: 1 << 26, windowBytes: 1 << 20 })
  const [bytes, count] = [1 << 18, () => bench.disk.counts.get('datasync') ?? 0]
  for (let i = 0; i < TAIL_SYNC_BYTES / bytes - 1; i++) {
    log.reserve(bytes - 200)
    log.commit()
    log.demand(DURABILITY.os)
    await bench.turn()
  }
  t.equal(count(), 0)
  for (let i = 0; i < 3; i++) {
    log.reserve(bytes - 200)
    log.commit()
    log.demand(DURABILITY.os)
    await bench.turn()
  }
  t.equal(count(), 1)
  t.ok(log.isDurable(1, TAIL_SYNC_BYTES - 2 * bytes))
  await bench.until(log.close())
})

t.test('vectors: the same input gives the same bytes, and they read back', async (t) => {
  const files = await closedLog()
  for (const [path, bytes] of files) {
    const name = path.slice(DIRECTORY.length + 1)
    const vector = new URL(`vectors/closed-log-${name}.hex`, import.meta.url)
    const rows = (
      Buffer.from(bytes)
        .toString('hex')
        .match(/.{1,32}/g) ?? []
    ).map((row, i) => `${row.padEnd(32)}  # ${i * 16}`)
    if (WRITE_VECTORS) writeFileSync(vector, `${rows.join('\n')}\n`)
    const hex = readFileSync(vector, 'utf8').replace(/#.*|\s/gm, '')
    t.equal(Buffer.from(bytes).toString('hex'), hex, `${name} is format version 1, byte for byte`)
  }
})

t.test('the checksum is that of zlib at every length, place and seed', async (t) => {
  const bytes = Uint8Array.from({ length: 3000 }, (_, i) => (i * 2654435761) >>> 11)
  t.equal(crc32(Buffer.from('123456789'), 0, 9, 0), 0xcbf43926 | 0, 'the published check value')
  let wrong = 0
  for (let length = 0; length < 2900; length++) {
    const start = length % 17
    const seed = Math.imul(length, 0x9e3779b1)
    const native = nativeCrc32(bytes.subarray(start, start + length), seed >>> 0) | 0
    if (crc32(bytes, start, start + length, seed) !== native) wrong++
  }
  t.equal(wrong, 0)
})

t.test('so are those of all entries of a block, taken together', async (t) => {
  const random = seededRandom(8)
  const bytes = new Uint8Array(400_000).map(() => random() * 256)
  const view = new DataView(bytes.buffer)
  for (let round = 0; round < 60; round++) {
    const [at, offset, id] = [8 * (round % 5), 96 + 8 * round, (random() * 2 ** 32) | 0]
    const entries: [place: number, length: number][] = []
    let end = at
    while (end < 200_000 * random()) {
      const length = 1 + Math.floor(random() ** 4 * (round % 3 ? 300 : 90_000))
      entries.push([end, length])
      view.setInt32(end + 4, length, true)
      end += (length + 15) & ~7
    }
    sealEntries(view, bytes, at, end, id, offset)
    for (const [place, length] of entries) {
      const seed = (id + offset + place - at) >>> 0
      const native = nativeCrc32(bytes.subarray(place + 4, place + 8 + length), seed) | 0
      if (view.getInt32(place, true) !== native) t.fail(`round ${round}: the entry at ${place}`)
    }
    t.ok(areEntriesSound(view, bytes, at, end, id, offset))
    const [place, length] = entries[Math.floor(random() * entries.length)] ?? [0, 0]
    if (length === 0) continue
    bytes[place + 8 + Math.floor(random() * length)]! ^= 1
    t.notOk(areEntriesSound(view, bytes, at, end, id, offset), 'one bit of one of them')
  }
})

t.test('the module is what the source assembles to', async (t) => {
  t.equal(Buffer.from(await assemble()).toString('base64'), CRC32_MODULE)
})

t.test('a roll does not hide a block that the first segment lost', async (t) => {
  const bench = new Bench()
  const log = await bench.open()
  let n = 0
  while (log.segments().length < 3) {
    append(log, n++)
    log.flush()
  }
  const files = bench.disk.files() // nothing of it is synced yet
  const [first, second, third] = log.segments().map((segment) => segment.path)
  const whole = files.get(first!)!
  const open = async (changed: Map<string, Uint8Array>) => {
    const disk = new MemoryFileSystem()
    for (const [path, bytes] of changed) disk.plant(path, bytes)
    const again = new Bench(disk)
    const { recovery } = await again.open()
    return {
      seen: again.seen,
      recovery,
      left: [...disk.files().keys()].filter((path) => path.endsWith('.seg')),
    }
  }
  t.equal((await open(files)).seen.length, n)
  const lost = await open(new Map(files).set(first!, whole.slice(0, log.segments()[0]!.bytes - 100)))
  t.ok(lost.seen.length > 0 && lost.seen.length < n)
  t.same(lost.seen, [...lost.seen.keys()], 'what is left is a prefix')
  t.same(lost.left, [first], 'and what lay behind is gone for good')
  t.equal(lost.recovery.removedSegments, 2)
  const gone = new Map(files)
  gone.delete(second!)
  t.same((await open(gone)).left, [first], `${third} does not stand alone`)
})
