/**
 * Who holds the keys, in a simulated cluster: the core agrees about it by itself. Here are the first layout,
 * the tables that an operator would propose, and a look from above at how far a change has come.
 */
import type { Key, Layouts, Placement, Table } from '@minivault/cluster'
import { fixedPlacement } from '@minivault/cluster/testing'
import type { Setup } from '../plan/plan.ts'
import { type ClusterPackage, type Member, PARTITION } from './member.ts'

/** Under which the members agree what follows. It moves with the others. */
export const LAYOUT_KEY: Key = { id: 'layout', partition: 0, leaf: 200, high: 7, low: 7 }

const REGION = 'r0'

/** Placements for every start of every member. */
export class LayoutForm {
  readonly #cluster: ClusterPackage
  readonly #setup: Setup

  constructor(cluster: ClusterPackage, setup: Setup) {
    this.#cluster = cluster
    this.#setup = setup
  }

  /** All members are members of every layout; some of them hold the keys. But for regions that hold none. */
  table(epoch: number, holders: readonly number[], home = 0): Table {
    const { members, spares, regions } = this.#setup
    if (regions !== undefined) return tableOfRegions(epoch, holders, regions, home)
    const names = Array.from({ length: members + spares }, (_, number) => ({
      name: nameOf(number),
      region: REGION,
    }))
    const replicasOf = () => holders
    return { epoch, home: REGION, members: names, replicasOf, votersOf: replicasOf }
  }

  /** Of a member that knows nothing yet. */
  placement(member: number): Placement {
    const holders = Array.from({ length: this.#setup.members }, (_, number) => number)
    const { spares, regions } = this.#setup
    if (spares === 0 && regions === undefined) return fixedPlacement(new this.#cluster.Electorate(holders))
    const first = this.#cluster.firstState(this.table(1, holders))
    return new this.#cluster.Layouts({
      partitionCount: 1,
      key: LAYOUT_KEY,
      first,
      self: nameOf(member),
    })
  }
}

/** @param home where it has no member, the first region is it */
function tableOfRegions(
  epoch: number,
  holders: readonly number[],
  regions: readonly number[],
  home: number,
): Table {
  const there = new Set(holders.map((holder) => regions[holder]!))
  const numbers = [...regions.keys()].filter((number) => there.has(regions[number]!))
  const placesOf = (some: readonly number[]) => some.map((number) => numbers.indexOf(number))
  return {
    epoch,
    home: `r${there.has(home) ? home : Math.min(...there)}`,
    members: numbers.map((number) => ({ name: nameOf(number), region: `r${regions[number]}` })),
    replicasOf: () => placesOf(holders),
    votersOf: (_, region) => placesOf(holders.filter((holder) => `r${regions[holder]}` === region)),
  }
}

/** By number, as `LayoutForm.table` takes them. */
export function holdersOf({ members, replicasOf }: Table): number[] {
  return Array.from(replicasOf(PARTITION), (place) => Number(members[place]!.name.slice(1)))
}

/** The number of its home. */
export function homeOf({ home }: Table): number {
  return Number(home.slice(1))
}

function nameOf(member: number): string {
  return `m${member}`
}

/** The layouts that a member goes by; null: there is only one. */
export function layoutsOf({ placement }: Member): Layouts | null {
  return 'state' in placement ? (placement as Layouts) : null
}

/** Those that hold the keys by the latest layout that anybody goes by; while they move, old and new. */
export function holdersIn(members: readonly Member[]): number[] {
  const latest = members.reduce((a, b) => (b.placement.epoch > a.placement.epoch ? b : a))
  return [...latest.placement.replicasOf(0)]
}

/** Whether somebody still waits for the end of a change. */
export function isMoving(members: readonly Member[]): boolean {
  const [first] = members
  return members.some((member) => {
    return layoutsOf(member)?.isJoint === true || member.placement.epoch !== first!.placement.epoch
  })
}
