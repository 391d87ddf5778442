/**
 * What is agreed about who holds what, at one moment: a layout, and while keys move the one that follows it.
 * Its *phase* is a number that only rises: twice the epoch while that layout is on its way (joint), and one
 * more when it is all there is (settled).
 */
import type { HeldRecord, Value } from './record.ts'

/** As `Layout` of @minivault/topology. */
export interface Table {
  readonly epoch: number
  readonly members: readonly { readonly name: string }[]
  /** Places in `members`. */
  replicasOf(partition: number): ArrayLike<number>
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

/** Numbers of those who hold a partition. */
export function holdersIn({ roster }: LayoutState, table: Table, partition: number): number[] {
  return Array.from(table.replicasOf(partition), (place) => roster.indexOf(table.members[place]!.name))
}

/** Null: nothing was ever decided. */
export function tableOf({ value }: HeldRecord): Table | null {
  return value === null || value === undefined ? null : (value as LayoutValue).table
}
