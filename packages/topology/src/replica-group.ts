/**
 * A replica group: members among whom each partition has `replicas`, and whose majority is a quorum.
 * Stretched there is one, with all members; federated each region is one.
 */
import type { Member } from './member.ts'

/** `federated`: each region holds everything. `stretched`: one set of replicas over many regions. */
export type LayoutMode = 'federated' | 'stretched'

export interface ReplicaGroup {
  /** `undefined`: all of them. */
  readonly region: string | undefined
  /** Places in the list of members, rising. */
  readonly members: readonly number[]
  readonly replicas: number
}

/** In the order in which they stand in a row. `members` are sorted. */
export function replicaGroups(
  members: readonly Member[],
  mode: LayoutMode,
  replicas: number,
): readonly ReplicaGroup[] {
  const all = members.map((_, place) => place)
  if (mode === 'stretched') return [groupOf(undefined, all, replicas)]
  const regions = [...new Set(members.map(({ region }) => region))].sort()
  return regions.map((region) => {
    const inRegion = all.filter((place) => members[place]!.region === region)
    return groupOf(region, inRegion, replicas)
  })
}

/** Replicas of a partition in all groups together: the length of a row. */
export function widthOf(groups: readonly ReplicaGroup[]): number {
  return groups.reduce((sum, { replicas }) => sum + replicas, 0)
}

function groupOf(region: string | undefined, members: readonly number[], replicas: number): ReplicaGroup {
  return { region, members, replicas: Math.min(replicas, members.length) }
}
