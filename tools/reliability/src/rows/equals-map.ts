/**
 * Row 23: the engine equals a Map, whatever the order of operations, options and faults. fast-check draws
 * lists of steps and the options of the store, and shrinks a list that fails.
 */
import type { Store, StoreOptions } from '@minivault/storage'
import { MemoryFileSystem } from '@minivault/wal/testing'
import fc from 'fast-check'
import { LyingDisk } from '../disk/liars.ts'
import { type Engine, Machine, type MachineOptions } from '../disk/machine.ts'
import { Run, type RunOptions } from '../model/run.ts'
import { type Step, workload } from '../model/step.ts'
import { type PlantedFault, storageWith } from '../planted-source.ts'
import type { Context, Findings, Row } from '../row.ts'

const RUNS_A_ROUND = 20
const ROUND_MS_MAX = 120_000

/** Holds fewer keys of one shard than a run has. */
const KEYDIR_BYTES = 64 * 1024

export const EARLY_PURGE: PlantedFault = {
  file: 'storage/src/merge-run.ts',
  edits: [['if (others.every(({ ageMin }) => ageMin > own.ageMax)) free.add', 'free.add']],
}

type Hash = NonNullable<StoreOptions['hash']>

/** All keys are one to whoever looks at hashes only. */
const oneHash: Hash = (_bytes, _start, _end, into) => {
  into.high = 7
  into.low = 7
  return into
}

/** All keys in one shard of the index, so that a bound on it is soon met. */
const oneShard: Hash = (bytes, start, end, into) => {
  let hash = 0
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
  into.high = hash & 0xffffff
  into.low = hash
  return into
}

const options: fc.Arbitrary<MachineOptions> = fc
  .record({
    segmentBytes: fc.constantFrom(4096, 8192),
    windowBytes: fc.constantFrom(4096, 8192, 65_536),
    cacheBytes: fc.constant(1 << 20),
    compression: fc.constantFrom('zstd' as const, 'lz4' as const, 'none' as const),
    autoMerge: fc.boolean(),
    keydir: fc.constantFrom<MachineOptions[]>(
      {},
      { keydirBytes: KEYDIR_BYTES, hash: oneShard },
      { hash: oneHash },
    ),
  })
  .map(({ keydir, ...rest }) => ({ ...rest, ...keydir }))

const drawn = fc.tuple(options, workload)

interface Planted extends RunOptions {
  disk?: () => MemoryFileSystem
  engine?: Engine
}

/** Carries out at least so many steps, up to the first run that fails. */
async function compare(context: Context, wanted: number, planted: Planted = {}): Promise<Findings> {
  const failures: string[] = []
  let n = 0
  let crashes = 0
  const isControl = Object.keys(planted).length > 0
  for (let round = 0; n < wanted && failures.length === 0; round++) {
    const property = fc.asyncProperty(drawn, async ([machineOptions, steps]) => {
      const disk = planted.disk?.() ?? new MemoryFileSystem()
      const run = new Run(new Machine(disk, machineOptions, planted.engine), planted)
      const problem = await run.all(steps)
      n += run.steps
      crashes += run.crashes
      context.progress(n, wanted)
      if (problem !== null) throw new Error(problem)
    })
    const parameters = {
      numRuns: RUNS_A_ROUND,
      seed: context.seed + round,
      // What a control finds need not be made small; and what is real not to the very end.
      endOnFailure: isControl,
      interruptAfterTimeLimit: ROUND_MS_MAX,
    }
    const details = await fc.check(property, parameters)
    if (details.failed) failures.push(tell(details))
  }
  return { n, failures, measured: `${crashes} crashes` }
}

function tell({ seed, counterexample, errorInstance }: fc.RunDetails<[[MachineOptions, Step[]]]>): string {
  const [machineOptions, steps] = counterexample?.[0] ?? [{}, []]
  const list = steps.map((one) => JSON.stringify(one)).join('\n  ')
  return `seed ${seed}: ${(errorInstance as Error)?.message}\n  ${JSON.stringify(machineOptions)}\n  ${list}`
}

/** A store that now and then says that it has deleted, and has not. */
function forgetful(store: Store): Store {
  let deletes = 0
  return new Proxy(store, {
    get(target, name) {
      if (name === 'delete' && ++deletes % 10 === 0) return (key: string) => target.has(key)
      const member = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

const CONTROL_STEPS_MAX = 40_000

export const equalsMapRow: Row = {
  number: 23,
  claim: 'the engine equals a Map: writes, batches, expiry, scans, merge, snapshot, reopen, crash',
  cases: { smoke: 1000, ci: 50_000, long: 1_000_000 },
  run: compare,
  controls: [
    {
      fault: 'a tombstone leaves while an older record of its key is still there',
      async run(context) {
        const { Store: engine } = await storageWith(EARLY_PURGE, context.folder())
        return compare(context, CONTROL_STEPS_MAX, { engine })
      },
    },
    {
      fault: 'one delete in ten is only acknowledged',
      run: (context) => compare(context, CONTROL_STEPS_MAX, { around: forgetful }),
    },
    {
      fault: 'a disk whose fsync does nothing',
      run: (context) => compare(context, CONTROL_STEPS_MAX, { disk: () => new LyingDisk() }),
    },
  ],
}
