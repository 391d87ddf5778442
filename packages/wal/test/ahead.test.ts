/** Zeros written ahead of the log, so that a sync finds blocks that the file has already. */
import { DURABILITY } from '@minivault/wal'
import t from 'tap'
import { FILL_BYTES } from '../src/limits.ts'
import { append, Bench } from './harness.ts'

const SIZES = { segmentBytes: FILL_BYTES * 4, windowBytes: 1 << 16 }

t.test('one piece for many syncs, none where nobody asks for one', async (t) => {
  const bench = new Bench()
  const log = await bench.open(SIZES)
  const count = (name: string): number => bench.disk.counts.get(name) ?? 0
  const commit = async (durability: 1 | 2): Promise<void> => {
    append(log, 1)
    log.demand(durability)
    await bench.turn()
  }
  await commit(DURABILITY.os)
  bench.disk.counts.clear()
  for (let n = 0; n < 10; n++) await commit(DURABILITY.os)
  t.equal(count('write'), 10)
  for (let n = 0; n < 10; n++) await commit(DURABILITY.fsync)
  t.equal(count('datasync'), 10)
  t.equal(count('write'), 21, 'ten commits, ten commits, and the zeros')
  await bench.until(log.close())
})

t.test('it goes on to the end of the segment, and into the next', async (t) => {
  const bench = new Bench()
  const log = await bench.open({ segmentBytes: 8192, windowBytes: 8192 })
  const written = Array.from({ length: 100 }, (_, n) => n)
  for (const n of written) {
    append(log, n)
    log.demand(DURABILITY.fsync)
    await bench.turn()
  }
  t.ok(log.segments().length > 2)
  await bench.until(log.close())
  await bench.until((await bench.open()).close())
  t.same(bench.seen, written)
})

t.test('a disk without room for zeros harms nobody', async (t) => {
  for (const what of ['ENOSPC', 'EIO'] as const) {
    const bench = new Bench()
    const log = await bench.open(SIZES)
    append(log, 0)
    await bench.until(log.sync())
    const place = append(log, 1)
    log.demand(DURABILITY.fsync)
    // The commit, and behind it the zeros.
    bench.disk.fault = { call: bench.disk.calls + 2, what }
    const { length } = bench.disk.history
    await bench.turn()
    t.match(bench.disk.history.slice(length, length + 2), [/^write/, /^write/], what)
    t.equal(log.error, null)
    t.ok(log.isDurable(place.segment, place.offset))
    await bench.until(log.close())
    bench.disk.restart(1)
    await bench.open()
    t.same(bench.seen, [0, 1])
  }
})
