/**
 * Snapshots: a folder that opens as a log of its own, by links or by copies, while the log goes on and drops
 * what the snapshot still needs; and what a crash leaves of one.
 */
import type { Log } from '@minivault/wal'
import { MemoryFileSystem } from '@minivault/wal/testing'
import t from 'tap'
import { append, Bench } from './harness.ts'

const TARGET = '/snapshots/one'

class NoLinks extends MemoryFileSystem {
  override link(): void {
    throw Object.assign(new Error('EXDEV'), { code: 'EXDEV' })
  }
}

async function fill(bench: Bench): Promise<Log> {
  const log = await bench.open()
  for (let n = 0; log.segments().length < 4; n++) {
    append(log, n)
    if (n % 4 === 3) log.flush()
  }
  return log
}

async function openTarget(disk: MemoryFileSystem): Promise<{ seen: number[]; log: Log }> {
  const bench = new Bench(disk)
  const log = await bench.open({ directory: TARGET })
  return { seen: bench.seen, log }
}

for (const [name, Disk, copy] of [
  ['links', MemoryFileSystem, false],
  ['copies, asked for', MemoryFileSystem, true],
  ['copies, where there are no links', NoLinks, false],
] as const) {
  t.test(`a snapshot by ${name} is a log of its own`, async (t) => {
    const disk = new Disk()
    const bench = new Bench(disk)
    const log = await fill(bench)
    let progress: number[] = []
    const taking = log.snapshot(TARGET, { copy, onProgress: (...at) => (progress = at) })
    append(log, 500)
    const report = await bench.until(taking)
    const sealed = log.segments().filter((segment) => segment.sealed)
    const bytes = sealed.reduce((sum, segment) => sum + segment.bytes, 0)
    const linked = name === 'links' ? sealed.length : 0
    t.same(report, { segments: sealed.length, bytes, linked, copied: sealed.length - linked })
    t.same(progress, [bytes, bytes])
    const before = bench.progress
    append(log, 501)
    await bench.until(log.sync())
    t.ok(bench.progress > before, 'the log goes on')
    disk.restart(3) // power cut: the snapshot is durable
    const own = await openTarget(disk)
    t.equal(own.log.recovery.cleanClose, true)
    t.equal(own.log.recovery.tails, 0)
    t.same(own.seen, [...own.seen.keys()], 'all up to the call, nothing behind')
    const other = new Bench(disk)
    append(own.log, 900)
    await other.until(own.log.close())
    t.same((await openTarget(disk)).seen.slice(-1), [900])
    await other.open()
    t.same(other.seen, [...own.seen, 500, 501], 'what is written there is not seen here')
  })
}

t.test('what is dropped meanwhile is in the snapshot, and its file goes afterwards', async (t) => {
  for (const copy of [false, true]) {
    const bench = new Bench()
    const log = await fill(bench)
    await bench.until(log.settled())
    const [first, second] = log.segments()
    let dropped = false
    const taking = log.snapshot(TARGET, {
      copy,
      onProgress: () => {
        if (dropped) return
        dropped = true
        log.drop(first!.id)
        log.drop(second!.id)
      },
    })
    const report = await bench.until(taking)
    t.equal(report.segments, 4)
    await bench.until(log.settled())
    t.notOk(bench.disk.peek(first!.path))
    t.notOk(bench.disk.peek(second!.path), 'both files are gone')
    const { seen } = await openTarget(bench.disk)
    t.same(seen, [...seen.keys()], 'the snapshot has both')
    await bench.until(log.close())
    t.equal(bench.disk.openCount(), 0)
  }
})

t.test('refused where something lies, undone where it fails, ended by close', async (t) => {
  const bench = new Bench(new NoLinks())
  const log = await fill(bench)
  bench.disk.plant(`${TARGET}/mine`, new Uint8Array(3))
  await t.rejects(bench.until(log.snapshot(TARGET)), { code: 'WAL_OPTIONS', path: TARGET })
  t.ok(bench.disk.peek(`${TARGET}/mine`))
  bench.disk.remove(`${TARGET}/mine`)
  let failed = 0
  for (let ahead = 1; ; ahead++) {
    const taking = log.snapshot(TARGET)
    await bench.until(log.settled())
    bench.disk.fault = { call: bench.disk.calls + ahead, what: 'ENOSPC' }
    const code = await bench.until(taking).then(
      () => 'made',
      (error: { code: string }) => error.code,
    )
    if (code === 'made') break
    failed++
    t.equal(code, 'WAL_FULL', `call ${ahead}`)
    bench.disk.fault = null
    t.same(bench.disk.list(TARGET), [], `call ${ahead}: nothing is left`)
    t.equal(log.error, null, 'the log is not harmed')
  }
  t.ok(failed > 30, `${failed} calls can fail`)
  bench.disk.fault = null
  const ended = log.snapshot(`${TARGET}/two`).catch((error: { code: string }) => error.code)
  await bench.until(log.settled())
  await bench.until(log.close())
  t.equal(await ended, 'WAL_CLOSED')
  t.equal(bench.disk.openCount(), 0)
  t.same(bench.disk.list(`${TARGET}/two`), [])
  await t.rejects(log.snapshot(TARGET), { code: 'WAL_CLOSED' })
})

interface State {
  /** Entries from 0 on that are durable. */
  durable: number
  /** The snapshot was reported as made. */
  taken: boolean
}

/** Appends, snapshots and drops. */
async function workload(bench: Bench, copy: boolean, state: State): Promise<void> {
  const log = await fill(bench)
  await bench.until(log.sync())
  state.durable = 20
  await bench.until(log.settled())
  const [source] = log.segments()
  const output = log.createOutput()
  log.readBlocks(source!.id, 0, source!.bytes, (_offset, bytes, start, end) => {
    output.append(bytes, start, end)
  })
  const taking = bench.until(log.snapshot(TARGET, { copy })).then(() => (state.taken = true))
  taking.catch(() => {})
  const finished = new Promise<void>((resolve, reject) =>
    output.finish((error) => (error ? reject(error) : resolve())),
  )
  await bench.until(finished).catch(() => {})
  if (!bench.disk.crashed) log.drop(source!.id)
  await taking
  await bench.until(log.close())
}

t.test('wherever the machine dies: the log has all, the snapshot is whole or no log', async (t) => {
  for (const copy of [false, true]) {
    const quiet = new Bench()
    await workload(quiet, copy, { durable: 0, taken: false })
    const whole = await openTarget(quiet.disk)
    const wrong: string[] = []
    let opened = 0
    for (let call = 1; call <= quiet.disk.calls; call++) {
      for (const seed of [undefined, call, call + 1000]) {
        const disk = new MemoryFileSystem()
        const bench = new Bench(disk)
        disk.fault = { call, what: 'crash-after' }
        const state = { durable: 0, taken: false }
        await workload(bench, copy, state).catch(() => {})
        disk.restart(seed)
        const where = `call ${call}, ${disk.history.at(-1)}, seed ${seed}`
        await bench.open().catch((error) => wrong.push(`${where}: ${error}`))
        const first = new Set(bench.seen)
        if (![...Array(state.durable).keys()].every((n) => first.has(n)))
          wrong.push(`${where}: the log lost something`)
        try {
          const { seen } = await openTarget(disk)
          if (seen.length > 0) opened++
          const isWhole = whole.seen.every((n) => seen.includes(n))
          if (!isWhole && seen.length + Number(state.taken) > 0)
            wrong.push(`${where}: half a snapshot opened`)
        } catch (error) {
          const { code } = error as { code: string }
          if (code !== 'WAL_CORRUPT' || state.taken) wrong.push(`${where}: ${error}`)
        }
      }
    }
    t.same(wrong.slice(0, 5), [])
    t.ok(opened > 20, `${opened} snapshots opened`)
  }
})
