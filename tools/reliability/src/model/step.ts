/**
 * One operation of a workload, as data: a list of them is a run, and what failed is a list to keep.
 *
 * Two kinds of keys. *Hot* ones are few, small and often deleted. *Residents* are many, larger and hardly
 * ever overwritten: they keep old segments alive in which a deleted hot key still has its record, so that a
 * tombstone that left too early brings it back.
 */
import fc from 'fast-check'
import type { ScanRequest } from './ordered.ts'

export type Level = 0 | 1 | 2

export type Condition = 'none' | 'absent' | 'version' | 'stale'

export type Step =
  | { kind: 'set'; key: string; bytes: number; level: Level; condition: Condition; ttlMs: number }
  | { kind: 'delete'; key: string; level: Level; condition: Condition }
  | { kind: 'touch'; key: string; level: Level; ttlMs: number }
  | { kind: 'increment'; key: string; by: number; level: Level }
  /** `bytes` null: a delete. */
  | { kind: 'batch'; operations: { key: string; bytes: number | null }[]; level: Level }
  | { kind: 'burst'; keys: string[]; level: Level }
  | { kind: 'merge' | 'reopen' | 'sync' | 'snapshot' | 'verify' }
  | { kind: 'wait'; ms: number }
  /** `meanwhile` happens behind its first page. */
  | { kind: 'scan'; request: ScanRequest; pageEntries: number; meanwhile: CalmStep[] }
  | { kind: 'crash'; isCut: boolean; inCalls: number; isAfter: boolean; seed: number }

export type CalmStep = Exclude<Step, { kind: 'crash' }>

export type StepOf<K extends Step['kind']> = Extract<Step, { kind: K }>

const HOT_KEYS = ['h0', 'h1', 'h2', 'h3', 'h4', 'h5']
const RESIDENT_KEYS = Array.from({ length: 48 }, (_, n) => `resident ${n}`)

const hot = fc.constantFrom(...HOT_KEYS)
const resident = fc.constantFrom(...RESIDENT_KEYS)
const level = fc.constantFrom<Level[]>(0, 1, 2)
const condition = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Condition>('none') },
  { weight: 2, arbitrary: fc.constantFrom<Condition[]>('absent', 'version', 'stale') },
)
const ttlMs = fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(4000) })
// Over about 1,000 bytes a value gets a file of its own in stores as small as these.
const hotBytes = fc.oneof({ weight: 5, arbitrary: fc.nat(40) }, { weight: 1, arbitrary: fc.nat(1400) })

const set = fc.record({
  kind: fc.constant('set' as const),
  key: hot,
  bytes: hotBytes,
  level,
  condition,
  ttlMs,
})
const settle = fc.record({
  kind: fc.constant('set' as const),
  key: resident,
  bytes: fc.integer({ min: 150, max: 800 }),
  level,
  condition: fc.constant<Condition>('none'),
  ttlMs: fc.constant(0),
})
const remove = fc.record({ kind: fc.constant('delete' as const), key: hot, level, condition })
const burst = fc.record({
  kind: fc.constant('burst' as const),
  keys: fc.uniqueArray(fc.oneof(hot, resident), { minLength: 2, maxLength: 8 }),
  level,
})
const touch = fc.record({ kind: fc.constant('touch' as const), key: hot, level, ttlMs })
const increment = fc.record({
  kind: fc.constant('increment' as const),
  key: fc.constantFrom('counter 0', 'counter 1'),
  by: fc.integer({ min: -5, max: 1000 }),
  level,
})
// A batch goes into one block of the log, which is small here; a value with a file of its own stands beside
// it.
const batch = fc.record({
  kind: fc.constant('batch' as const),
  operations: fc.array(
    fc.record({
      key: hot,
      bytes: fc.oneof(
        { weight: 8, arbitrary: fc.nat(60) },
        { weight: 3, arbitrary: fc.constant(null) },
        { weight: 1, arbitrary: fc.constant(3000) },
      ),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  level,
})
const wait = fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 3000 }) })
const bound = fc.oneof(hot, resident, fc.constantFrom('a', 'h', 'h3x', 'resident', 'z'))
const request = fc.oneof(
  fc.record({ prefix: fc.constantFrom('h', 'resident 1', 'resident', 'c', 'x') }, { requiredKeys: [] }),
  fc.record({ gte: bound, lt: bound }, { requiredKeys: [] }),
  fc.record({ gt: bound, lte: bound }, { requiredKeys: [] }),
)
const limits = fc.record(
  { limit: fc.nat(20), reverse: fc.boolean(), keysOnly: fc.boolean() },
  { requiredKeys: [] },
)
const scan = fc.record({
  kind: fc.constant('scan' as const),
  request: fc.tuple(request, limits).map(([range, rest]): ScanRequest => ({ ...range, ...rest })),
  pageEntries: fc.integer({ min: 1, max: 9 }),
  meanwhile: fc.array(fc.oneof(set, remove, settle, fc.constant<CalmStep>({ kind: 'merge' })), {
    maxLength: 3,
  }),
})
const upkeep = fc.constantFrom<Step[]>(
  { kind: 'merge' },
  { kind: 'reopen' },
  { kind: 'sync' },
  { kind: 'snapshot' },
  { kind: 'verify' },
)
const crash = fc.record({
  kind: fc.constant('crash' as const),
  isCut: fc.boolean(),
  inCalls: fc.nat(30),
  isAfter: fc.boolean(),
  seed: fc.nat(1e6),
})

const churn = fc.record({
  kind: fc.constant('set' as const),
  key: fc.constantFrom('churn 0', 'churn 1'),
  bytes: fc.integer({ min: 300, max: 800 }),
  level,
  condition: fc.constant<Condition>('none'),
  ttlMs: fc.constant(0),
})

const everywhere = [
  { weight: 1, arbitrary: wait },
  { weight: 2, arbitrary: scan },
  { weight: 2, arbitrary: upkeep },
]

/** Segments that stay: residents, with hot keys between them. */
const settling = [
  { weight: 8, arbitrary: settle },
  { weight: 4, arbitrary: set },
]
/** Segments that die at once, with the tombstones of hot keys between what is overwritten. */
const churning = [
  { weight: 8, arbitrary: churn },
  { weight: 4, arbitrary: remove },
]
const mixed = [
  { weight: 6, arbitrary: set },
  { weight: 3, arbitrary: settle },
  { weight: 4, arbitrary: remove },
  { weight: 2, arbitrary: burst },
  { weight: 3, arbitrary: batch },
  { weight: 1, arbitrary: touch },
  { weight: 1, arbitrary: increment },
]

type Weighted = { weight: number; arbitrary: fc.Arbitrary<Step> }

/** Phases one after the other, each with a mixture of its own. */
function workloadOf(faults: Weighted[]): fc.Arbitrary<Step[]> {
  const phase = (kinds: Weighted[]) =>
    fc.array(fc.oneof(...kinds, ...everywhere, ...faults), { minLength: 5, maxLength: 40, size: 'max' })
  const phases = fc.oneof(phase(settling), phase(churning), phase(mixed))
  return fc.array(phases, { minLength: 2, maxLength: 6, size: 'max' }).map((parts) => parts.flat())
}

/** Without faults. */
export const calmWorkload = workloadOf([]) as fc.Arbitrary<CalmStep[]>

/** The process dies and the power goes, now and then. */
export const workload = workloadOf([{ weight: 1, arbitrary: crash }])
