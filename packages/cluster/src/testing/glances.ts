/** Glances in memory that is used again: who goes on with one for too long finds another. */
import { type Glance, type Standing, Version } from '../index.ts'

export class Glances {
  readonly #placed = { ballot: new Version() }
  readonly #promised = new Version()

  of({ record, promised, position }: Standing): Glance {
    if (record !== null) this.#placed.ballot.copy(record.ballot)
    this.#promised.copy(promised)
    return { record: record === null ? null : this.#placed, promised: this.#promised, position }
  }
}
