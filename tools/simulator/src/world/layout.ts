/**
 * Who holds the keys, in a simulated cluster: the core agrees about it by itself. Here are the first layout,
 * the tables that an operator would propose, and a look from above at how far a change has come.
 */
import type { Key, LayoutState, Layouts, Placement, Table } from '@minivault/cluster'
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
    const { members, spares, regions, founders } = this.#setup
    if (founders !== undefined) return tableOf(epoch, holders)
    if (regions !== undefined) return tableOfRegions(epoch, holders, regions, home)
    const names = Array.from({ length: members + spares }, (_, number) => ({
      name: nameOf(number),
      region: REGION,
    }))
    const replicasOf = () => holders
    return { epoch, home: REGION, members: names, replicasOf, votersOf: replicasOf }
  }

  /** Of a cluster that begins with it. All have their numbers already. */
  stateOf(table: Table): LayoutState {
    const { members, spares } = this.#setup
    return {
      roster: Array.from({ length: members + spares }, (_, number) => nameOf(number)),
      table,
      next: null,
    }
  }

  /** Of a member that knows nothing yet, or what it was told. */
  placement(member: number, told: LayoutState | null = null): Placement {
    if (told !== null) return this.#layouts(member, told)
    const holders = Array.from({ length: this.#setup.members }, (_, number) => number)
    const { spares, regions } = this.#setup
    if (spares === 0 && regions === undefined) return fixedPlacement(new this.#cluster.Electorate(holders))
    return this.#layouts(member, this.#cluster.firstState(this.table(1, holders)))
  }

  #layouts(member: number, first: LayoutState): Layouts {
    return new this.#cluster.Layouts({ partitionCount: 1, key: LAYOUT_KEY, first, self: nameOf(member) })
  }
}

/** Whoever is a member holds the keys. */
function tableOf(epoch: number, holders: readonly number[]): Table {
  const members = holders.map((number) => ({ name: nameOf(number), region: REGION }))
  const replicasOf = () => [...holders.keys()]
  return { epoch, home: REGION, members, replicasOf, votersOf: replicasOf }
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

export function nameOf(member: number): string {
  return `m${member}`
}

/** The layouts that a member goes by; null: there is only one. */
export function layoutsOf({ placement }: Member): Layouts | null {
  return 'state' in placement ? (placement as Layouts) : null
}

/** Those that hold the keys by the latest layout that anybody goes by; while they move, old and new. */
export function holdersIn(members: readonly Member[]): number[] {
  const going = members.filter(hasBegun)
  if (going.length === 0) return []
  const latest = going.reduce((a, b) => (b.placement.epoch > a.placement.epoch ? b : a))
  return [...latest.placement.replicasOf(0)]
}

/** Whether somebody still waits for the end of a change. */
export function isMoving(members: readonly Member[]): boolean {
  const going = members.filter(hasBegun)
  const [first] = going
  return going.some((member) => {
    return layoutsOf(member)?.isJoint === true || member.placement.epoch !== first!.placement.epoch
  })
}

/** Whether it was ever told of a layout. */
function hasBegun({ placement }: Member): boolean {
  return placement !== undefined
}
