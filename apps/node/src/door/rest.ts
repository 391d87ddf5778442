/**
 * What a connection has of a request that has not come whole: grown by what was received, never by what was
 * announced. A short one lies in a buffer of the pool where there is one; of a long one, every byte counts
 * against the total of what is held.
 */
import { cloneBytes, copyBytes } from '@minivault/codec'
import { HELD_FREE_BYTES, REST_POOLED_BYTES_MIN } from '../limits.ts'
import type { HeldBytes } from './held-bytes.ts'
import type { RestPool } from './rest-pool.ts'

export class Rest {
  /** It is bytes[0, length); null: there is none. */
  bytes: Uint8Array | null = null
  length = 0
  readonly #pool: RestPool
  readonly #held: HeldBytes
  #isPooled = false
  #heldBytes = 0

  constructor(pool: RestPool, held: HeldBytes) {
    this.#pool = pool
    this.#held = held
  }

  /** Keeps the span, where nothing was kept. */
  begin(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    const pooled = length < REST_POOLED_BYTES_MIN ? null : this.#pool.take(length)
    if (pooled !== null) copyBytes(bytes, start, end, pooled, 0)
    this.bytes = pooled ?? cloneBytes(bytes, start, end)
    this.#isPooled = pooled !== null
    this.length = length
  }

  /**
   * Keeps more, of a request of `needed` bytes. False: there is no room for it, and nothing is kept; where it
   * `mustStay` it is kept all the same.
   */
  add(bytes: Uint8Array, start: number, end: number, needed: number, mustStay: boolean): boolean {
    const length = this.length + end - start
    const before = this.bytes!
    if (length > before.length) {
      const room = Math.max(length, Math.min(before.length * 2, needed))
      if (room > HELD_FREE_BYTES && !this.#hold(room) && !mustStay) {
        this.drop()
        return false
      }
      const grown = Buffer.allocUnsafeSlow(room)
      grown.set(before.subarray(0, this.length))
      if (this.#isPooled) this.#pool.give(before)
      this.#isPooled = false
      this.bytes = grown
    }
    this.bytes!.set(bytes.subarray(start, end), this.length)
    this.length = length
    return true
  }

  /** The first `count` bytes are done with; the others are kept if they are still wanted. */
  consume(count: number, isWanted: boolean): void {
    const { bytes, length } = this
    if (bytes === null || count === 0) return
    const isPooled = this.#isPooled
    this.#isPooled = false
    this.drop()
    if (isWanted && count < length) this.begin(bytes, count, length)
    if (isPooled) this.#pool.give(bytes)
  }

  /** Gives all that is kept away. */
  take(): Uint8Array {
    const bytes = this.bytes === null ? new Uint8Array(0) : cloneBytes(this.bytes, 0, this.length)
    this.drop()
    return bytes
  }

  drop(): void {
    if (this.#isPooled) this.#pool.give(this.bytes!)
    this.#isPooled = false
    this.bytes = null
    this.length = 0
    this.#held.give(this.#heldBytes)
    this.#heldBytes = 0
  }

  #hold(bytes: number): boolean {
    if (!this.#held.take(bytes - this.#heldBytes)) return false
    this.#heldBytes = bytes
    return true
  }
}
