/**
 * Histories in which one thing happens all the time. Some seeds are of this kind; and faults that only show
 * where much of one kind comes together are looked for here.
 */
import { DURABILITY } from '@minivault/cluster'
import type { Random } from '../random.ts'
import type { Item, Kind, Loss, Plan, Setup } from './plan.ts'

export const CIRCUMSTANCES = ['forgetting', 'moving', 'releasing', 'farClock'] as const
export type Circumstance = (typeof CIRCUMSTANCES)[number]

const SPARES = 2
const HOUR_MS = 3_600_000
const RELEASING_KINDS: readonly Kind[] = ['put', 'delete', 'delete', 'create', 'get', 'get', 'increment']
const FAR_KINDS: readonly Kind[] = ['increment', 'increment', 'create', 'get', 'put', 'cas', 'delete']
const LOSSES: readonly Loss[] = ['everything', 'everything', 'unsynced']

export function under(circumstance: Circumstance, plan: Plan, random: Random): Plan {
  const spanMs = plan.items.reduce((last, { atMs }) => Math.max(last, atMs), 0)
  const atMs = () => Math.round(random.next() * spanMs * 100) / 100
  const changed = CHANGES[circumstance](plan, random, atMs)
  return { ...changed, items: [...changed.items].sort((a, b) => a.atMs - b.atMs) }
}

type Change = (plan: Plan, random: Random, atMs: () => number) => Plan

const CHANGES: Readonly<Record<Circumstance, Change>> = {
  /** Members come back with less than they had, at once, while the network is slow. */
  forgetting: ({ seed, setup, items }, random, atMs) => {
    const durability = random.of([DURABILITY.fsync, DURABILITY.os, DURABILITY.memory])
    const syncMs = random.of([1, 120])
    const crashes = times(8, (): Item => {
      const members = [random.below(setup.members)]
      return { kind: 'crash', atMs: atMs(), members, loss: random.of(LOSSES), forMs: 2 + random.below(10) }
    })
    return { seed, setup: { ...hurried(setup), durability, syncMs }, items: [...items, ...crashes] }
  },

  /** Keys move on before everybody knows that they have moved. */
  moving: ({ seed, setup, items }, random, atMs) => {
    const count = setup.members + SPARES
    const elsewhere = items.map((item): Item => {
      if (item.kind !== 'operation') return item
      const retries = item.retries.map(() => random.below(count))
      return { ...item, member: random.below(count), retries }
    })
    const layouts = times(6, (): Item => {
      const members = Array.from({ length: count }, (_, number) => number)
      while (members.length > setup.members) members.splice(random.below(members.length), 1)
      return { kind: 'layout', atMs: atMs(), members }
    })
    const partitions = times(4, (): Item => {
      const forMs = 20 + random.below(300)
      return { kind: 'partition', atMs: atMs(), side: [random.below(count)], isOneWay: false, forMs }
    })
    const moved = { ...hurried(setup), spares: SPARES }
    return { seed, setup: moved, items: [...elsewhere, ...layouts, ...partitions] }
  },

  /** One key, deleted and made again, and its tombstones released. */
  releasing: ({ seed, setup, items }, random, atMs) => {
    const onOne = items.flatMap((item): Item[] => {
      if (!('key' in item)) return [item]
      if (item.kind !== 'operation') return item.key === 0 ? [item] : []
      return [{ ...item, key: 0, operation: random.of(RELEASING_KINDS) }]
    })
    const releases = times(30, (): Item => {
      const member = random.below(setup.members)
      return { kind: 'release', atMs: atMs(), member, key: 0, agoMs: random.of([0, 0, 30]) }
    })
    return { seed, setup: { ...setup, keys: 1 }, items: [...onOne, ...releases] }
  },

  /** One clock is an hour ahead, what it stamps is on every key, and many ask who holds none of them. */
  farClock: ({ seed, setup, items }, random, atMs) => {
    const onOne = items.flatMap((item): Item[] => {
      if (item.kind === 'skew' || item.kind === 'layout') return []
      if (item.kind !== 'operation') return [{ ...item, ...('key' in item ? { key: 0 } : {}) }]
      const member = random.below(2) * setup.members || item.member
      return [{ ...item, member, key: 0, operation: random.of(FAR_KINDS), ttlMs: 0 }]
    })
    const skew: Item = {
      kind: 'skew',
      atMs: atMs() / 4,
      member: random.below(setup.members),
      skewMs: HOUR_MS,
    }
    const far = { ...setup, spares: Math.max(1, setup.spares), keys: 1, lossShare: 0.15 }
    return { seed, setup: far, items: [...onOne, skew] }
  },
}

/** Members come to themselves faster than messages arrive. */
function hurried(setup: Setup): Setup {
  return { ...setup, tickMs: 20, syncMs: 1, delayMs: 100, duplicateShare: 0.2 }
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make)
}
