/**
 * Histories in which one thing happens far more often than an average seed has it: layouts that follow each
 * other, disks that are lost in a row, tombstones released all the while. What is rare elsewhere meets here.
 * Looked for by name (`pnpm simulate --swarm NAME`); no other seed is of this kind.
 */
import { DURABILITY, LEVEL } from '@minivault/cluster'
import { mix, Random } from '../random.ts'
import {
  type CrashItem,
  type Item,
  type Kind,
  type LayoutItem,
  type Loss,
  type OperationItem,
  type PartitionItem,
  type Plan,
  type ReleaseItem,
  type RepairItem,
  type SettleItem,
  type Setup,
  SKEW_MAX_MS,
  type SkewItem,
} from './plan.ts'
import { REGIONS } from './regions.ts'

export const SWARMS = [
  'replacing',
  'shrinking',
  'sizes',
  'settling',
  'losing',
  'losingAndMoving',
  'releasingAndMoving',
  'late',
  'restarting',
  'powerCuts',
  'shortLedgers',
  'longPartitions',
  'everything',
  'regions',
] as const
export type Swarm = (typeof SWARMS)[number]

const KINDS: readonly (readonly Kind[])[] = [
  ['put', 'get', 'get', 'increment', 'increment', 'create', 'delete', 'cas', 'deleteIf'],
  ['put', 'delete', 'delete', 'create', 'get', 'get', 'increment'],
  ['increment', 'increment', 'increment', 'get', 'put'],
  ['put', 'put', 'get', 'get', 'delete', 'increment', 'create'],
]
const DELETING = KINDS[1]!
const KEPT: readonly Loss[] = ['unwritten', 'unsynced']
const OPERATIONS = 60
/** Whoever is down comes back before, or after, the others have noticed. */
const DOWN_MS = [10, 100, 400]
const CUT_MS = [100, 600]

export function swarmPlan(swarm: Swarm, seed: number): Plan {
  const random = new Random(mix(seed, SWARMS.indexOf(swarm), 77))
  const { setup, items } = DRAWN[swarm](new Drawing(random))
  return { seed, setup, items: [...items].sort((a, b) => a.atMs - b.atMs) }
}

type Drawn = Pick<Plan, 'setup' | 'items'>

const DRAWN: Readonly<Record<Swarm, (drawing: Drawing) => Drawn>> = {
  /** Two of three are replaced at once, again and again. */
  replacing: (d) => {
    const setup = d.setup({ spares: 2, tickMs: d.of([10, 20, 100]) })
    d.begin(setup)
    return d.with(
      d.operations(),
      d.layouts([4, 8], [3]),
      d.partitions([0, 4]),
      d.crashes([0, 3], KEPT),
      d.repairs([0, 10]),
    )
  },

  /** Five, then three of them, and back. */
  shrinking: (d) => {
    const members = d.of([5, 5, 3])
    d.begin(d.setup({ members, spares: 6 - members, tickMs: d.of([10, 20, 100]), syncMs: 1 }))
    return d.with(
      d.operations(),
      d.layouts([2, 4], [3, 3, 4, 5]),
      d.partitions([0, 4]),
      d.crashes([0, 3], KEPT),
    )
  },

  /** One to four, where nothing is forgotten: one alone cannot lose its disk. */
  sizes: (d) => {
    const members = d.of([1, 2, 3, 4])
    const durability = DURABILITY.fsync
    d.begin(d.setup({ members, spares: 5 - members, tickMs: d.of([10, 20]), syncMs: 1, durability }))
    return d.with(
      d.operations(),
      d.layouts([2, 5], [1, 2, 3, 4]),
      d.partitions([0, 4]),
      d.releases([0, 20]),
      d.crashes([0, 3], KEPT),
    )
  },

  /** The operator does not wait for those that do not come. */
  settling: (d) => {
    const members = d.of([3, 3, 5])
    d.begin(d.setup({ members, spares: 2, tickMs: d.of([10, 20]), syncMs: 1 }))
    const away = [...d.partitions([2, 5]), ...d.crashes([1, 3], KEPT, 600)]
    return d.with(d.operations(), d.layouts([2, 5], [3, 3, 4, 5]), away, d.settles(20), d.releases([0, 20]))
  },

  /** Disks are replaced in a row, by members that come to themselves at once. */
  losing: (d) => {
    d.begin(
      d.setup({ spares: 0, tickMs: d.of([10, 20]), syncMs: 1, lossShare: d.of([0.05, 0.2]), hintShare: 1 }),
    )
    return d.with(
      d.operations(),
      d.crashes([4, 10], ['everything'], 20),
      d.releases([0, 10, 40]),
      d.repairs([0, 10]),
    )
  },

  losingAndMoving: (d) => {
    d.begin(d.setup({ tickMs: d.of([10, 20]), syncMs: 1, lossShare: d.of([0, 0.1]) }))
    const lost = d.crashes([3, 8], ['everything'], 20)
    return d.with(d.operations(), lost, d.layouts([2, 6], [3]), d.releases([0, 20]), d.partitions([0, 3]))
  },

  releasingAndMoving: (d) => {
    d.begin(
      d.setup({
        tickMs: d.of([10, 20, 50]),
        syncMs: d.of([1, 3]),
        delayMs: d.of([2, 20]),
        lossShare: d.of([0, 0.05]),
      }),
    )
    const moving = [...d.layouts([2, 5], [3]), ...d.partitions([0, 3]), ...d.crashes([0, 3], KEPT)]
    return d.with(d.operations(DELETING), d.releases([60, 150]), moving)
  },

  /** What was lost comes long after, to members that have forgotten, or promised, since. */
  late: (d) => {
    const patienceMs = d.of([200, 500])
    d.begin(
      d.setup({ tickMs: d.of([10, 20]), syncMs: 1, hintShare: 1, lossShare: d.of([0.2, 0.4]), patienceMs }),
    )
    const lost = d.crashes([2, 6], ['everything', 'unsynced'], 20)
    return d.with(d.operations(DELETING), lost, d.releases([30]), d.layouts([0, 3], [3]))
  },

  /** Clocks are wrong, and whoever starts again has another one. */
  restarting: (d) => {
    d.begin(d.setup({ spares: 0, startsNearTheWall: d.chance(0.3) }))
    return d.with(d.operations(), d.skews([20]), d.crashes([5, 15], KEPT), d.releases([0, 10]))
  },

  powerCuts: (d) => {
    const durability = d.of([DURABILITY.memory, DURABILITY.os])
    d.begin(
      d.setup({ spares: d.of([0, 0, 1]), durability, syncMs: d.of([1, 30]), tickMs: d.of([10, 20, 100]) }),
    )
    const cuts = d.crashes([8, 20], ['unsynced', 'unsynced', 'unwritten', 'everything'])
    return d.with(d.operations(), cuts, d.releases([0, 10]), d.layouts([0, 3], [3]))
  },

  shortLedgers: (d) => {
    const short = { keys: 1, ledgerEntries: d.of([1, 2, 4]), duplicateShare: 0.2, patienceMs: 30 }
    d.begin(d.setup({ spares: d.of([0, 1]), ...short }))
    return d.with(d.operations(), d.crashes([0, 4], KEPT), d.layouts([0, 2], [3]), d.partitions([0, 5]))
  },

  longPartitions: (d) => {
    d.begin(d.setup({ spares: 0, keys: 1, hintShare: 1, tickMs: d.of([20, 100]) }))
    const long = d.partitions([6]).map((cut) => ({ ...cut, forMs: cut.forMs + 400 }))
    return d.with(d.operations(), long, d.releases([0, 30]), d.crashes([0, 3], ['unwritten', 'everything']))
  },

  everything: (d) => {
    const members = d.of([3, 3, 5])
    d.begin(d.setup({ members, tickMs: d.of([10, 20, 100]) }))
    const moving = [
      ...d.layouts([1, 4], [3, 3, 4, 5]),
      ...d.settles(d.of([0, 0, 3])),
      ...d.partitions([0, 4]),
    ]
    const failing = [...d.crashes([0, 6], [...KEPT, 'everything']), ...d.skews([0, 6])]
    return d.with(d.operations(), moving, failing, d.releases([0, 20]), d.repairs([0, 10]))
  },

  /** Two or three regions that are away from each other; some come, grow and go. */
  regions: (d) => {
    const { of: regions, members } = d.of(REGIONS)
    const spares = regions.length - members
    d.begin(
      d.setup({
        members,
        spares,
        regions,
        farDelayMs: d.of([5, 40]),
        delayMs: d.of([2, 20]),
        lossShare: d.of([0, 0, 0.05, 0.2]),
        tickMs: d.of([20, 100]),
        syncMs: 1,
        compareEveryMs: d.of([2000, 600_000]),
      }),
    )
    const moving = spares > 0 || d.chance(0.3) ? d.regionLayouts([0, 1, 3], regions) : []
    const failing = [
      ...d.regionCuts([0, 1, 3], regions),
      ...d.partitions([0, 3]),
      ...d.crashes([0, 3], KEPT),
      ...d.skews([0, 4]),
    ]
    return d.with(d.operationsIn(regions), moving, failing, d.releases([0, 10]))
  },
}

/** Pieces of a plan, all from one stream. */
class Drawing {
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

  begin(setup: Setup): void {
    this.#setup = setup
    this.#members = setup.members + setup.spares
    this.#spanMs = this.of([300, 1000, 2000])
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

  /** Long enough to be noticed, or not. */
  regionCuts(counts: readonly number[], regions: readonly number[]): PartitionItem[] {
    return this.#times(counts, () => {
      const region = this.of([...new Set(regions)])
      const side = [...regions.keys()].filter((member) => regions[member] === region)
      const forMs = 100 + this.#random.below(this.of([300, 4000]))
      return { kind: 'partition', atMs: this.#atMs(), side, isOneWay: this.chance(0.15), forMs }
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
