/**
 * Row 4: one workload through sets, deletes, batches, bursts, merges, seals, a
 * snapshot and closes; the machine dies
 * before and after each of its calls to the disk, once by a power cut and once by a kill, and sometimes again
 * while it recovers. Afterwards the store must hold the state after a prefix of what was asked for.
 */
import { MemoryFileSystem } from '@minivault/wal/testing'
import { ForgetfulDisk, LyingDisk } from '../disk/liars.ts'
import { Machine } from '../disk/machine.ts'
import { Run, type RunOptions } from '../model/run.ts'
import type { CalmStep, Level, StepOf } from '../model/step.ts'
import { type Context, type Findings, NOTICED_ENOUGH, type Row, strideOf } from '../row.ts'

const STEPS = 72

/** Every kind of step, in an order that seals, merges and reopens with work on both sides. */
function workload(): CalmStep[] {
  const steps: CalmStep[] = []
  for (let n = 0; n < STEPS; n++) {
    const level = (n % 3) as Level
    const key = `h${(n * 7) % 5}`
    if (n % 13 === 12) steps.push({ kind: 'merge' })
    else if (n === 45) steps.push({ kind: 'snapshot' })
    else if (n % 29 === 28) steps.push({ kind: 'reopen' })
    else if (n % 17 === 16) steps.push({ kind: 'sync' })
    else if (n % 5 === 4) steps.push({ kind: 'delete', key, level, condition: 'none' })
    else if (n % 19 === 11) steps.push({ kind: 'increment', key: 'counter', by: n, level })
    else if (n % 23 === 13) steps.push({ kind: 'touch', key, level, ttlMs: 0 })
    else if (n % 7 === 3) steps.push({ kind: 'batch', operations: batchOf(n), level })
    else if (n % 11 === 7) {
      steps.push({ kind: 'burst', keys: [key, `resident ${n}`, `resident ${n + 1}`], level })
    } else {
      // Every ninth is too long for the log of this store and gets a file.
      const bytes = n % 9 === 6 ? 1500 + n : 20 + ((n * 37) % 500)
      steps.push({ kind: 'set', key, bytes, level, condition: 'none', ttlMs: 0 })
    }
  }
  return steps
}

/** Sets and a delete; now and then with a value that has a file of its own. */
function batchOf(n: number): StepOf<'batch'>['operations'] {
  return [
    { key: `h${n % 5}`, bytes: n % 2 === 0 ? 3000 : 50 },
    { key: `h${(n + 1) % 5}`, bytes: null },
    { key: `resident ${n}`, bytes: 60 },
  ]
}

interface Case {
  call: number
  what: 'crash-before' | 'crash-after'
  isCut: boolean
  /** Dies once more, at this call of the recovery; 0: does not. */
  again: number
}

async function crash(disk: MemoryFileSystem, test: Case, options?: RunOptions): Promise<string | null> {
  const machine = new Machine(disk)
  const run = new Run(machine, options)
  disk.fault = { call: test.call, what: test.what }
  const before = await run.untilCrash(workload())
  const fate = test.isCut ? 'power cut' : 'kill'
  const where = `${test.what} call ${test.call} (${disk.history[test.call - 1]}), ${fate}`
  if (before !== null) return `${where}: ${before}`
  // A call that fails by itself (a look for a file that is not there) has no after.
  if (!disk.crashed) return test.what === 'crash-after' ? null : `${where}: the crash never came`
  await machine.restart(test.isCut ? test.call : undefined)
  if (test.again > 0) {
    disk.fault = { call: disk.calls + test.again, what: test.what }
    await machine.open().catch(() => {})
    await machine.restart(test.isCut ? test.call + 1 : undefined)
  }
  const after = await run.comeBack(test.isCut)
  return after && `${where}: ${after}`
}

async function countCalls(): Promise<number> {
  const disk = new MemoryFileSystem()
  const problem = await new Run(new Machine(disk)).untilCrash(workload())
  if (problem !== null) throw new Error(`the workload fails without a crash: ${problem}`)
  return disk.calls
}

interface Planted extends RunOptions {
  disk?: () => MemoryFileSystem
}

const NOTHING: Planted = {}

async function everyCall(context: Context, stride: number, planted = NOTHING): Promise<Findings> {
  const calls = await countCalls()
  const failures: string[] = []
  let n = 0
  const isEnough = () => planted !== NOTHING && failures.length >= NOTICED_ENOUGH
  for (let call = 1 + (context.seed % stride); call <= calls && !isEnough(); call += stride) {
    for (const what of ['crash-before', 'crash-after'] as const) {
      for (const isCut of [true, false]) {
        const again = call % 4 === 0 ? 1 + ((call * 7) % 25) : 0
        const disk = planted.disk?.() ?? new MemoryFileSystem()
        const problem = await crash(disk, { call, what, isCut, again }, planted)
        if (problem !== null) failures.push(problem)
        n += 1
      }
    }
    context.progress(call, calls)
  }
  const wanted = Math.floor(calls / stride) * 4
  return { n, wanted, failures, measured: `${calls} calls` }
}

const CONTROL_STRIDE = 20

export const everyCallRow: Row = {
  number: 4,
  claim: 'crash before and after every file-system call, by power cut and by kill: 0 acknowledged lost',
  cases: { smoke: 80, ci: 800, long: 800 },
  run: (context) => everyCall(context, strideOf(context)),
  controls: [
    {
      fault: 'a disk whose fsync does nothing',
      run: (context) => everyCall(context, CONTROL_STRIDE, { disk: () => new LyingDisk() }),
    },
    {
      fault: 'a disk that forgets the sync of a directory',
      run: (context) => everyCall(context, CONTROL_STRIDE, { disk: () => new ForgetfulDisk() }),
    },
    {
      fault: 'os taken for fsync: acknowledged before it is durable',
      run: (context) => everyCall(context, 7, { trustedLevel: 1 }),
    },
  ],
}
