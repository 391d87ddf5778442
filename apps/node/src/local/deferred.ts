/**
 * What is waited for off the hot path: a closure for each row that the store was given as a token.
 */
import type { Found, StorageError } from '@minivault/storage'
import type { Pending } from './pending.ts'

export type Settle = (found: Found | null, error: StorageError | null) => void

export class Deferred {
  readonly #pending: Pending
  readonly #waiting = new Map<number, Settle>()

  constructor(pending: Pending) {
    this.#pending = pending
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0
  }

  /** A row for the store. `settle` is called once, unless the row is dropped before. */
  take(settle: Settle): number {
    const row = this.#pending.takeRow()
    this.#waiting.set(row, settle)
    return row
  }

  /** A row for a call of which the store says at its end whether it is to be waited for. */
  takeRow(): number {
    return this.#pending.takeRow()
  }

  await(row: number, settle: Settle): void {
    this.#waiting.set(row, settle)
  }

  /** The store will not come back to it. */
  drop(row: number): void {
    if (this.#waiting.size > 0) this.#waiting.delete(row)
    this.#pending.give(row)
  }

  /** False: the row is none of these. */
  settle(row: number, found: Found | null, error: StorageError | null): boolean {
    const settle = this.#waiting.get(row)
    if (settle === undefined) return false
    this.drop(row)
    settle(found, error)
    return true
  }
}
