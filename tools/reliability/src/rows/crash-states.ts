/**
 * Row 6: what a power cut may leave. Random workloads are cut at random calls; of all that was not synced any
 * subset survives, writes torn at 512 bytes, each name on its own. Counted are *different* disks.
 */
import { createHash } from 'node:crypto'
import { MemoryFileSystem } from '@minivault/wal/testing'
import fc from 'fast-check'
import { ForgetfulDisk, LyingDisk } from '../disk/liars.ts'
import { Machine } from '../disk/machine.ts'
import { Run, type RunOptions } from '../model/run.ts'
import { type CalmStep, calmWorkload } from '../model/step.ts'
import { type Context, type Findings, NOTICED_ENOUGH, type Row } from '../row.ts'

/** Surviving subsets that are looked at for one cut. State 1207 is the seventh of workload 12. */
const STATES_A_CUT = 8

interface Planted extends RunOptions {
  disk?: () => MemoryFileSystem
}

class CrashStates {
  readonly failures: string[] = []
  readonly #seen = new Set<string>()
  readonly #planted: Planted

  constructor(planted: Planted) {
    this.#planted = planted
  }

  get n(): number {
    return this.#seen.size
  }

  /** One state: the workload up to the call, what survives by the seed, the store on that. */
  async look(steps: readonly CalmStep[], isMerging: boolean, call: number, seed: number): Promise<void> {
    const disk = this.#planted.disk?.() ?? new MemoryFileSystem()
    const options = { segmentBytes: 4096, windowBytes: 4096, cacheBytes: 1 << 20, autoMerge: isMerging }
    const machine = new Machine(disk, options)
    const run = new Run(machine, this.#planted)
    disk.fault = { call, what: 'crash-after' }
    let problem = await run.untilCrash(steps)
    if (problem === null && disk.crashed) {
      await machine.restart(seed)
      const hash = createHash('sha1')
      for (const [path, bytes] of disk.files()) hash.update(path).update(bytes)
      this.#seen.add(hash.digest('hex'))
      problem = await run.comeBack(true)
    }
    if (problem !== null) this.failures.push(`state ${seed} at call ${call}: ${problem}`)
  }
}

const NOTHING: Planted = {}

async function enumerate(context: Context, wanted: number, planted = NOTHING): Promise<Findings> {
  const states = new CrashStates(planted)
  let cuts = 0
  const isEnough = () => planted !== NOTHING && states.failures.length >= NOTICED_ENOUGH
  for (; states.n < wanted && !isEnough(); cuts++) {
    const seed = context.seed + cuts
    const [steps] = fc.sample(calmWorkload, { numRuns: 1, seed }) as [CalmStep[]]
    const isMerging = seed % 2 === 0
    const call = 20 + ((seed * 7919) % (steps.length * 6))
    for (let i = 0; i < STATES_A_CUT; i++) await states.look(steps, isMerging, call, seed * 100 + i)
    context.progress(states.n, wanted)
    if (cuts > wanted) throw new Error('the workloads reach too few different states')
  }
  return { n: states.n, failures: states.failures, measured: `${cuts} cuts` }
}

const CONTROL_STATES = 60

export const crashStatesRow: Row = {
  number: 6,
  claim: 'any subset of what was not synced survives a cut, torn at 512 bytes: 0 acknowledged lost',
  cases: { smoke: 200, ci: 2000, long: 100_000 },
  run: enumerate,
  controls: [
    {
      fault: 'a disk whose fsync does nothing',
      run: (context) => enumerate(context, CONTROL_STATES, { disk: () => new LyingDisk() }),
    },
    {
      fault: 'a disk that forgets the sync of a directory',
      run: (context) => enumerate(context, CONTROL_STATES, { disk: () => new ForgetfulDisk() }),
    },
  ],
}
