/**
 * Reading whole segments: at open, where the owner's own index makes some of it needless, and later, block by
 * block. And groups: entries that are there together or not at all.
 */
import { DURABILITY, type Log } from '@minivault/wal'
import { MemoryFileSystem, seededRandom } from '@minivault/wal/testing'
import t from 'tap'
import { LOG_BLOCK_BYTES } from '../src/limits.ts'
import { append, Bench, numberOf, payload } from './harness.ts'

/** Three sealed segments and a tail; a block has one to four entries. */
async function fill(bench: Bench): Promise<{ log: Log; places: ReturnType<typeof append>[] }> {
  const log = await bench.open()
  const places: ReturnType<typeof append>[] = []
  for (let n = 0; log.segments().length < 4; n++) {
    places.push(append(log, n))
    if (n % 4 !== 1) log.flush()
  }
  log.flush()
  await bench.until(log.settled())
  return { log, places }
}

t.test('what the owner covers is not read, what is read is ended', async (t) => {
  const bench = new Bench()
  const { log } = await fill(bench)
  const known = log.segments()
  t.same(
    known.map(({ id }) => log.isSealed(id)),
    [true, true, true, false],
  )
  t.notOk(log.isSealed(77))
  bench.disk.restart()
  bench.disk.peek(known[1]!.path)![200]! ^= 1
  const asked: [number, number, number][] = []
  const ended: [number, number, number][] = []
  const order: string[] = []
  const open = (coveredSegments: number[]) => {
    for (const list of [asked, ended, order]) list.length = 0
    return bench.open(
      {},
      {
        covers: (...at) => {
          asked.push(at)
          return coveredSegments.includes(at[0])
        },
        entry: (segment) => order.at(-1) !== `${segment}` && void order.push(`${segment}`),
        ended: (...at) => {
          ended.push(at)
          order.push(`${at[0]} ended`)
        },
      },
    )
  }
  const rowOf = ({ id, seed, bytes }: (typeof known)[number]) => [id, seed, bytes]
  await t.rejects(open([1, 3]), { code: 'WAL_CORRUPT', path: known[1]!.path })
  const again = await open([1, 2])
  t.same(asked, known.slice(0, 3).map(rowOf), 'asked for what is sealed and listed')
  t.same(ended, known.slice(2).map(rowOf), 'the tail that is kept is ended, too')
  t.same(order, ['3', '3 ended', '4', '4 ended'])
  t.same(again.segments().map(rowOf), known.map(rowOf))
  await bench.until(again.close())
  const whole = bench.disk.peek(known[2]!.path)!
  bench.disk.plant(known[2]!.path, whole.subarray(0, whole.length - 8))
  await t.rejects(open([1, 2, 3, 4]), { code: 'WAL_CORRUPT' }, 'one that is too short is not asked for')
})

t.test('blocks: all of them, a few a call, up to what is written', async (t) => {
  const bench = new Bench()
  const { log, places } = await fill(bench)
  for (const bytesMax of [1, 700, 1 << 20]) {
    const seen: string[] = []
    for (const { id, bytes } of log.segments()) {
      let from = 0
      let calls = 0
      while (from < bytes) {
        const next = log.readBlocks(id, from, bytesMax, (offset, block, start, end) => {
          seen.push(`${id} ${offset} ${numberOf(block.subarray(start, end))}`)
        })
        t.ok(next > from)
        from = next
        calls++
      }
      t.equal(from, bytes)
      t.equal(
        log.readBlocks(id, from, bytesMax, () => t.fail()),
        bytes,
        'nothing lies behind the end',
      )
      if (log.isSealed(id)) t.match(calls, bytesMax === 1 ? /^1[0-9]$/ : bytesMax === 700 ? /^[5-9]$/ : /^1$/)
    }
    t.same(
      seen,
      places.map(({ segment, offset, n }) => `${segment} ${offset} ${n}`),
    )
  }
  t.throws(() => log.readBlocks(9, 0, 1, () => {}), { code: 'WAL_NO_SEGMENT' })
  const nested = () => void log.readBlocks(1, 0, 1, () => {})
  t.throws(() => log.readBlocks(1, 0, 1, nested), /in use/)
  await bench.until(log.close())
  t.throws(() => log.readBlocks(1, 0, 1, () => {}), { code: 'WAL_CLOSED' })
})

t.test('blocks: what is written in one turn comes in pieces', async (t) => {
  const bench = new Bench()
  const log = await bench.open({ segmentBytes: 16 << 20, windowBytes: 16 << 20 })
  const bytes = new Uint8Array(100_000)
  for (let n = 0; n < 50; n++) {
    log.window.set(bytes, log.reserve(bytes.length))
    log.commit()
  }
  log.flush()
  const [segment] = log.segments()
  let entries = 0
  for (let from = 0; from < segment!.bytes; ) {
    const next = log.readBlocks(segment!.id, from, 1, () => void (entries += 1))
    t.ok(next - from <= LOG_BLOCK_BYTES + 64, `${next - from} bytes`)
    from = next
  }
  t.equal(entries, 50)
  await bench.until(log.close())
})

t.test('blocks: every flip and every cut is named, and what is good around it comes', async (t) => {
  const bench = new Bench()
  const { log, places } = await fill(bench)
  const { id, path, bytes } = log.segments()[1]!
  const inside = places.filter(({ segment }) => segment === id)
  const whole = bench.disk.peek(path)!.slice()
  let named = 0
  for (let i = 0; i < bytes * 2; i++) {
    const cut = i >= bytes
    const at = cut ? i - bytes : i
    const damaged = cut ? whole.slice(0, at) : whole.slice()
    if (!cut) damaged[at]! ^= 1 << (at & 7)
    bench.disk.replace(path, damaged)
    const good: number[] = []
    const bad: number[] = []
    const onEntry = (offset: number, block: Uint8Array, start: number, end: number) => {
      good.push(offset)
      if (numberOf(block.subarray(start, end)) < 0) t.fail(`${at}: a wrong entry came out`)
    }
    let end = 0
    while (end < bytes) end = log.readBlocks(id, end, 1 << 20, onEntry, (offset) => bad.push(offset))
    if (end !== bytes || bad.length === 0) t.fail(`${at}: ${end} ${bad}`)
    // Missing are at most those of the damaged block, which is shorter than that.
    const lost = inside.filter(({ offset }) => !good.includes(offset) && Math.abs(offset - at) > 1400)
    if (!cut && lost.length > 0) t.fail(`${at}: ${lost.length} good entries did not come`)
    let thrown: { code?: string; path?: string; offset?: number } = {}
    try {
      for (let from = 0; from < bytes; ) from = log.readBlocks(id, from, 300, () => {})
    } catch (error) {
      thrown = error as typeof thrown
    }
    if (thrown.code !== 'WAL_CORRUPT' || thrown.path !== path || thrown.offset !== bad[0]) t.fail(`${at}`)
    named++
  }
  t.equal(named, bytes * 2)
  bench.disk.replace(path, whole)
  const entry = inside[2]!
  bench.disk.peek(path)![entry.offset + 3]! ^= 1
  const bad: string[] = []
  let good = 0
  log.readBlocks(
    id,
    0,
    1 << 20,
    () => good++,
    (offset, reason) => bad.push(`${offset - entry.offset} ${reason}`),
  )
  t.same(bad, ['-8 the checksum of the entry is wrong'], 'a bad payload is named as itself')
  t.equal(good, inside.length - 1)
})

/** Appends `numbers` as one group. */
function group(log: Log, numbers: number[]): void {
  log.reserveGroup(
    numbers.reduce((sum, n) => sum + payload(n).length, 0),
    numbers.length,
  )
  for (const n of numbers) append(log, n)
}

const GROUPS = 24
const groupOf = (g: number): number[] => Array.from({ length: 1 + ((g * 5) % 4) }, (_, i) => g * 100 + i)

/** Groups among single entries; what was confirmed durable is put into `durable`. */
async function groupWorkload(bench: Bench, durable: Set<number>, useGroups: boolean): Promise<void> {
  const log = await bench.open()
  for (let g = 0; g < GROUPS; g++) {
    if (g % 3 === 0) append(log, g * 100 + 50)
    if (useGroups) group(log, groupOf(g))
    else for (const n of groupOf(g)) append(log, n)
    if (g % 2 === 0) log.demand(DURABILITY.fsync)
    await bench.turn()
    if (bench.disk.crashed) throw new Error('crashed')
    const done = log.isDurable(log.reservedSegment, log.reservedOffset)
    if (done) for (let before = 0; before <= g; before++) for (const n of groupOf(before)) durable.add(n)
  }
  await bench.until(log.close())
}

async function tornGroups(useGroups: boolean): Promise<{ cases: number; wrong: string[] }> {
  const quiet = new Bench()
  await groupWorkload(quiet, new Set(), useGroups)
  const wrong: string[] = []
  let cases = 0
  for (let call = 1; call <= quiet.disk.calls; call++) {
    for (const seed of [undefined, call * 3, call * 3 + 1]) {
      const disk = new MemoryFileSystem()
      const bench = new Bench(disk)
      const durable = new Set<number>()
      disk.fault = { call, what: 'crash-after' }
      await groupWorkload(bench, durable, useGroups).catch(() => {})
      disk.restart(seed)
      await bench.open()
      cases++
      const seen = new Set(bench.seen)
      for (const n of durable) if (!seen.has(n)) wrong.push(`call ${call}: ${n} is lost`)
      for (let g = 0; g < GROUPS; g++) {
        const count = groupOf(g).filter((n) => seen.has(n)).length
        if (count > 0 && count < groupOf(g).length) wrong.push(`call ${call}: ${count} of group ${g}`)
      }
    }
  }
  return { cases, wrong }
}

t.test('a group is there whole or not at all, wherever the machine dies', async (t) => {
  const { cases, wrong } = await tornGroups(true)
  t.comment(`${cases} crashes`)
  t.same(wrong.slice(0, 5), [])
  const control = await tornGroups(false)
  t.ok(control.wrong.length > 5, 'control: without groups they are torn')
})

t.test('groups: one block each, bounded, taken back', async (t) => {
  const bench = new Bench()
  const log = await bench.open()
  const random = seededRandom(5)
  const most = log.groupBytesMax
  for (let round = 0; round < 200; round++) {
    const lengths: number[] = []
    for (let left = most; left > 16; ) {
      const length = 1 + Math.floor(random() * Math.min(left - 15, round % 2 ? 40 : 400))
      lengths.push(length)
      left -= length + 15
    }
    if (round % 5 === 0) append(log, 1)
    const writes = bench.disk.counts.get('write') ?? 0
    log.reserveGroup(
      lengths.reduce((sum, length) => sum + length, 0),
      lengths.length,
    )
    const before = bench.disk.counts.get('write') ?? 0
    t.ok(before - writes <= 1)
    for (const length of lengths) {
      const at = log.reserve(length)
      log.window.fill(7, at, at + length)
      log.commit()
    }
    if (bench.disk.counts.get('write') !== before) t.fail('something was written inside of a group')
    log.flush()
  }
  t.throws(() => log.reserveGroup(most - 14, 1), { code: 'WAL_TOO_LARGE' })
  t.throws(() => log.reserveGroup(1, most / 8), { code: 'WAL_TOO_LARGE' })
  log.reserveGroup(most - 15, 1)
  append(log, 2)

  append(log, 3)
  log.reserveGroup(600, 2)
  append(log, 4)
  const { reservedSegment, reservedOffset } = log
  t.throws(() => log.flush(), /group/)
  bench.scheduler.endTurn()
  t.not(log.windowOffset(reservedSegment, reservedOffset), -1)
  t.notOk(log.isWritten(reservedSegment, reservedOffset), 'an incomplete group waits')
  log.cancelGroup()
  t.equal(log.windowOffset(reservedSegment, reservedOffset), -1)
  append(log, 5)
  await bench.until(log.sync())
  await bench.until(log.close())
  await bench.open()
  t.same(bench.seen.slice(-3), [2, 3, 5], 'the group that was taken back never was')
})
