/**
 * The move plan: what goes where between two layouts. A dry run for the operator, and the list of work for
 * the nodes. It decides nothing: who copies when, and how many of the sources a copy must have heard, are the
 * cluster's rules.
 */
import type { Layout } from './layout.ts'
import { PARTITIONS } from './partition.ts'
import { TopologyError } from './topology-error.ts'

export interface Gain {
  /** The name of the member that will hold the partition. */
  readonly member: string
  /**
   * Names of those who hold it in the old layout, the best first: of its own quorum before others (another
   * region of a federation may be behind), then those that stay, then those in its region.
   */
  readonly sources: readonly string[]
}

export interface PartitionMove {
  readonly partition: number
  readonly gains: readonly Gain[]
  /** Names of those who drop it once the others have it. */
  readonly losses: readonly string[]
}

export interface MemberMoves {
  readonly member: string
  /** Partitions held in the old and in the new layout. */
  readonly before: number
  readonly after: number
  readonly gains: number
  readonly losses: number
}

export class MovePlan {
  readonly fromEpoch: number
  readonly toEpoch: number
  /** Only those that change, rising. */
  readonly partitions: readonly PartitionMove[]
  /** Of both layouts, by name. */
  readonly members: readonly MemberMoves[]
  /** Replicas that are copied: all gains together. */
  readonly copies: number
  readonly #writers: readonly (readonly string[])[]

  /** See `planMoves`. */
  constructor(from: Layout, to: Layout) {
    this.fromEpoch = from.epoch
    this.toEpoch = to.epoch
    const before = rowsOf(from)
    const after = rowsOf(to)
    this.#writers = before.map((row, partition) => [...new Set([...row, ...after[partition]!])])
    this.partitions = before.flatMap((row, partition) => {
      const gains = without(after[partition]!, row)
      const losses = without(row, after[partition]!)
      if (gains.length === 0 && losses.length === 0) return []
      const byMember = gains.map((member) => gainOf(member, row, losses, from, to))
      return [{ partition, gains: byMember, losses }]
    })
    this.members = countMoves(before, after, from, to)
    this.copies = this.members.reduce((sum, { gains }) => sum + gains, 0)
  }

  /**
   * Names of those who must be offered each write of the partition until the move is done: its old replicas,
   * then the new ones that are not among them.
   */
  writersOf(partition: number): readonly string[] {
    return this.#writers[partition]!
  }
}

/**
 * What moves when `to` follows `from`. Throws TopologyError TOPOLOGY_BAD_EPOCH when the epoch of `to` is not
 * the higher one.
 */
export function planMoves(from: Layout, to: Layout): MovePlan {
  if (to.epoch > from.epoch) return new MovePlan(from, to)
  throw new TopologyError('TOPOLOGY_BAD_EPOCH', `layout ${to.epoch} does not follow layout ${from.epoch}`)
}

function rowsOf(layout: Layout): readonly (readonly string[])[] {
  return Array.from({ length: PARTITIONS }, (_, partition) => {
    return Array.from(layout.replicasOf(partition), (place) => layout.members[place]!.name)
  })
}

function without(row: readonly string[], others: readonly string[]): string[] {
  return row.filter((name) => !others.includes(name))
}

function gainOf(
  member: string,
  row: readonly string[],
  losses: readonly string[],
  from: Layout,
  to: Layout,
): Gain {
  const region = regionOf(to, member)
  const rank = (source: string): number => {
    const isNear = regionOf(from, source) === region
    const isOfItsQuorum = isNear || from.mode === 'stretched'
    return (isOfItsQuorum ? 0 : 4) + (losses.includes(source) ? 2 : 0) + (isNear ? 0 : 1)
  }
  return { member, sources: [...row].sort((a, b) => rank(a) - rank(b)) }
}

function regionOf(layout: Layout, name: string): string {
  return layout.members[layout.placeOf(name)]!.region
}

function countMoves(
  before: readonly (readonly string[])[],
  after: readonly (readonly string[])[],
  from: Layout,
  to: Layout,
): MemberMoves[] {
  const names = new Set([...from.members, ...to.members].map(({ name }) => name))
  const counts = new Map([...names].sort().map((member) => [member, { before: 0, after: 0, stays: 0 }]))
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for (const name of before[partition]!) {
      counts.get(name)!.before += 1
      if (after[partition]!.includes(name)) counts.get(name)!.stays += 1
    }
    for (const name of after[partition]!) counts.get(name)!.after += 1
  }
  return [...counts].map(([member, count]) => {
    const gains = count.after - count.stays
    return { member, before: count.before, after: count.after, gains, losses: count.before - count.stays }
  })
}
