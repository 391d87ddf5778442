/*
 * Bytes received and not yet understood. A packet that holds only whole replies is read where it lies; only
 * an incomplete tail is kept, in a buffer that doubles with the bytes that have really come. One of moderate
 * size is used again and again: who reads from it copies what it keeps.
 */

import { INCOMING_KEPT_BYTES_MAX } from './limits.ts'

export class Incoming {
  #buffer: Uint8Array = new Uint8Array(0)
  #length = 0

  /**
   * Feeds `bytes` to `consume(bytes, start, end)`, which returns up to where it has understood; keeps the
   * rest.
   */
  feed(bytes: Uint8Array, consume: (bytes: Uint8Array, start: number, end: number) => number): void {
    if (this.#length === 0) {
      const rest = consume(bytes, 0, bytes.length)
      if (rest < bytes.length) this.#append(bytes, rest)
      return
    }
    this.#append(bytes, 0)
    const rest = consume(this.#buffer, 0, this.#length)
    if (rest === 0) return
    this.#buffer.copyWithin(0, rest, this.#length)
    this.#length -= rest
    if (this.#length === 0 && this.#buffer.length > INCOMING_KEPT_BYTES_MAX) this.#buffer = new Uint8Array(0)
  }

  #append(bytes: Uint8Array, start: number): void {
    const needed = this.#length + bytes.length - start
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2, 4096))
      grown.set(this.#buffer.subarray(0, this.#length))
      this.#buffer = grown
    }
    this.#buffer.set(bytes.subarray(start), this.#length)
    this.#length = needed
  }
}
