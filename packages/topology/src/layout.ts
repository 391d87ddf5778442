/**
 * Layout: which members hold which partition, as a table that is written down, numbered by its epoch. Nodes
 * that have the same epoch have the same table; one with an older epoch is told the newer layout.
 *
 *     table   1,024 rows of `width` places in `members`; in a row the groups one after the other
 *             federated: eu eu eu us us us      stretched: a b c
 *
 * Immutable. Rows are views made once, so that finding the replicas of a key allocates nothing.
 */
import { EPOCH_MAX, REPLICAS_DEFAULT, REPLICAS_MAX } from './limits.ts'
import { type Member, type MemberLike, sortMembers } from './member.ts'
import { PARTITIONS } from './partition.ts'
import { placeReplicas } from './placement.ts'
import { type LayoutMode, type ReplicaGroup, replicaGroups, widthOf } from './replica-group.ts'
import { TopologyError } from './topology-error.ts'

export interface LayoutOptions {
  /** Default `federated`. With one region both are the same. */
  readonly mode?: LayoutMode
  /** Of each partition, in each region if federated; fewer where members are fewer. Default 3, at most 7. */
  readonly replicas?: number
  /** See `Layout.home`. Default: the region of the first member by name. Stretched there is none. */
  readonly home?: string
}

export interface LayoutParts {
  readonly epoch: number
  readonly mode: LayoutMode
  readonly replicas: number
  readonly home: string
  /** As `sortMembers` gives them. */
  readonly members: readonly Member[]
  readonly table: Uint16Array
}

export class Layout {
  /** 1 to 2^32 - 1. */
  readonly epoch: number
  readonly mode: LayoutMode
  /** As asked for; `width` is what there is. */
  readonly replicas: number
  /** The region whose quorum decides conditional operations, and layouts. Stretched: empty, all decide. */
  readonly home: string
  /** In order of their names. */
  readonly members: readonly Member[]
  /** Replicas of each partition, over all regions. */
  readonly width: number
  /** Not to be written to. */
  readonly table: Uint16Array
  readonly #rows: readonly Uint16Array[]
  readonly #rowsOfRegion = new Map<string, readonly Uint16Array[]>()
  readonly #places: ReadonlyMap<string, number>

  /** Takes the parts unchecked; layouts come from `createLayout`, `nextLayout` and `decodeLayout`. */
  constructor(parts: LayoutParts) {
    this.epoch = parts.epoch
    this.mode = parts.mode
    this.replicas = parts.replicas
    this.home = parts.home
    this.members = parts.members
    this.table = parts.table
    const groups = replicaGroups(parts.members, parts.mode, parts.replicas)
    this.width = widthOf(groups)
    this.#places = new Map(parts.members.map(({ name }, place) => [name, place]))
    this.#rows = this.#views(0, this.width)
    let start = 0
    for (const { region, replicas } of groups) {
      if (region !== undefined) this.#rowsOfRegion.set(region, this.#views(start, start + replicas))
      start += replicas
    }
    if (parts.mode === 'stretched')
      for (const { region } of parts.members) this.#rowsOfRegion.set(region, this.#rows)
  }

  /**
   * All who hold a partition, as places in `members`, by region and then by preference. A view: do not write
   * to it.
   */
  replicasOf(partition: number): Uint16Array {
    return this.#rows[partition]!
  }

  /**
   * Those whose majority is a quorum for a coordinator in `region`: federated, the replicas in that region;
   * stretched, all. Throws TopologyError TOPOLOGY_NO_REGION when no member is in that region.
   */
  votersOf(partition: number, region: string): Uint16Array {
    const rows = this.#rowsOfRegion.get(region)
    if (rows !== undefined) return rows[partition]!
    throw new TopologyError('TOPOLOGY_NO_REGION', `layout ${this.epoch} has no member in region ${region}`)
  }

  /** Its place in `members`, -1 for a name that is none of them. */
  placeOf(name: string): number {
    return this.#places.get(name) ?? -1
  }

  #views(start: number, end: number): readonly Uint16Array[] {
    return Array.from({ length: PARTITIONS }, (_, partition) => {
      return this.table.subarray(partition * this.width + start, partition * this.width + end)
    })
  }
}

/**
 * The first layout, epoch 1: a function of the members and options, whatever the order of the list. Throws as
 * `sortMembers`, and TopologyError TOPOLOGY_BAD_REPLICAS, TOPOLOGY_NO_REGION for a home without a member.
 */
export function createLayout(members: readonly MemberLike[], options: LayoutOptions = {}): Layout {
  const { mode = 'federated', replicas = REPLICAS_DEFAULT } = options
  if (!Number.isInteger(replicas) || replicas < 1 || replicas > REPLICAS_MAX) {
    throw new TopologyError('TOPOLOGY_BAD_REPLICAS', `replicas are 1 to ${REPLICAS_MAX}, not ${replicas}`)
  }
  const sorted = sortMembers(members)
  const home = mode === 'stretched' ? '' : (options.home ?? homeByDefault(sorted))
  if (mode === 'federated' && !isRegionOf(home, sorted)) {
    const message = `the home region ${JSON.stringify(home.slice(0, 80))} has no member`
    throw new TopologyError('TOPOLOGY_NO_REGION', message)
  }
  return place({ epoch: 1, mode, replicas, home, members: sorted })
}

/**
 * The layout after `previous` for a changed list of members: a function of both. Moves no more than a fair
 * table needs. A member that is only down stays in the list. The home stays while it has a member; then it is
 * the region of the first one by name. Throws as `sortMembers`, and TopologyError TOPOLOGY_BAD_EPOCH when
 * `previous` has the last epoch there is.
 */
export function nextLayout(previous: Layout, members: readonly MemberLike[]): Layout {
  if (previous.epoch >= EPOCH_MAX) {
    throw new TopologyError('TOPOLOGY_BAD_EPOCH', `no epoch follows ${previous.epoch}`)
  }
  const { mode, replicas } = previous
  const sorted = sortMembers(members)
  const stays = mode === 'stretched' || isRegionOf(previous.home, sorted)
  const home = stays ? previous.home : homeByDefault(sorted)
  return place({ epoch: previous.epoch + 1, mode, replicas, home, members: sorted }, previous)
}

/** Of a federation that names none. `members` are sorted. */
export function homeByDefault(members: readonly Member[]): string {
  return members[0]!.region
}

export function isRegionOf(region: string, members: readonly Member[]): boolean {
  return members.some((member) => member.region === region)
}

function place(parts: Omit<LayoutParts, 'table'>, previous?: Layout): Layout {
  const groups = replicaGroups(parts.members, parts.mode, parts.replicas)
  const width = widthOf(groups)
  const table = new Uint16Array(PARTITIONS * width)
  let start = 0
  for (const group of groups) {
    const placed = placeGroup(group, parts.members, previous)
    for (let at = 0; at < placed.length; at++) {
      const partition = Math.floor(at / group.replicas)
      table[partition * width + start + (at % group.replicas)] = group.members[placed[at]!]!
    }
    start += group.replicas
  }
  return new Layout({ ...parts, table })
}

function placeGroup(group: ReplicaGroup, all: readonly Member[], previous?: Layout): Uint16Array {
  const members = group.members.map((index) => all[index]!)
  if (previous === undefined) return placeReplicas(members, group.replicas)
  const before = members.map(({ name }) => previous.placeOf(name))
  return placeReplicas(members, group.replicas, (partition, i) => {
    return previous.replicasOf(partition).includes(before[i]!)
  })
}
