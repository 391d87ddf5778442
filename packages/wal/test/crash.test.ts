/**
 * The machine dies before and after every call to the disk, and what was not synced survives as any subset.
 * Nothing that was confirmed durable may be missing afterwards, nothing may appear that was never appended,
 * and a second open must see the same.
 */
import { MemoryFileSystem, seededRandom } from '@minivault/wal/testing'
import t from 'tap'
import { append, Bench, type Confirmed, workload } from './harness.ts'

const SEEDS = 2

async function callsOf(): Promise<string[]> {
  const bench = new Bench()
  await workload(bench, { appended: new Set(), written: new Set(), durable: new Set() })
  return bench.disk.history
}

interface Case {
  call: number
  what: 'crash-before' | 'crash-after'
  /** undefined: only the process dies, the page cache lives. */
  seed: number | undefined
  /** Die once more, during recovery, at about this call; then by a power cut. */
  again?: number
}

/** One crash and what is wrong after it; an empty text when all is well. */
async function crash(disk: MemoryFileSystem, test: Case): Promise<string> {
  const bench = new Bench(disk)
  const confirmed: Confirmed = { appended: new Set(), written: new Set(), durable: new Set() }
  disk.fault = { call: test.call, what: test.what }
  await workload(bench, confirmed).catch((error: unknown) => {
    if (!disk.crashed) throw error
  })
  if (!disk.crashed) return 'the crash never came'
  const where = `${test.what} ${disk.history.at(-1)} (call ${test.call}, seed ${test.seed})`
  disk.restart(test.seed)
  if (test.again) {
    disk.fault = { call: disk.calls + test.again, what: 'crash-after' }
    await new Bench(disk).open().catch(() => {})
    disk.restart((test.seed ?? 0) + 1)
  }
  const after = new Bench(disk)
  try {
    await after.open()
  } catch (error) {
    return `${where}: ${(error as Error).message}`
  }
  const first = after.seen
  const seen = new Set(first)
  const must = test.seed === undefined && !test.again ? confirmed.written : confirmed.durable
  for (const n of must) if (!seen.has(n)) return `${where}: ${n} is lost`
  for (const n of seen) if (!confirmed.appended.has(n)) return `${where}: ${n} is invented`
  const gap = Math.max(-1, ...seen) + 1 - seen.size
  if (gap !== 0) return `${where}: ${gap} entries are missing before the last`
  disk.restart(7)
  const log = await after.open()
  if (after.seen.join() !== first.join()) return `${where}: the next open sees something else`
  append(log, 1000)
  await after.until(log.close())
  await after.open()
  return after.seen.includes(1000) ? '' : `${where}: appending after it is lost`
}

t.test('crash at every call', async (t) => {
  const calls = (await callsOf()).length
  const wrong: string[] = []
  let cases = 0
  for (let call = 1; call <= calls; call++) {
    for (const what of ['crash-before', 'crash-after'] as const) {
      for (let seed = -1; seed <= SEEDS; seed++) {
        cases++
        const test: Case = { call, what, seed: seed < 1 ? undefined : call * 64 + seed }
        if (seed === SEEDS || seed === -1) test.again = 1 + Math.floor(seededRandom(call)() * 25)
        const problem = await crash(new MemoryFileSystem(), test)
        if (problem) wrong.push(problem)
      }
    }
  }
  t.comment(`${calls} calls, ${cases} crashes`)
  t.same(wrong.slice(0, 8), [])
  t.ok(calls > 100, 'the workload is worth the name')
})

t.test(
  'recovery trusts no name that may not be durable: a kill, then a power cut while it mends',
  async (t) => {
    const calls = await callsOf()
    const renames = calls.flatMap((call, i) => (call === 'rename /log/manifest.new' ? [i + 1] : []))
    const wrong: string[] = []
    for (const call of renames) {
      for (let again = 1; again <= 24; again++) {
        const problem = await crash(new MemoryFileSystem(), {
          call,
          what: 'crash-after',
          seed: undefined,
          again,
        })
        if (problem) wrong.push(problem)
      }
    }
    t.same(wrong.slice(0, 5), [])
    t.ok(renames.length > 5)
  },
)

t.test('control: on a disk whose fsync does nothing the same test goes red', async (t) => {
  class Lying extends MemoryFileSystem {
    override datasyncSync(): void {}
    override syncSync(): void {}
  }
  let lost = 0
  for (let call = 60; call <= 200; call += 10) {
    const disk = new Lying()
    if ((await crash(disk, { call, what: 'crash-after', seed: call })) !== '') lost++
  }
  t.ok(lost > 3, `${lost} of 15 found`)
})

t.test('control: on a disk that forgets directory syncs it goes red too', async (t) => {
  class Forgetful extends MemoryFileSystem {
    override syncDirectorySync(): void {}
  }
  let lost = 0
  for (let call = 60; call <= 200; call += 10) {
    if ((await crash(new Forgetful(), { call, what: 'crash-after', seed: call })) !== '') lost++
  }
  t.ok(lost > 3, `${lost} of 15 found`)
})
