/**
 * How much of a placement each member, zone and region may take, from nothing but the sizes.
 *
 * Regions are strict: each partition has `ideal` replicas in a region, rounded up or down, where ideal is as
 * even over the regions as their sizes allow; with one region a replica that is one for each. What a region
 * holds in all is in between these two proportional to its size, so that members are equal where they can be.
 * Zones only limit: no zone has more of a partition's replicas than its size makes necessary, since there
 * equal shares come first.
 */
import type { Member } from './member.ts'
import { PARTITIONS } from './partition.ts'

export interface Quotas {
  /** By member: the fair number of partitions, a fraction, ... */
  readonly fair: readonly number[]
  /** ... and rounded up. */
  readonly caps: readonly number[]
  /** By member: which region and zone it is in, as places in the next two. */
  readonly regionOf: readonly number[]
  readonly zoneOf: readonly number[]
  /** The fewest replicas of one partition in a region, ... */
  readonly regionLeasts: readonly number[]
  /** ... and the most in a region and in a zone. */
  readonly regionLimits: readonly number[]
  readonly zoneLimits: readonly number[]
}

interface Group {
  readonly size: number
  /** Bounds for what it holds, in replicas of all partitions together. */
  readonly least: number
  readonly most: number
}

/** `replicas` is at most the number of members. */
export function quotasFor(members: readonly Member[], replicas: number): Quotas {
  const regions = placesOf(members.map((member) => member.region))
  const zones = placesOf(members.map((member) => `${member.region}/${member.zone}`))
  const sizes = countsOf(regions.of, regions.count)
  const bounds = boundsOf(sizes, replicas)
  const held = waterLevel(bounds, replicas * PARTITIONS)
  const zoneLimits = countsOf(zones.of, zones.count).map((size, zone) => {
    const region = regions.of[zones.of.indexOf(zone)]!
    return Math.max(1, Math.ceil((size * held[region]!) / (sizes[region]! * PARTITIONS)))
  })
  const fair = regions.of.map((region) => held[region]! / sizes[region]!)
  return {
    fair,
    caps: fair.map((share) => Math.ceil(share)),
    regionOf: regions.of,
    zoneOf: zones.of,
    regionLeasts: bounds.map(({ least }) => least / PARTITIONS),
    regionLimits: bounds.map(({ most }) => most / PARTITIONS),
    zoneLimits,
  }
}

/** A partition's replicas dealt to the regions in turn: full rounds are the least, a begun one the most. */
function boundsOf(sizes: readonly number[], replicas: number): Group[] {
  const least = sizes.map(() => 0)
  const most = sizes.map(() => 0)
  for (let left = replicas; left > 0; ) {
    const open = sizes.flatMap((size, region) => (size > most[region]! ? [region] : []))
    for (const region of open) most[region]! += 1
    if (left >= open.length) for (const region of open) least[region]! += 1
    left -= open.length
  }
  return sizes.map((size, region) => ({
    size,
    least: least[region]! * PARTITIONS,
    most: most[region]! * PARTITIONS,
  }))
}

/** `total` in proportion to the sizes, within the bounds: what leaves them is set there, the others share. */
function waterLevel(groups: readonly Group[], total: number): number[] {
  const held = groups.map(() => -1)
  for (;;) {
    const open = groups.flatMap((_, index) => (held[index]! < 0 ? [index] : []))
    const left = total - held.reduce((sum, amount) => sum + Math.max(0, amount), 0)
    const size = open.reduce((sum, index) => sum + groups[index]!.size, 0)
    const share = (index: number): number => (left * groups[index]!.size) / size
    const over = open.filter((index) => share(index) > groups[index]!.most)
    const under = open.filter((index) => share(index) < groups[index]!.least)
    const excess = over.reduce((sum, index) => sum + share(index) - groups[index]!.most, 0)
    const lack = under.reduce((sum, index) => sum + groups[index]!.least - share(index), 0)
    if (excess === 0 && lack === 0) {
      for (const index of open) held[index] = share(index)
      return held
    }
    if (excess >= lack) for (const index of over) held[index] = groups[index]!.most
    if (lack >= excess) for (const index of under) held[index] = groups[index]!.least
  }
}

function placesOf(labels: readonly string[]): { of: number[]; count: number } {
  const distinct = new Map<string, number>()
  for (const label of labels) if (!distinct.has(label)) distinct.set(label, distinct.size)
  return { of: labels.map((label) => distinct.get(label)!), count: distinct.size }
}

function countsOf(places: readonly number[], count: number): number[] {
  const counts: number[] = Array.from({ length: count }, () => 0)
  for (const place of places) counts[place]! += 1
  return counts
}
