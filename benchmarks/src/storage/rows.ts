/**
 * The rows of the table. A target stands with its row; where a rival cannot do a thing, it is not in the row.
 */
import { runChurn } from './churn-row.ts'
import { runSpeedRow, type SpeedRow } from './contest.ts'
import type { EngineName } from './engines/engine.ts'
import type { RowResult } from './figures.ts'
import { runFirstAnswer } from './first-answer.ts'
import type { Sizes } from './sizes.ts'
import { runSustained } from './sustained-row.ts'

export interface Row {
  readonly name: string
  readonly run: (sizes: Sizes) => Promise<RowResult[]>
}

const STORES: readonly EngineName[] = ['minivault', 'lmdb', 'classic-level', 'better-sqlite3']
const ALL: readonly EngineName[] = [...STORES, 'Map']
const KB = 1024

const set1k = { title: 'set 1 KB', measure: 'set', valueBytes: KB, keyCount: 100_000 } as const
const hot = { durability: 'os', valueBytes: KB, keyCount: 20_000, hotCount: 1000 } as const
const whole = { durability: 'os', valueBytes: KB, keyCount: 100_000 } as const

export const SPEED_ROWS: readonly SpeedRow[] = [
  { ...set1k, name: 'set-64', title: 'set 64 B', durability: 'memory', valueBytes: 64, engines: ALL },
  { ...set1k, name: 'set-1k', durability: 'memory', engines: ALL, goal: { against: 'lmdb', atLeast: 4 } },
  {
    ...set1k,
    name: 'set-100k',
    title: 'set 100 KB',
    durability: 'memory',
    valueBytes: 100 * KB,
    keyCount: 1000,
    inFlight: 16,
    engines: ALL,
  },
  { ...set1k, name: 'set-os', durability: 'os', engines: STORES },
  {
    ...set1k,
    name: 'set-fsync',
    title: 'set 1 KB, 64 writers',
    measure: 'setConcurrently',
    durability: 'fsync',
    inFlight: 64,
    keyCount: 20_000,
    engines: STORES,
    goal: { against: 'classic-level', atLeast: 5 },
  },
  {
    ...hot,
    name: 'get-view',
    title: 'get hot 1 KB, no copy',
    measure: 'view',
    engines: ['minivault', 'lmdb', 'Map'],
    goal: { against: 'lmdb', what: 'getBinaryFast', atLeast: 5 },
  },
  {
    ...hot,
    name: 'get-copy',
    title: 'get hot 1 KB, copy',
    measure: 'copy',
    engines: ALL,
    goal: { against: 'lmdb', what: 'getBinary', atLeast: 1.5 },
  },
  {
    ...hot,
    name: 'get-await',
    title: 'get hot 1 KB, awaited',
    measure: 'get',
    engines: ['minivault', 'classic-level'],
  },
  {
    ...whole,
    name: 'get-uniform',
    title: 'get uniform 1 KB, 256 MB beyond a 16 MB cache',
    measure: 'copy',
    keyCount: 256 * KB,
    cacheBytes: 16 * 2 ** 20,
    engines: [...STORES, 'pread'],
    goal: { against: 'pread', atMost: 1.5 },
  },
  { ...whole, name: 'miss', title: 'get, no such key', measure: 'miss', engines: ALL },
  { ...whole, name: 'batch', title: 'batch of 100 × 1 KB', measure: 'batch', engines: ALL },
  { ...whole, name: 'scan', title: 'scan 1,000 × 1 KB', measure: 'scan', engines: STORES },
]

export const ROWS: readonly Row[] = [
  ...SPEED_ROWS.map((row) => ({
    name: row.name,
    run: async (sizes: Sizes) => [await runSpeedRow(row, sizes)],
  })),
  { name: 'open', run: runFirstAnswer },
  { name: 'churn', run: runChurn },
  { name: 'sustained', run: runSustained },
]
