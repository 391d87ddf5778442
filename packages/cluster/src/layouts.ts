/** Who holds what, where that changes: the layout that this member goes by, written down before it does. */
import { Electorate } from './electorate.ts'
import { holdersIn, type LayoutState, latestOf, phaseOf } from './layout-state.ts'
import type { Key, Placement } from './ports.ts'

export interface LayoutsParts {
  readonly partitionCount: number
  /** Which layout follows is decided under it, as any record is. No client knows it. */
  readonly key: Key
  /** Where nothing was written down yet. */
  readonly first: LayoutState
}

/** Of a partition: who holds it, and while it moves, who will. */
export interface Holders {
  readonly before: readonly number[]
  /** Null: it does not move. */
  readonly after: readonly number[] | null
}

export class Layouts implements Placement {
  readonly partitionCount: number
  readonly key: Key
  #state: LayoutState
  /** Made when they are asked for. */
  #electorates: (Electorate | undefined)[] = []

  constructor({ partitionCount, key, first }: LayoutsParts) {
    this.partitionCount = partitionCount
    this.key = key
    this.#state = first
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
    this.#electorates = []
  }

  electorateOf(partition: number): Electorate {
    const known = this.#electorates[partition]
    if (known !== undefined) return known
    const { before, after } = this.holdersOf(partition)
    const electorate = new Electorate(before, after)
    this.#electorates[partition] = electorate
    return electorate
  }

  holdersOf(partition: number): Holders {
    const { table, next } = this.#state
    const before = holdersIn(this.#state, table, partition)
    const after = next === null ? null : holdersIn(this.#state, next, partition)
    const stays = after === null || isSameSet(before, after)
    return { before, after: stays ? null : after }
  }

  moving(): { partition: number; before: readonly number[]; after: readonly number[] }[] {
    if (!this.isJoint) return []
    const partitions = Array.from({ length: this.partitionCount }, (_, partition) => partition)
    return partitions.flatMap((partition) => {
      const { before, after } = this.holdersOf(partition)
      return after === null ? [] : [{ partition, before, after }]
    })
  }

  /**
   * Those of the partitions that a member holds by a later state which it cannot have held all the time until
   * then: what it finds of them on its disk, if anything, is not all.
   */
  gainedBy(member: number, state: LayoutState): number[] {
    const ours = latestOf(this.#state)
    // Of a layout in between nothing is known.
    const isNext = state.table.epoch <= ours.epoch + 1
    const holds = (in_: LayoutState, table: LayoutState['table'], partition: number) =>
      holdersIn(in_, table, partition).includes(member)
    const gained: number[] = []
    for (let partition = 0; partition < this.partitionCount; partition++) {
      const willHold = holds(state, state.table, partition) || holds(state, latestOf(state), partition)
      if (!willHold) continue
      const held = isNext && holds(this.#state, ours, partition)
      const goesOn = held && (state.table.epoch <= ours.epoch || holds(state, state.table, partition))
      if (!goesOn) gained.push(partition)
    }
    return gained
  }
}

function isSameSet(some: readonly number[], others: readonly number[]): boolean {
  return some.length === others.length && some.every((one) => others.includes(one))
}
