/**
 * Disks that fail without dying: a sync that forgets what it failed to write, no space for a manifest, calls
 * that are interrupted. And what a log says about how it was left.
 */
import { DURABILITY, type Log, type WalError } from '@minivault/wal'
import { MemoryFileSystem } from '@minivault/wal/testing'
import t from 'tap'
import { append, Bench, DIRECTORY, payload, workload } from './harness.ts'

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: WalError) => error.code,
  )

const fullAt = (bench: Bench, pattern: RegExp): void => {
  bench.disk.failNext(pattern, 'ENOSPC')
}

t.test('what a failed sync forgot is written again before it counts', async (t) => {
  const quiet = new Bench()
  await workload(quiet, { appended: new Set(), written: new Set(), durable: new Set() })
  const syncs = quiet.disk.history.flatMap((call, i) => (/^(data)?sync .*seg$/.test(call) ? [i + 1] : []))
  t.ok(syncs.length > 15, `${syncs.length} syncs`)
  let failed = 0
  for (const call of syncs) {
    const disk = new MemoryFileSystem()
    disk.fault = { call, what: 'lost-sync' }
    const first = new Bench(disk)
    const confirmed = { appended: new Set<number>(), written: new Set<number>(), durable: new Set<number>() }
    // Where it is the last one, the log is only closed, and opened anew by the workload itself.
    if ((await codeOf(workload(first, confirmed))) !== 'done') failed++
    disk.restart() // the process is started anew, the machine stays up
    const second = new Bench(disk)
    await second.open()
    for (const n of confirmed.durable) if (!second.seen.includes(n)) t.fail(`sync ${call}: ${n} is lost`)
    const third = new Bench(disk.moved(call)) // what the second open found it may have acknowledged
    await third.open()
    t.same(third.seen, second.seen, `sync ${call}`)
  }
  t.ok(failed > syncs.length / 2, `${failed} of ${syncs.length} ended the log`)
})

t.test('a log in use was not closed, whatever is left of it', async (t) => {
  const bench = new Bench()
  const close = async (log: Log) => void (await bench.until(log.close()))
  let log = await bench.open()
  append(log, 0)
  await close(log)
  log = await bench.open()
  t.equal(log.recovery.cleanClose, true)
  append(log, 1) // acknowledged at `memory`, never written
  bench.disk.restart(1)
  log = await bench.open()
  t.same([log.recovery.tails, log.recovery.cleanClose], [0, false], 'no tail is left')
  append(log, 2)
  log.roll()
  await bench.until(log.settled())
  append(log, 3)
  bench.disk.restart(2)
  log = await bench.open()
  t.same([log.recovery.tails, log.recovery.cleanClose], [0, false], 'all that was written is sealed')
  const output = log.createOutput()
  output.append(payload(4), 0, payload(4).length)
  await bench.until(new Promise((resolve) => output.finish(resolve)))
  append(log, 5)
  bench.disk.restart(3)
  log = await bench.open()
  t.same([log.recovery.tails, log.recovery.cleanClose], [0, false], 'only an output was written')
  await close(log)
  log = await bench.open()
  t.equal(log.recovery.cleanClose, true)
  t.same(bench.seen, [0, 2, 4])
  await close(log)
})

t.test('no space for a manifest: the log goes on, the next one makes it good', async (t) => {
  const bench = new Bench()
  let log = await bench.open()
  append(log, 0)
  fullAt(bench, /manifest\.new/)
  log.roll()
  t.equal(await codeOf(bench.until(log.settled())), 'WAL_FULL')
  t.equal(log.error, null)
  const durable = append(log, 1)
  await bench.until(log.sync())
  t.ok(log.isDurable(durable.segment, durable.offset), 'entries behind it are durable')
  await bench.until(log.settled())
  fullAt(bench, /manifest\.new/)
  const output = log.createOutput()
  output.append(payload(0), 0, payload(0).length)
  const ended = new Promise<WalError | null>((resolve) => output.finish(resolve))
  t.equal((await bench.until(ended))?.code, 'WAL_FULL')
  t.same([log.error, log.isSealed(output.id), log.isDurable(output.id, 104)], [null, false, false])
  t.notOk(
    [...bench.disk.files().keys()].some((path) => path.includes(`${output.id}.`)),
    'its file is gone',
  )
  const [first] = log.segments()
  fullAt(bench, /manifest\.new/)
  log.drop(first!.id)
  await bench.turn()
  t.ok(bench.disk.peek(first!.path), 'a manifest lists it: its file stays')
  await bench.until(log.settled())
  t.notOk(bench.disk.peek(first!.path), 'until one does not')
  await bench.until(log.close())
  t.equal(bench.disk.openCount(), 0)

  fullAt(bench, /manifest\.new/)
  await t.rejects(bench.open(), { code: 'WAL_FULL' }, 'a full disk at open')
  t.equal(bench.disk.openCount(), 0)
  log = await bench.open({ readOnly: true })
  const target = new Uint8Array(payload(1).length)
  log.readSync(durable.segment, durable.offset, target.length, target, 0)
  t.same(target, payload(1), 'what is there can be read')
  await bench.until(log.close())
  bench.disk.restart(1)
  log = await bench.open()
  t.same([bench.seen, log.recovery.cleanClose], [[1], true])
  fullAt(bench, /open .*seg/)
  append(log, 2)
  t.throws(() => log.flush(), { code: 'WAL_POISONED', cause: { code: 'WAL_FULL' } }, 'no space for a segment')
  log.readSync(durable.segment, durable.offset, target.length, target, 0)
  await bench.until(log.close())
})

/** Every other read and write is interrupted, and none does all that was asked. */
class Interrupted extends MemoryFileSystem {
  calls2 = 0
  always = false
  #interrupt(): void {
    const code = this.calls2++ % 3 ? 'EINTR' : 'EAGAIN'
    if (this.always || this.calls2 % 2) throw Object.assign(new Error(code), { code })
  }
  override readSync(d: number, bytes: Uint8Array, at: number, length: number, position: number): number {
    this.#interrupt()
    return super.readSync(d, bytes, at, Math.min(length, 100), position)
  }
  override writeSync(d: number, bytes: Uint8Array, at: number, length: number, position: number): number {
    this.#interrupt()
    return super.writeSync(d, bytes, at, Math.min(length, 100), position)
  }
}

t.test('interrupted and short reads and writes are gone on with, not for ever', async (t) => {
  const disk = new Interrupted()
  const bench = new Bench(disk)
  const confirmed = { appended: new Set<number>(), written: new Set<number>(), durable: new Set<number>() }
  await workload(bench, confirmed)
  const log = await bench.open()
  t.same(
    [...bench.seen].sort((a, b) => a - b),
    [...confirmed.appended],
  )
  const place = append(log, 7)
  await bench.until(log.snapshot('/copy', { copy: true }))
  const target = new Uint8Array(payload(7).length)
  const read = () =>
    new Promise<WalError | null>((resolve) =>
      log.read(place.segment, place.offset, target.length, target, 0, resolve),
    )
  t.equal(await read(), null)
  t.same(target, payload(7))
  disk.always = true
  t.equal((await read())?.code, 'WAL_IO')
  t.throws(() => log.readSync(place.segment, place.offset, target.length, target, 0), { code: 'WAL_IO' })
  t.throws(() => log.readBlocks(place.segment, 0, 100, () => {}), { code: 'WAL_IO' })
  append(log, 8)
  t.throws(() => log.flush(), { code: 'WAL_POISONED', cause: { code: 'WAL_IO' } })
  await log.close()
  t.equal(disk.openCount(), 0)
})

t.test('read only: what is there is read, nothing is changed', async (t) => {
  const bench = new Bench()
  await t.rejects(bench.open({ readOnly: true }), { code: 'WAL_IO' }, 'nothing is made')
  const log = await bench.open()
  for (let n = 0; n < 30; n++) append(log, n)
  log.demand(DURABILITY.fsync)
  await bench.turn()
  append(log, 30)
  log.flush()
  bench.disk.restart()
  const tail = [...bench.disk.files().keys()].sort().at(-2)!
  bench.disk.peek(tail)![log.reservedOffset] ^= 1
  bench.disk.plant(`${DIRECTORY}/0000000099.merge`, new Uint8Array(9))
  const before = bench.disk.files()
  const reader = await bench.open({ readOnly: true })
  t.same(bench.seen, [...Array(30).keys()])
  t.equal(reader.recovery.tornTails, 1)
  const { id } = reader.segments().at(-1)!
  let last = 0
  const onEntry = () => void last++
  t.equal(reader.readBlocks(id, 0, 1 << 20, onEntry), reader.segments().at(-1)!.bytes)
  t.ok(last > 0)
  for (const refused of [
    () => append(reader, 1),
    () => reader.reserveGroup(1, 1),
    () => reader.createOutput(),
    () => reader.drop(1),
  ]) {
    t.throws(refused, { code: 'WAL_READ_ONLY' })
  }
  await t.rejects(reader.snapshot('/copy'), { code: 'WAL_READ_ONLY' })
  reader.roll()
  await bench.until(reader.sync())
  await bench.until(reader.close())
  t.same(bench.disk.files(), before)
})
