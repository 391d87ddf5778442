/** Who holds what, where that changes: the layout that this member goes by, written down before it does. */
import { Electorate } from './electorate.ts'
import {
  holdersIn,
  type LayoutState,
  latestOf,
  phaseOf,
  regionIn,
  regionsOf,
  type Table,
  votersIn,
} from './layout-state.ts'
import type { Key, Placement } from './ports.ts'

export interface LayoutsParts {
  readonly partitionCount: number
  /** Which layout follows is decided under it, as any record is. No client knows it. */
  readonly key: Key
  /** Where nothing was written down yet. */
  readonly first: LayoutState
  /** Our name. */
  readonly self: string
}

/** Who decides in a partition that moves, in one region or for what is conditional. */
export interface Move {
  readonly partition: number
  readonly before: readonly number[]
  readonly after: readonly number[]
}

/** Of a partition, as we see it. */
interface Holders {
  readonly own: Electorate
  readonly home: Electorate
  readonly replicas: readonly number[]
  readonly foreigners: readonly number[]
}

const NOBODY: readonly number[] = []

export class Layouts implements Placement {
  readonly partitionCount: number
  readonly key: Key
  readonly #self: string
  #state: LayoutState
  /** Ours. Whoever is not a member any more stays where he was; empty: never was one. */
  #region = ''
  /** Made when they are asked for. */
  #holders: (Holders | undefined)[] = []
  #isOneRegion = true
  /** By number. */
  #regions: readonly string[] = []

  constructor({ partitionCount, key, first, self }: LayoutsParts) {
    this.partitionCount = partitionCount
    this.key = key
    this.#self = self
    this.#state = first
    this.obey(first)
  }

  get state(): LayoutState {
    return this.#state
  }

  get epoch(): number {
    return phaseOf(this.#state)
  }

  get isJoint(): boolean {
    return this.#state.next !== null
  }

  /** Of both layouts. */
  get members(): number[] {
    const { roster, table, next } = this.#state
    const names = [...table.members, ...(next?.members ?? [])].map(({ name }) => name)
    return [...new Set(names)].map((name) => roster.indexOf(name))
  }

  /** At the open: what was written down counts. */
  open(written: LayoutState | null): void {
    if (written !== null && phaseOf(written) > this.epoch) this.obey(written)
  }

  /** From now on it goes by this. */
  obey(state: LayoutState): void {
    this.#state = state
    this.#holders = []
    const { roster, table, next } = state
    const latest = latestOf(state)
    // Who has come to another region is one of those there, while it still is of the others.
    const regionOf = (name: string) => regionIn(latest, name) ?? regionIn(table, name)
    this.#region = regionOf(this.#self) ?? this.#region
    this.#regions = roster.map((name) => regionOf(name) ?? '')
    const regions = new Set([...regionsOf(table), ...(next === null ? [] : regionsOf(next))])
    // Whoever is nowhere may be far from all of them.
    this.#isOneRegion = regions.size === 1 && (regions.has('') || regions.has(this.#region))
  }

  // --- Placement

  electorateOf(partition: number): Electorate {
    return (this.#holders[partition] ?? this.#find(partition)).own
  }

  homeElectorateOf(partition: number): Electorate {
    return (this.#holders[partition] ?? this.#find(partition)).home
  }

  replicasOf(partition: number): readonly number[] {
    return (this.#holders[partition] ?? this.#find(partition)).replicas
  }

  foreignersOf(partition: number): readonly number[] {
    return (this.#holders[partition] ?? this.#find(partition)).foreigners
  }

  isForeign(member: number): boolean {
    if (this.#isOneRegion || this.#region === '') return false
    return this.regionOf(member) !== this.#region
  }

  regionOf(member: number): string {
    return this.#regions[member] ?? ''
  }

  #find(partition: number): Holders {
    const { table, next } = this.#state
    const own = this.#electorate(partition, this.#region, this.#region)
    const homeAfter = next === null ? table.home : next.home
    const home = this.#isOneRegion ? own : this.#electorate(partition, table.home, homeAfter)
    const replicas = this.#isOneRegion ? own.members : this.#replicas(partition)
    const foreigners = replicas.filter((member) => this.isForeign(member))
    const holders = {
      own,
      home: isSameElectorate(own, home) ? own : home,
      replicas,
      foreigners: foreigners.length === 0 ? NOBODY : foreigners,
    }
    this.#holders[partition] = holders
    return holders
  }

  #electorate(partition: number, regionBefore: string, regionAfter: string): Electorate {
    const { table, next } = this.#state
    const before = votersIn(this.#state, table, partition, regionBefore)
    const after = next === null ? before : votersIn(this.#state, next, partition, regionAfter)
    const isNowhere = !this.#isOneRegion && this.#region === ''
    const isFar = isNowhere || [...before, ...after].some((member) => this.isForeign(member))
    return new Electorate(before, isSameSet(before, after) ? null : after, isFar)
  }

  #replicas(partition: number): readonly number[] {
    const { table, next } = this.#state
    const before = holdersIn(this.#state, table, partition)
    const after = next === null ? NOBODY : holdersIn(this.#state, next, partition)
    return [...new Set([...before, ...after])]
  }

  // --- changes

  /** One after the other: of each region that there will be, and of the home if it becomes another. */
  moving(): Move[] {
    const { table, next } = this.#state
    if (next === null) return []
    const regions = regionsOf(next).map((region): [string, string] => [region, region])
    if (next.home !== table.home) regions.push([table.home, next.home])
    const moves: Move[] = []
    for (let partition = 0; partition < this.partitionCount; partition++) {
      for (const [regionBefore, regionAfter] of regions) {
        const before = votersIn(this.#state, table, partition, regionBefore)
        const after = votersIn(this.#state, next, partition, regionAfter)
        if (!isSameSet(before, after)) moves.push({ partition, before, after })
      }
    }
    return moves
  }

  /**
   * Those of the partitions that a member holds by a later state which it cannot have held all the time until
   * then: what it finds of them on its disk, if anything, is not all.
   */
  gainedBy(member: number, state: LayoutState): number[] {
    const ours = latestOf(this.#state)
    // Of a layout in between nothing is known.
    const isNext = state.table.epoch <= ours.epoch + 1
    const holds = (in_: LayoutState, table: Table, partition: number) =>
      holdersIn(in_, table, partition).includes(member)
    // In another region others have decided.
    const name = state.roster[member]!
    const region = regionIn(latestOf(state), name)
    const hasMoved = region !== undefined && region !== (regionIn(ours, name) ?? region)
    const gained: number[] = []
    for (let partition = 0; partition < this.partitionCount; partition++) {
      const willHold = holds(state, state.table, partition) || holds(state, latestOf(state), partition)
      if (!willHold) continue
      const held = isNext && holds(this.#state, ours, partition)
      const goesOn = held && (state.table.epoch <= ours.epoch || holds(state, state.table, partition))
      if (!goesOn || hasMoved) gained.push(partition)
    }
    return gained
  }
}

function isSameElectorate(a: Electorate, b: Electorate): boolean {
  return isSameSet(a.current, b.current) && isSameSet(a.next, b.next)
}

function isSameSet(some: readonly number[], others: readonly number[]): boolean {
  return some.length === others.length && some.every((one) => others.includes(one))
}
