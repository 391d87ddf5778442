/** Pieces of which the plan of a swarm is made, all from one stream. */
import { DURABILITY, LEVEL } from '@minivault/cluster'
import type { Random } from '../random.ts'
import {
  type CrashItem,
  type Item,
  type Kind,
  type LayoutItem,
  type Loss,
  MASTER,
  type MasterItem,
  type OperationItem,
  type PartitionItem,
  type Plan,
  type ReleaseItem,
  type RepairItem,
  type SettleItem,
  type Setup,
  SKEW_MAX_MS,
  type SkewItem,
  type WorkerItem,
} from './plan.ts'

export type Drawn = Pick<Plan, 'setup' | 'items'>

export const KINDS: readonly (readonly Kind[])[] = [
  ['put', 'get', 'get', 'increment', 'increment', 'create', 'delete', 'cas', 'deleteIf'],
  ['put', 'delete', 'delete', 'create', 'get', 'get', 'increment'],
  ['increment', 'increment', 'increment', 'get', 'put'],
  ['put', 'put', 'get', 'get', 'delete', 'increment', 'create'],
]
const OPERATIONS = 60
/** Whoever is down comes back before, or after, the others have noticed. */
const DOWN_MS = [10, 100, 400]
const CUT_MS = [100, 600]

export class Drawing {
  readonly #random: Random
  #setup!: Setup
  #members = 0
  #spanMs = 0

  constructor(random: Random) {
    this.#random = random
  }

  of<T>(list: readonly T[]): T {
    return this.#random.of(list)
  }

  chance(share: number): boolean {
    return this.#random.chance(share)
  }

  setup(changed: Partial<Setup>): Setup {
    const delayMs = this.of([2, 20, 100])
    const syncMs = this.of([1, 3, 30])
    const roundTripMs = 2 * delayMs + syncMs + 20
    return {
      members: 3,
      spares: this.of([1, 2]),
      clients: 3,
      keys: this.of([1, 1, 2]),
      delayMs,
      lossShare: this.of([0, 0.05, 0.2, 0.35]),
      duplicateShare: this.of([0, 0.1, 0.2]),
      hintShare: this.of([0, 0.5, 1]),
      syncMs,
      durability: this.of([DURABILITY.fsync, DURABILITY.fsync, DURABILITY.os, DURABILITY.memory]),
      patienceMs: this.of([1, 3, 10]) * roundTripMs,
      deadlineMs: 12 * roundTripMs,
      ledgerEntries: this.of([1024, 1024, 8, 2]),
      startsNearTheWall: this.chance(0.7),
      tickMs: this.of([20, 100, 500]),
      compareEveryMs: this.of([200, 2000, 600_000]),
      ...changed,
    }
  }

  /** In regions that are some way from each other. */
  setupOf(regions: readonly number[], members: number, changed: Partial<Setup>): Setup {
    return this.setup({
      members,
      spares: regions.length - members,
      regions,
      farDelayMs: this.of([5, 40]),
      delayMs: this.of([2, 20]),
      tickMs: this.of([20, 100]),
      syncMs: 1,
      compareEveryMs: this.of([2000, 600_000]),
      ...changed,
    })
  }

  begin(setup: Setup, spanMs?: number): void {
    this.#setup = setup
    this.#members = setup.members + setup.spares
    this.#spanMs = spanMs ?? this.of([300, 1000, 2000])
  }

  with(...items: readonly (readonly Item[])[]): Drawn {
    return { setup: this.#setup, items: items.flat() }
  }

  operations(kinds = this.of(KINDS)): OperationItem[] {
    const { clients, keys } = this.#setup
    const expiringShare = this.of([0, 0, 0, 0.3])
    return this.#times([OPERATIONS], () => {
      const isAnonymous = this.chance(0.1)
      const isRetried = this.chance(0.6) && !isAnonymous
      return {
        kind: 'operation',
        atMs: this.#atMs(),
        operation: this.of(kinds),
        client: this.#random.below(clients),
        member: this.#member(),
        key: this.#random.below(keys),
        readsFirst: this.chance(0.6),
        retries: isRetried ? [this.#member(), this.#member()] : [],
        isAnonymous,
        level: LEVEL.quorum,
        ttlMs: this.chance(expiringShare) ? this.of([20, 200]) : 0,
      }
    })
  }

  /** Nothing expires; who is asked again is of the region that was asked first. */
  operationsIn(regions: readonly number[]): OperationItem[] {
    return this.operations().map((item) => {
      const fellows = [...regions.keys()].filter((member) => regions[member] === regions[item.member])
      return { ...item, retries: item.retries.map(() => this.of(fellows)), ttlMs: 0 }
    })
  }

  /** Of each region that is there some hold the keys. */
  regionLayouts(counts: readonly number[], regions: readonly number[]): LayoutItem[] {
    return this.#times(counts, () => {
      const members = [...new Set(regions)].flatMap((region) => {
        const all = [...regions.keys()].filter((member) => regions[member] === region)
        while (all.length > 3 || (all.length > 1 && this.chance(0.15)))
          all.splice(this.#random.below(all.length), 1)
        return region > 0 && this.chance(0.3) ? [] : all
      })
      return { kind: 'layout', atMs: this.#atMs(), members }
    })
  }

  /** Of some of the regions all or some; now and then another home is asked for. */
  homeLayouts(counts: readonly number[], regions: readonly number[]): LayoutItem[] {
    const all = [...new Set(regions)]
    return this.#times(counts, () => {
      const there = all.filter(() => this.chance(0.6))
      if (there.length === 0) there.push(this.of(all))
      const members = there.flatMap((region) => {
        const some = [...regions.keys()].filter((member) => regions[member] === region)
        while (some.length > 1 && this.chance(0.15)) some.splice(this.#random.below(some.length), 1)
        return some
      })
      const home = this.chance(0.25) ? { home: this.of(there) } : {}
      return { kind: 'layout', atMs: this.#atMs(), members, ...home }
    })
  }

  /** Long enough to be noticed, or not. */
  regionCuts(counts: readonly number[], regions: readonly number[]): PartitionItem[] {
    return this.#times(counts, () => {
      const region = this.of([...new Set(regions)])
      const side = [...regions.keys()].filter((member) => regions[member] === region)
      const forMs = 100 + this.#random.below(this.of([300, 4000]))
      return { kind: 'partition', atMs: this.#atMs(), side, isOneWay: this.chance(0.15), forMs }
    })
  }

  /** Each is started once: some at the same moment, some late. */
  workers(): WorkerItem[] {
    const earlyMs = this.of([0, 2000])
    return Array.from({ length: this.#members }, (_, member) => {
      const isEarly = member < this.#setup.members || this.chance(0.3)
      const atMs = isEarly ? Math.round(this.#random.next() * earlyMs) : this.#atMs()
      return { kind: 'worker', member, atMs }
    })
  }

  masters(counts: readonly number[]): MasterItem[] {
    return this.#times(counts, () => {
      const losesFolder = this.chance(0.5)
      const forMs = 50 + this.#random.below(this.of([500, 6000]))
      return { kind: 'master', atMs: this.#atMs(), losesFolder, forMs, returns: this.chance(0.7) }
    })
  }

  /** It does not hear some of them, or they it. */
  masterCuts(counts: readonly number[]): PartitionItem[] {
    return this.#times(counts, () => {
      const forMs = 100 + this.#random.below(6000)
      return { kind: 'partition', atMs: this.#atMs(), side: [MASTER], isOneWay: this.chance(0.3), forMs }
    })
  }

  /** Where there are members to choose from. */
  layouts(counts: readonly number[], sizes: readonly number[]): LayoutItem[] {
    if (this.#setup.spares === 0) return []
    const possible = sizes.filter((size) => size <= this.#members)
    return this.#times(counts, () => ({
      kind: 'layout',
      atMs: this.#atMs(),
      members: this.#some(this.of(possible)),
    }))
  }

  settles(count: number): SettleItem[] {
    return this.#times([count], () => ({ kind: 'settle', atMs: this.#atMs(), member: this.#member() }))
  }

  crashes(counts: readonly number[], losses: readonly Loss[], mostMs = this.of(DOWN_MS)): CrashItem[] {
    return this.#times(counts, () => {
      const forMs = 2 + this.#random.below(mostMs)
      return { kind: 'crash', atMs: this.#atMs(), members: [this.#member()], loss: this.of(losses), forMs }
    })
  }

  partitions(counts: readonly number[]): PartitionItem[] {
    return this.#times(counts, () => {
      const side = this.#some(this.of([1, 1, 2]))
      const forMs = 20 + this.#random.below(this.of(CUT_MS))
      return { kind: 'partition', atMs: this.#atMs(), side, isOneWay: this.chance(0.25), forMs }
    })
  }

  releases(counts: readonly number[]): ReleaseItem[] {
    return this.#times(counts, () => {
      const key = this.#random.below(this.#setup.keys)
      return { kind: 'release', atMs: this.#atMs(), member: this.#member(), key, agoMs: this.of([0, 0, 30]) }
    })
  }

  repairs(counts: readonly number[]): RepairItem[] {
    return this.#times(counts, () => {
      const key = this.#random.below(this.#setup.keys)
      return { kind: 'repair', atMs: this.#atMs(), from: this.#member(), to: this.#member(), key }
    })
  }

  skews(counts: readonly number[]): SkewItem[] {
    return this.#times(counts, () => {
      const skewMs = Math.round((this.#random.next() * 2 - 1) * SKEW_MAX_MS)
      return { kind: 'skew', atMs: this.#atMs(), member: this.#member(), skewMs }
    })
  }

  #times<T>(counts: readonly number[], make: () => T): T[] {
    return Array.from({ length: this.of(counts) }, make)
  }

  #atMs(): number {
    return Math.round(this.#random.next() * this.#spanMs * 100) / 100
  }

  #member(): number {
    return this.#random.below(this.#members)
  }

  #some(count: number): number[] {
    const members = Array.from({ length: this.#members }, (_, number) => number)
    while (members.length > count) members.splice(this.#random.below(members.length), 1)
    return members
  }
}
