/**
 * The log on a real disk: what one writes is there after closing, reopening, rolling, merging.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DURABILITY, Log, type LogOptions } from '@minivault/wal'
import t from 'tap'

const folder = mkdtempSync(join(tmpdir(), 'wal-'))
t.teardown(() => rmSync(folder, { recursive: true }))

function append(log: Log, text: string): { segment: number; offset: number; length: number } {
  const bytes = Buffer.from(text)
  const at = log.reserve(bytes.length)
  log.window.set(bytes, at)
  log.commit()
  return { segment: log.reservedSegment, offset: log.reservedOffset, length: bytes.length }
}

async function openLog(directory: string, options: Partial<LogOptions> = {}) {
  const seen: string[] = []
  const log = await Log.open(
    {
      directory,
      layoutHash: 7,
      windowBytes: 1 << 14,
      segmentBytes: 1 << 14,
      onProgress: () => {},
      ...options,
    },
    {
      entry: (_segment, _offset, bytes, start, end) =>
        void seen.push(Buffer.from(bytes.subarray(start, end)).toString()),
    },
  )
  return { log, seen }
}

t.test('write, close, reopen, over many segments and turns of the ring', async (t) => {
  const directory = join(folder, 'many')
  const wrote: string[] = []
  const places: ReturnType<typeof append>[] = []
  for (let round = 0; round < 3; round++) {
    const { log, seen } = await openLog(directory)
    t.same(seen, wrote, `round ${round} replays all`)
    t.equal(log.recovery.cleanClose, true)
    t.equal(log.recovery.tornTails, 0)
    for (let i = 0; i < 300; i++) {
      const text = `${round}/${i} ${'x'.repeat((i * 37) % 400)}`
      wrote.push(text)
      places.push(append(log, text))
      if (i % 7 === 0) log.demand(i % 2 ? DURABILITY.os : DURABILITY.fsync)
      if (i % 50 === 0) await new Promise(setImmediate)
    }
    log.flush()
    for (const [i, place] of places.entries()) {
      const target = new Uint8Array(place.length)
      log.readSync(place.segment, place.offset, place.length, target, 0)
      t.equal(Buffer.from(target).toString(), wrote[i])
      const at = log.windowOffset(place.segment, place.offset)
      if (at >= 0) t.equal(Buffer.from(log.window.subarray(at, at + place.length)).toString(), wrote[i])
    }
    await log.sync()
    const last = places.at(-1)!
    t.ok(log.isDurable(last.segment, last.offset))
    t.not(log.windowOffset(last.segment, last.offset), -1)
    await log.close()
  }
})

t.test('merge: an output takes the place of its source', async (t) => {
  const directory = join(folder, 'merge')
  const { log } = await openLog(directory)
  append(log, 'one')
  log.roll()
  await log.settled()
  append(log, 'two')
  const output = log.createOutput()
  const offset = output.append(Buffer.from('one again'), 0, 9)
  await new Promise<void>((resolve, reject) => output.finish((error) => (error ? reject(error) : resolve())))
  t.ok(log.isWritten(output.id, offset))
  t.ok(log.isDurable(output.id, offset))
  log.drop(1)
  await log.settled()
  const target = new Uint8Array(9)
  await new Promise<void>((resolve, reject) =>
    log.read(output.id, offset, 9, target, 0, (error) => (error ? reject(error) : resolve())),
  )
  t.equal(Buffer.from(target).toString(), 'one again')
  t.throws(() => log.readSync(1, 104, 3, target, 0), { code: 'WAL_NO_SEGMENT' })
  const short = log.createOutput()
  const there = short.append(Buffer.from('gone'), 0, 4)
  await new Promise<void>((resolve, reject) => short.finish((error) => (error ? reject(error) : resolve())))
  t.ok(log.isDurable(short.id, there))
  log.drop(short.id)
  t.notOk(log.isDurable(short.id, there), 'a dropped output is forgotten')
  await log.close()
  await log.close()
  t.same(readdirSync(directory).sort(), ['0000000002.seg', '0000000003.seg', 'manifest'])
  const again = await openLog(directory)
  t.same(again.seen, ['two', 'one again'])
  again.log.syncNow()
  await again.log.close()
  const message = /layout 00000007, this program reads layout 00000008: open it with the program/
  await t.rejects(openLog(directory, { layoutHash: 8 }), { code: 'WAL_FORMAT', message })
})

t.test('limits and refusals', async (t) => {
  const { log } = await openLog(join(folder, 'limits'))
  t.throws(() => log.reserve(0), { code: 'WAL_TOO_LARGE' })
  t.throws(() => log.reserve(log.payloadBytesMax + 1), { code: 'WAL_TOO_LARGE' })
  log.reserve(log.payloadBytesMax)
  append(log, 'small after a large one that was given up')
  append(log, 'z'.repeat(log.payloadBytesMax))
  await log.close()
  t.throws(() => log.reserve(1), { code: 'WAL_CLOSED' })
  const again = await openLog(join(folder, 'limits'))
  t.equal(again.seen.length, 2)
  await again.log.close()
  await t.rejects(openLog(join(folder, 'limits'), { windowBytes: 5000 }), { code: 'WAL_OPTIONS' })
})
