/** Layouts of nodes A to D, of which A, B and C hold everything at first; or all of them, in two regions. */
import type { Key, LayoutState, Layouts, Table } from '../../src/index.ts'
import type { Core } from './planted-core.ts'

/** What the nodes agree on about layouts is written under it. */
const KEY_OF_LAYOUTS: Key = { id: 'layouts', high: 2, low: 2, partition: 0, leaf: 1 }

const REGION = 'default'

export function tableWith(epoch: number, names: readonly string[]): Table {
  const places = names.map((_, place) => place)
  const members = names.map((name) => ({ name, region: REGION }))
  return { epoch, home: REGION, members, replicasOf: () => places, votersOf: () => places }
}

/** Nodes are numbered from 1. */
const FIRST: LayoutState = {
  roster: ['nobody', 'A', 'B', 'C', 'D'],
  table: tableWith(1, ['A', 'B', 'C']),
  next: null,
}

export function layoutsOf(core: Pick<Core, 'Layouts'>, node: number): Layouts {
  return new core.Layouts({ partitionCount: 1, key: KEY_OF_LAYOUTS, first: FIRST, self: FIRST.roster[node]! })
}

/** The same of four, where B, C and D hold the key, and A alone what they agree on about layouts. */
const APART: Key = { ...KEY_OF_LAYOUTS, partition: 1 }

export function tableApart(epoch: number, names: readonly string[]): Table {
  const place = (name: string) => names.indexOf(name)
  const holders = [['B', 'C', 'D'].map(place), ['A'].map(place)]
  const replicasOf = (partition: number) => holders[partition]!
  return { ...tableWith(epoch, names), replicasOf, votersOf: replicasOf }
}

export function layoutsApart(core: Pick<Core, 'Layouts'>, node: number): Layouts {
  const table = tableApart(1, ['A', 'B', 'C', 'D'])
  return new core.Layouts({
    partitionCount: 2,
    key: APART,
    first: { ...FIRST, table },
    self: FIRST.roster[node]!,
  })
}

const REGIONS: Readonly<Record<string, string>> = { A: 'home', B: 'home', C: 'home', D: 'far' }

/** A, B and C are the home, D another region; all hold the key. */
export function tableOfRegions(epoch: number, names: readonly string[]): Table {
  const members = names.map((name) => ({ name, region: REGIONS[name]! }))
  const places = names.map((_, place) => place)
  const votersOf = (_: number, region: string) => places.filter((place) => members[place]!.region === region)
  return { epoch, home: 'home', members, replicasOf: () => places, votersOf }
}

export function layoutsOfRegions(core: Pick<Core, 'Layouts'>, node: number): Layouts {
  const table = tableOfRegions(1, ['A', 'B', 'C', 'D'])
  const self = FIRST.roster[node]!
  return new core.Layouts({ partitionCount: 1, key: KEY_OF_LAYOUTS, first: { ...FIRST, table }, self })
}
