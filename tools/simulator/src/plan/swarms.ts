/**
 * Histories in which one thing happens far more often than an average seed has it: layouts that follow each
 * other, disks that are lost in a row, tombstones released all the while. What is rare elsewhere meets here.
 * Looked for by name (`pnpm simulate --swarm NAME`); no other seed is of this kind.
 */
import { DURABILITY } from '@minivault/cluster'
import { mix, Random } from '../random.ts'
import { Drawing, type Drawn, KINDS } from './drawing.ts'
import type { Loss, Plan } from './plan.ts'
import { MOVING_REGIONS, REGIONS } from './regions.ts'

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
  'homes',
  'regionDisks',
  'master',
] as const
export type Swarm = (typeof SWARMS)[number]

const DELETING = KINDS[1]!
/** Registrations, and a silence that is noticed, take seconds. */
const MASTER_SPAN_MS = 15_000
const KEPT: readonly Loss[] = ['unwritten', 'unsynced']

export function swarmPlan(swarm: Swarm, seed: number): Plan {
  const random = new Random(mix(seed, SWARMS.indexOf(swarm), 77))
  const { setup, items } = DRAWN[swarm](new Drawing(random))
  return { seed, setup, items: [...items].sort((a, b) => a.atMs - b.atMs) }
}

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

  /** Any region may go, the home too, and come back. */
  homes: (d) => {
    const { of: regions, members } = d.of(MOVING_REGIONS)
    d.begin(d.setupOf(regions, members, { lossShare: d.of([0, 0, 0.05, 0.2]) }))
    const failing = [...d.regionCuts([0, 0, 2], regions), ...d.partitions([0, 2]), ...d.crashes([0, 3], KEPT)]
    return d.with(d.operationsIn(regions), d.homeLayouts([1, 2, 4], regions), failing, d.releases([0, 10]))
  },

  /** One disk after the other is lost, while regions are cut from each other and layouts change. */
  regionDisks: (d) => {
    const { of: regions, members } = d.of(MOVING_REGIONS.slice(0, 3))
    d.begin(d.setupOf(regions, members, { lossShare: d.of([0, 0.05, 0.2]) }))
    const moving = d.chance(0.5) ? d.homeLayouts([1, 2], regions) : []
    const failing = [...d.regionCuts([0, 2], regions), ...d.partitions([0, 2]), ...moving]
    return d.with(
      d.operationsIn(regions),
      failing,
      d.crashes([3, 8], ['everything'], 20),
      d.releases([0, 20]),
    )
  },

  /** Workers find each other through a master, which is away, forgets, or is not heard. */
  master: (d) => {
    const founders = 3
    const spares = d.of([0, 1, 2])
    const setup = { founders, members: founders, spares, tickMs: d.of([100, 250]), syncMs: 1 }
    d.begin(d.setup({ ...setup, delayMs: d.of([2, 20]), lossShare: d.of([0, 0, 0.05, 0.2]) }), MASTER_SPAN_MS)
    const failing = [
      ...d.crashes([0, 2, 4], [...KEPT, 'everything'], 3000),
      ...d.partitions([0, 3]),
      ...d.masterCuts([0, 2]),
    ]
    return d.with(d.operations(), d.workers(), d.masters([0, 1, 3]), failing)
  },
}
