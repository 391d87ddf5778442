/**
 * A plan out of a seed. Every seed draws its own intensities first (how slow, how lossy, how many crashes):
 * where all are average, most faults stay hidden.
 */
import { DURABILITY, LEVEL } from '@minivault/cluster'
import { mix, Random } from '../random.ts'
import { CIRCUMSTANCES, type Circumstance, under } from './circumstances.ts'
import { type Item, type Kind, type OperationItem, type Plan, type Setup, SKEW_MAX_MS } from './plan.ts'

/** What a key is used for, with the weights of the operations. */
const USES: readonly Readonly<Partial<Record<Kind, number>>>[] = [
  { get: 4, put: 3, cas: 3, create: 1, increment: 2, delete: 0.5, deleteIf: 0.7 },
  { get: 4, put: 3, cas: 3, create: 1, increment: 2, delete: 0.5, deleteIf: 0.7 },
  { increment: 5, get: 3 },
  { increment: 5, get: 3, put: 1.5 },
  { create: 4, deleteIf: 3, get: 3 },
  { create: 4, delete: 1.5, get: 3 },
  { cas: 5, get: 3, put: 0.5, create: 0.3 },
  { cas: 4, put: 4, get: 4 },
  { put: 5, get: 5, delete: 1 },
  { put: 3, get: 5, delete: 3, create: 1 },
  { create: 3, get: 3 },
  { cas: 3, increment: 3, create: 2, deleteIf: 1, get: 3 },
]

/** Of the seeds. */
const CIRCUMSTANCE_SHARE = 0.2
const DURABILITIES = [DURABILITY.fsync, DURABILITY.fsync, DURABILITY.fsync, DURABILITY.os, DURABILITY.memory]
const LEDGER_AMPLE = 1024
const LEDGER_SHORT = 8
const FAR_MS = [2000, 60_000, 3_600_000]
const TTLS_MS = [20, 200, 1000]
/** Of a calm history: nothing fails, and the clocks agree. */
const CALM_SPAN_MS = 3000
const CALM_OPERATIONS = 100

/** @param circumstance else one seed in some is under one of them */
export function drawPlan(seed: number, circumstance?: Circumstance): Plan {
  const random = new Random(mix(seed, 1))
  const setup = drawSetup(random)
  const spanMs = random.of([200, 1000, 3000])
  const items: Item[] = []
  const isFar = random.chance(0.15)
  drawOperations(items, setup, spanMs, isFar ? 0 : random.of([0, 0, 0, 0.3]), random)
  drawFaults(items, setup, spanMs, random)
  drawLayouts(items, setup, spanMs, random)
  // A clock that is off for hours, for a while: what it stamps is never adopted by the others.
  if (isFar) {
    const [atMs, untilMs] = [timeIn(spanMs, random), timeIn(spanMs, random)].sort((a, b) => a - b)
    const member = random.below(setup.members)
    items.push({ kind: 'skew', atMs: atMs!, member, skewMs: random.of(FAR_MS) })
    items.push({ kind: 'skew', atMs: untilMs!, member, skewMs: 0 })
  }
  const plan = { seed, setup, items: inOrder(items) }
  const drawn = random.chance(CIRCUMSTANCE_SHARE) ? random.of(CIRCUMSTANCES) : undefined
  const chosen = circumstance ?? drawn
  return chosen === undefined ? plan : under(chosen, plan, random)
}

/** Everything works: what does an operation cost? */
export function calmPlan(seed: number): Plan {
  const random = new Random(mix(seed, 2))
  const setup: Setup = {
    members: 3,
    spares: 0,
    clients: 3,
    keys: 3,
    delayMs: 2,
    lossShare: 0,
    duplicateShare: 0,
    hintShare: 0,
    syncMs: 1,
    durability: DURABILITY.fsync,
    patienceMs: 10_000,
    deadlineMs: 10_000,
    ledgerEntries: LEDGER_AMPLE,
    startsNearTheWall: true,
    tickMs: 250,
    compareEveryMs: 600_000,
  }
  const items: Item[] = []
  const uses = drawUses(setup.keys, random)
  for (let i = 0; i < CALM_OPERATIONS; i++) {
    const item = drawOperation(setup, uses, CALM_SPAN_MS, random)
    // Stamped by its coordinator: clients have other clocks, and what that costs is another figure.
    items.push({ ...item, retries: [], isAnonymous: true, level: LEVEL.quorum })
  }
  return { seed, setup, items: inOrder(items) }
}

function inOrder(items: Item[]): Item[] {
  return items.sort((a, b) => a.atMs - b.atMs)
}

function drawSetup(random: Random): Setup {
  const syncMs = random.of([1, 3, 30, 120])
  const delayMs = random.of([2, 20, 100])
  const roundTripMs = 2 * delayMs + syncMs + 20
  return {
    members: random.of([3, 3, 3, 3, 3, 3, 3, 5]),
    spares: random.of([0, 0, 0, 0, 1, 2]),
    clients: random.of([2, 3, 4]),
    keys: random.of([1, 2, 3]),
    delayMs,
    lossShare: random.of([0, 0.03, 0.15]),
    duplicateShare: random.of([0, 0.02, 0.1]),
    hintShare: random.of([0, 0.5, 1]),
    syncMs,
    durability: random.of(DURABILITIES),
    patienceMs: random.of([roundTripMs, 3 * roundTripMs, 10 * roundTripMs]),
    deadlineMs: 12 * roundTripMs,
    ledgerEntries: random.of([LEDGER_AMPLE, LEDGER_AMPLE, LEDGER_SHORT]),
    startsNearTheWall: random.chance(0.7),
    tickMs: random.of([100, 500, 1000]),
    compareEveryMs: random.of([2000, 4000, 600_000]),
  }
}

type Weights = readonly (readonly [Kind, number])[]

function drawUses(keys: number, random: Random): Weights[] {
  return Array.from({ length: keys }, () => {
    const use = Object.entries(random.of(USES)) as [Kind, number][]
    return use.map(([kind, weight]) => [kind, weight * random.of([0.3, 1, 1, 2])] as const)
  })
}

function drawKind(weights: Weights, random: Random): Kind {
  let left = random.next() * weights.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [kind, weight] of weights) if ((left -= weight) < 0) return kind
  return 'get'
}

function drawOperations(
  items: Item[],
  setup: Setup,
  spanMs: number,
  expiringShare: number,
  random: Random,
): void {
  const uses = drawUses(setup.keys, random)
  const retryShare = random.of([0, 0.5, 1])
  const anonymousShare = random.of([0, 0, 0.3])
  // What a single replica answers for is not judged by itself; it is there to disturb.
  const oneShare = random.of([0, 0, 0, 0.2])
  for (let count = random.of([20, 60, 120]); count > 0; count--) {
    const item = drawOperation(setup, uses, spanMs, random)
    const isPlain = item.operation === 'get' || item.operation === 'put' || item.operation === 'delete'
    const isAnonymous = random.chance(anonymousShare)
    const isRetried = random.chance(retryShare) && !isAnonymous
    const level = random.chance(oneShare) && isPlain ? LEVEL.one : LEVEL.quorum
    const ttlMs = random.chance(expiringShare) ? random.of(TTLS_MS) : 0
    items.push({ ...item, retries: isRetried ? item.retries : [], isAnonymous, level, ttlMs })
  }
}

function drawOperation(
  { members: replicas, spares, clients, keys }: Setup,
  uses: readonly Weights[],
  spanMs: number,
  random: Random,
): OperationItem {
  const key = random.below(keys)
  const members = replicas + spares
  return {
    kind: 'operation',
    atMs: timeIn(spanMs, random),
    operation: drawKind(uses[key]!, random),
    client: random.below(clients),
    member: random.below(members),
    key,
    readsFirst: random.chance(0.6),
    retries: [random.below(members), random.below(members)],
    isAnonymous: false,
    level: LEVEL.quorum,
    ttlMs: 0,
  }
}

function drawFaults(items: Item[], setup: Setup, spanMs: number, random: Random): void {
  const atMs = () => timeIn(spanMs, random)
  const { keys } = setup
  const members = setup.members + setup.spares
  const member = () => random.below(members)
  const emptyShare = random.of([0, 0, 0.3])
  const everybody = Array.from({ length: members }, (_, number) => number)
  for (let count = random.of([0, 3, 8]); count > 0; count--) {
    const which = random.below(members + 1)
    const forMs = hundredths(5 + random.next() * random.next() * 300)
    const loss = random.chance(0.3) ? 'unwritten' : random.chance(emptyShare) ? 'everything' : 'unsynced'
    items.push({
      kind: 'crash',
      atMs: atMs(),
      members: which === members ? everybody : [which],
      loss,
      forMs,
    })
  }
  for (let count = random.of([0, 3, 8]); count > 0; count--) {
    const forMs = hundredths(10 + random.next() * 300)
    items.push({ kind: 'partition', atMs: atMs(), side: [member()], isOneWay: random.chance(0.25), forMs })
  }
  for (let count = random.of([0, 3, 6]); count > 0; count--) {
    const skewMs = Math.round((random.next() * 2 - 1) * SKEW_MAX_MS)
    items.push({ kind: 'skew', atMs: atMs(), member: member(), skewMs })
  }
  for (let count = random.of([0, 10, 40]); count > 0; count--) {
    items.push({ kind: 'repair', atMs: atMs(), from: member(), to: member(), key: random.below(keys) })
  }
  for (let count = random.of([0, 0, 5]); count > 0; count--) {
    items.push({ kind: 'compare', atMs: atMs(), from: member(), to: member() })
  }
  for (let count = random.of([0, 5, 30]); count > 0; count--) {
    const agoMs = random.of([0, 0, 30, 300])
    items.push({ kind: 'release', atMs: atMs(), member: member(), key: random.below(keys), agoMs })
  }
}

/** Others hold the keys: one or more come for those that go, and perhaps back again. */
function drawLayouts(items: Item[], { members, spares }: Setup, spanMs: number, random: Random): void {
  if (spares === 0) return
  const all = Array.from({ length: members + spares }, (_, number) => number)
  for (let count = random.of([1, 2, 4]); count > 0; count--) {
    const next = [...all]
    while (next.length > members) next.splice(random.below(next.length), 1)
    items.push({ kind: 'layout', atMs: timeIn(spanMs, random), members: next })
  }
}

function timeIn(spanMs: number, random: Random): number {
  return hundredths(random.next() * spanMs)
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100
}
