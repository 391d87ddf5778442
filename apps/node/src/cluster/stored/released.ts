/**
 * Tombstones (and what has expired) that their floor stands for: nobody finds them any more, and a merge may
 * leave them out. They are known by the hash of their key and their ballot. In memory: after an open they are
 * released again.
 */
import type { Version } from '@minivault/clock'
import { isEqual } from '@minivault/cluster'
import type { KeyHash } from '@minivault/codec'

const TWO_POW_21 = 0x200000

export class Released {
  readonly #ballots = new Map<number, Version>()

  get isEmpty(): boolean {
    return this.#ballots.size === 0
  }

  add(hash: KeyHash, ballot: Version): void {
    this.#ballots.set(numberOf(hash), ballot)
  }

  has(hash: KeyHash, ballot: Version): boolean {
    const released = this.#ballots.get(numberOf(hash))
    return released !== undefined && isEqual(released, ballot)
  }

  /** A merge has left it out. */
  left(hash: KeyHash, ballot: Version): void {
    if (this.has(hash, ballot)) this.#ballots.delete(numberOf(hash))
  }

  /** Something newer stands under the key. False: nothing was released. */
  forget(hash: KeyHash): boolean {
    return this.#ballots.delete(numberOf(hash))
  }
}

/** 53 bits of it. That two at once share them all but never happens; one of them would be found again. */
function numberOf({ high, low }: KeyHash): number {
  return (high >>> 0) * TWO_POW_21 + (low >>> 11)
}
