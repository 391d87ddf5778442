/**
 * What could lose or damage data without a crash: calls that race each other, calls that fail half way, disks
 * that do less than asked.
 */
import { DURABILITY, type Log, type WalError } from '@minivault/wal'
import { MemoryFileSystem } from '@minivault/wal/testing'
import t from 'tap'
import { append, Bench, payload } from './harness.ts'

const finished = (output: ReturnType<Log['createOutput']>): Promise<WalError | null> =>
  new Promise((resolve) => output.finish(resolve))

const segmentFiles = (bench: Bench): string[] =>
  [...bench.disk.files().keys()].filter((path) => /seg$|merge$/.test(path))

t.test('an append while the log closes is refused, and does not spoil the closing block', async (t) => {
  const bench = new Bench()
  const log = await bench.open()
  append(log, 0)
  log.demand(DURABILITY.fsync)
  await bench.turn()
  append(log, 1)
  await bench.until(log.sync())
  log.reserve(40) // given up, so that the block is open
  const closing = log.close()
  t.throws(() => append(log, 2), { code: 'WAL_CLOSED' })
  await bench.until(closing)
  t.throws(() => log.readSync(1, 104, 40, new Uint8Array(40), 0), { code: 'WAL_CLOSED' })
  await bench.open()
  t.same(bench.seen, [0, 1])
})

t.test('a reservation that was given up in a new segment does not disturb sync', async (t) => {
  const bench = new Bench()
  const log = await bench.open()
  append(log, 0)
  log.roll()
  log.reserve(40)
  await bench.until(log.sync())
  t.equal(log.error, null)
  await bench.until(log.close())
})

t.test('who waits is told when a failed log is closed at once', async (t) => {
  const bench = new Bench()
  const log = await bench.open()
  append(log, 0)
  log.flush()
  const syncing = log.sync()
  append(log, 1)
  bench.disk.fault = { call: bench.disk.calls + 1, what: 'EIO' }
  t.throws(() => log.flush(), { code: 'WAL_POISONED' })
  const told = syncing.then(
    () => '',
    (error: WalError) => error.code,
  )
  await log.close()
  t.match(await told, /^$|WAL_POISONED/)
  t.equal(bench.disk.openCount(), 0)
})

t.test('a new segment whose file cannot be made leaves no descriptor', async (t) => {
  for (const ahead of [1, 2, 3, 4]) {
    const bench = new Bench()
    const log = await bench.open()
    append(log, 0)
    bench.disk.fault = { call: bench.disk.calls + ahead, what: 'ENOSPC' }
    t.throws(() => log.flush(), { code: 'WAL_POISONED', cause: { code: 'WAL_FULL' } })
    await log.close()
    t.equal(bench.disk.openCount(), 0, `call ${ahead}`)
  }
})

t.test('an output that fails harms nobody and leaves no file', async (t) => {
  for (let step = 2; step <= 23; step++) {
    const ahead = step >> 1
    const bench = new Bench()
    const log = await bench.open()
    append(log, 0)
    await bench.until(log.sync())
    const what = step % 2 ? 'ENOSPC' : 'EIO'
    bench.disk.fault = { call: bench.disk.calls + ahead, what }
    const { call } = bench.disk.fault
    const run = async (): Promise<WalError | null> => {
      const output = log.createOutput()
      output.append(payload(5), 0, payload(5).length)
      return finished(output)
    }
    const error = await run().catch((thrown: WalError) => thrown)
    const where = bench.disk.history[call - 1]
    if (ahead === 11 || (ahead > 5 && what === 'EIO')) {
      t.equal(log.error?.code, error?.code, `${where}: the manifest is the log's own`)
      await log.close()
    } else {
      t.match(error?.code, /WAL_FULL|WAL_IO/, where)
      t.equal(log.error, null)
      t.equal(segmentFiles(bench).length, 1, 'no file is left')
      append(log, 1)
      await bench.until(log.close())
    }
    t.equal(bench.disk.openCount(), 0)
    bench.disk.restart(ahead)
    await bench.open()
    t.same(
      bench.seen.filter((n) => n !== 5),
      log.error ? [0] : [0, 1],
    )
  }
})

class SlowSync extends MemoryFileSystem {
  held: (() => void)[] = []
  holding = false
  override sync(descriptor: number, done: (error: Error | null) => void): void {
    if (this.holding && this.held.length === 0) this.held.push(() => super.sync(descriptor, done))
    else super.sync(descriptor, done)
  }
}

t.test('an output is given up, or the log closed, while its fsync is under way', async (t) => {
  for (const how of ['abort', 'close'] as const) {
    const disk = new SlowSync()
    const bench = new Bench(disk)
    const log = await bench.open()
    const output = log.createOutput()
    output.append(payload(5), 0, payload(5).length)
    disk.holding = true
    const ended = finished(output)
    if (how === 'abort') output.abort()
    const closing = how === 'close' ? log.close() : null
    await bench.turn()
    t.equal(disk.openCount(), 1, 'its descriptor is not closed under the call')
    disk.holding = false
    for (const go of disk.held.splice(0)) go()
    t.equal((await ended)?.code, 'WAL_CLOSED')
    await bench.until(closing ?? log.close())
    t.same(segmentFiles(bench), [])
    t.equal(disk.openCount(), 0)
  }
})

/** Holds back datasyncs of outputs, counts them, or fails them. */
class PieceSync extends MemoryFileSystem {
  held: (() => void)[] = []
  pieces = 0
  failing = false
  override datasync(descriptor: number, done: (error: Error | null) => void): void {
    this.pieces++
    if (this.failing) queueMicrotask(() => done(Object.assign(new Error('EIO'), { code: 'EIO' })))
    else this.held.push(() => super.datasync(descriptor, done))
  }
}

t.test('an output is synced while it is written, and waits for that', async (t) => {
  for (const how of ['finish', 'abort', 'close', 'fail'] as const) {
    const disk = new PieceSync()
    const bench = new Bench(disk)
    const log = await bench.open({ segmentBytes: 1 << 24 })
    disk.failing = how === 'fail'
    const output = log.createOutput()
    const bytes = new Uint8Array(900).fill(5)
    while (disk.pieces === 0) output.append(bytes, 0, bytes.length)
    t.match(output.bytes, /^[45]\d{6}$/, 'after some MiB')
    t.equal(output.isBehind, false)
    if (how === 'finish') while (!output.isBehind) output.append(bytes, 0, bytes.length)
    t.equal(disk.pieces, 1, 'one at a time')
    await bench.turn()
    const syncs = disk.counts.get('sync')
    const ended = how === 'abort' ? null : finished(output)
    if (how === 'abort') output.abort()
    const closing = how === 'close' ? log.close() : null
    await bench.turn()
    if (how !== 'fail') t.equal(disk.openCount(), 1, 'its descriptor is not closed under the call')
    if (how === 'finish') t.equal(disk.counts.get('sync'), syncs, 'nor is it synced twice at once')
    disk.failing = false
    for (const go of disk.held.splice(0)) go()
    const codes = { finish: undefined, abort: undefined, close: 'WAL_CLOSED', fail: 'WAL_IO' }
    t.equal((await ended)?.code, codes[how], how)
    t.equal(log.error, null)
    if (how === 'finish') t.ok(log.isSealed(output.id))
    else t.same(segmentFiles(bench), [], 'no file is left')
    await bench.until(closing ?? log.close())
    t.equal(disk.openCount(), 0)
  }
})

t.test('a read under way while its segment is dropped, on a disk that reads little at a time', async (t) => {
  class Short extends MemoryFileSystem {
    override readSync(d: number, bytes: Uint8Array, at: number, length: number, position: number): number {
      return super.readSync(d, bytes, at, Math.min(length, 7), position)
    }
    override writeSync(d: number, bytes: Uint8Array, at: number, length: number, position: number): number {
      return super.writeSync(d, bytes, at, Math.min(length, 100), position)
    }
  }
  const bench = new Bench(new Short())
  const log = await bench.open()
  const place = append(log, 3)
  log.roll()
  await bench.until(log.settled())
  const { length } = payload(3)
  const target = new Uint8Array(length)
  const reading = new Promise<WalError | null>((resolve) =>
    log.read(place.segment, place.offset, length, target, 0, resolve),
  )
  log.drop(place.segment)
  t.equal(await reading, null)
  t.same(target, payload(3))
  await bench.until(log.close())
  t.equal(bench.disk.openCount(), 0)
})

t.test('a write that fails half way through a block loses nothing acknowledged', async (t) => {
  class HalfWay extends MemoryFileSystem {
    left = Number.POSITIVE_INFINITY
    override writeSync(d: number, bytes: Uint8Array, at: number, length: number, position: number): number {
      if (this.left === 0) throw Object.assign(new Error('EIO'), { code: 'EIO' })
      const part = Math.min(length, this.left)
      this.left -= part
      return super.writeSync(d, bytes, at, part, position)
    }
  }
  for (const left of [0, 8, 40, 100, 250]) {
    const disk = new HalfWay()
    const bench = new Bench(disk)
    const log = await bench.open()
    for (let n = 0; n < 3; n++) append(log, n)
    await bench.until(log.sync())
    for (let n = 3; n < 6; n++) append(log, n)
    disk.left = left
    t.throws(() => log.flush(), { code: 'WAL_POISONED' })
    await log.close()
    disk.left = Number.POSITIVE_INFINITY
    disk.restart()
    const again = await bench.open()
    t.same(bench.seen, [0, 1, 2], `${left} bytes of the block were written`)
    append(again, 9)
    await bench.until(again.close())
    await bench.open()
    t.same(bench.seen, [0, 1, 2, 9])
  }
})

t.test('a disk that is full, or fails, at any call of a seal and its manifest', async (t) => {
  for (let ahead = 1; ahead <= 9; ahead++) {
    for (const what of ['ENOSPC', 'EIO'] as const) {
      const bench = new Bench()
      const log = await bench.open()
      append(log, 0)
      await bench.until(log.sync())
      bench.disk.fault = { call: bench.disk.calls + ahead, what }
      log.roll()
      await bench.until(log.settled().catch(() => {}))
      const where = `${what} at ${bench.disk.history[bench.disk.fault.call - 1]}`
      await bench.until(log.close().catch(() => {}))
      t.equal(bench.disk.openCount(), 0, where)
      bench.disk.restart(ahead)
      const again = await bench.open()
      t.same(bench.seen, [0], where)
      append(again, 1)
      await bench.until(again.close())
      await bench.open()
      t.same(bench.seen, [0, 1], `${where}: and it goes on`)
    }
  }
})

t.test('segment ids are drawn anew though the random bytes are a piece of a pool', async (t) => {
  let drawn = 0
  const pool = Buffer.alloc(64)
  const bench = new Bench()
  const log = await bench.open({
    random: (n) => {
      drawn++
      pool.fill(drawn, drawn * 8, drawn * 8 + n)
      return pool.subarray(drawn * 8, drawn * 8 + n)
    },
  })
  for (let n = 0; n < 2; n++) {
    append(log, n)
    log.roll()
  }
  const ids = log.segments().map(({ path }) => bench.disk.peek(path)!.slice(16, 20).join())
  t.equal(new Set(ids).size, 2)
  await bench.until(log.close())
})
