/**
 * Which members hold the keys, as one member knows it: the layout it goes by, written down before it does. In
 * between two sets of members there is a joint phase, in which a quorum is a majority of both.
 */
import type { Electorate, Placement } from '@minivault/cluster'

export interface Layout {
  readonly epoch: number
  readonly members: readonly number[]
  /** While keys move: who will hold them. */
  readonly next: readonly number[] | null
}

export type ElectorateOf = (layout: Layout) => Electorate

export class MemberPlacement implements Placement {
  readonly partitionCount = 1
  readonly #electorateOf: ElectorateOf
  #layout: Layout
  #electorate: Electorate

  constructor(layout: Layout, electorateOf: ElectorateOf) {
    this.#layout = layout
    this.#electorateOf = electorateOf
    this.#electorate = electorateOf(layout)
  }

  get layout(): Layout {
    return this.#layout
  }

  get epoch(): number {
    return this.#layout.epoch
  }

  electorateOf(): Electorate {
    return this.#electorate
  }

  adopt(layout: Layout): void {
    this.#layout = layout
    this.#electorate = this.#electorateOf(layout)
  }
}
