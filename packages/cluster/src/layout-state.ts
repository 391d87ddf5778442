/**
 * What is agreed about who holds what, at one moment: a layout, and while keys move the one that follows it.
 * Its *phase* is a number that only rises: twice the epoch while that layout is on its way (joint), and one
 * more when it is all there is (settled).
 */
import type { HeldRecord, Value } from './record.ts'

/** As `Layout` of @minivault/topology. */
export interface Table {
  readonly epoch: number
  /** The region that decides what is conditional. Empty: all decide everything, wherever they are. */
  readonly home: string
  readonly members: readonly { readonly name: string; readonly region: string }[]
  /** Places in `members`, of all regions. */
  replicasOf(partition: number): ArrayLike<number>
  /** Those in a region that has members. */
  votersOf(partition: number, region: string): ArrayLike<number>
}

export interface LayoutState {
  /** Names of all who were ever members: a member's number is its place here, and stays. */
  readonly roster: readonly string[]
  readonly table: Table
  /** While keys move. */
  readonly next: Table | null
}

/** What is written under the key of layouts. */
export interface LayoutValue extends Value {
  readonly table: Table
}

/** The members of the first layout are numbered as it lists them. */
export function firstState(table: Table): LayoutState {
  return { roster: table.members.map(({ name }) => name), table, next: null }
}

/** Who is new gets the next numbers, in the order of the layout. */
export function jointState({ roster, table }: LayoutState, next: Table): LayoutState {
  const names = next.members.map(({ name }) => name).filter((name) => !roster.includes(name))
  return { roster: [...roster, ...names], table, next }
}

export function settledState({ roster, table, next }: LayoutState): LayoutState {
  return { roster, table: next ?? table, next: null }
}

export function phaseOf({ table, next }: LayoutState): number {
  return next === null ? table.epoch * 2 + 1 : next.epoch * 2
}

/** The last layout of it. */
export function latestOf({ table, next }: LayoutState): Table {
  return next ?? table
}

/** Whether one may follow the other: in one history a member's number stays, and only new ones come. */
export function isContinued(before: LayoutState, after: LayoutState): boolean {
  return before.roster.every((name, number) => name === after.roster[number])
}

/** Numbers of those who hold a partition. */
export function holdersIn({ roster }: LayoutState, table: Table, partition: number): number[] {
  return Array.from(table.replicasOf(partition), (place) => roster.indexOf(table.members[place]!.name))
}

/**
 * Numbers of those whose majority is a quorum in a region. Before it has members, and when it has none any
 * more, they are those of the home region.
 */
export function votersIn(state: LayoutState, table: Table, partition: number, region: string): number[] {
  if (table.home === '') return holdersIn(state, table, partition)
  const isThere = table.members.some((member) => member.region === region)
  const voters = table.votersOf(partition, isThere ? region : table.home)
  return Array.from(voters, (place) => state.roster.indexOf(table.members[place]!.name))
}

/** Undefined: not a member by this table. */
export function regionIn(table: Table, name: string): string | undefined {
  return table.members.find((member) => member.name === name)?.region
}

/** Those that decide by themselves; where all do together, one without a name. */
export function regionsOf({ home, members }: Table): string[] {
  if (home === '') return ['']
  return [...new Set(members.map(({ region }) => region))]
}

/** Null: nothing was ever decided. */
export function tableOf({ value }: HeldRecord): Table | null {
  return value === null || value === undefined ? null : (value as LayoutValue).table
}
