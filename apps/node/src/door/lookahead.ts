/**
 * The keys of the requests that came together, hashed before the first of them is carried out, so that the
 * store can have their records come from memory at once (`Foresight`). One for all connections: it speaks of
 * the bytes that are being parsed right now.
 */
import { hashKey, KeyHash } from '@minivault/codec'
import { FORESEEN_MAX, Foresight } from '@minivault/storage'
import type { KeyValue } from '../key-value.ts'

export class Lookahead {
  readonly #keyValue: KeyValue
  readonly #foresight = new Foresight()
  readonly #hash = new KeyHash()
  /** Where each key begins in `#bytes`, in rising order. */
  readonly #keyStarts = new Int32Array(FORESEEN_MAX)
  #bytes: Uint8Array | null = null
  #next = 0

  constructor(keyValue: KeyValue) {
    this.#keyValue = keyValue
  }

  /** Other bytes, or the same at another time. */
  forget(): void {
    this.#bytes = null
    this.#next = 0
    this.#foresight.count = 0
  }

  get isSpent(): boolean {
    return this.#next === this.#foresight.count
  }

  get isFull(): boolean {
    return this.#foresight.count === FORESEEN_MAX
  }

  /** The next key that will be asked for. */
  add(bytes: Uint8Array, keyStart: number, keyEnd: number): void {
    hashKey(bytes, keyStart, keyEnd, this.#hash)
    this.#bytes = bytes
    this.#keyStarts[this.#foresight.count] = keyStart
    this.#foresight.add(this.#hash)
  }

  /** All keys are added. A single one has nothing to wait for together with. */
  touch(): void {
    if (this.#foresight.count > 1) this.#keyValue.foresee(this.#foresight)
  }

  /** The hash of a key, whether or not it was foreseen. */
  hash(bytes: Uint8Array, keyStart: number, keyEnd: number, into: KeyHash): void {
    if (bytes === this.#bytes) {
      const { count, high, low } = this.#foresight
      // Requests that were refused are passed over.
      while (this.#next < count && this.#keyStarts[this.#next]! < keyStart) this.#next++
      const at = this.#next
      if (at < count && this.#keyStarts[at] === keyStart) {
        into.high = high[at]!
        into.low = low[at]!
        this.#next = at + 1
        return
      }
    }
    hashKey(bytes, keyStart, keyEnd, into)
  }
}
