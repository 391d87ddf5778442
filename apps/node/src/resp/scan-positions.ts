/**
 * Cursors of SCAN. Clients demand decimal numbers, and a scan of ours goes on behind a key: this table
 * remembers the key of each number that was given out. Bounded: the oldest is forgotten, and a scan that goes
 * on with it is told so. Numbers begin with the time, so that none of before a restart means anything.
 */
import { SCAN_POSITION_BYTES_MAX, SCAN_POSITIONS_MAX } from '../limits.ts'

export class ScanPositions {
  readonly #keys = new Map<string, Uint8Array>()
  #next: bigint
  #bytes = 0

  constructor(nowMs: number) {
    this.#next = BigInt(Math.floor(nowMs)) * 1_000n + 1n
  }

  /** A number for the place behind this key. */
  add(key: Uint8Array): string {
    const cursor = String(this.#next++)
    this.#keys.set(cursor, key)
    this.#bytes += key.length
    for (const [oldest, { length }] of this.#keys) {
      if (this.#keys.size <= SCAN_POSITIONS_MAX && this.#bytes <= SCAN_POSITION_BYTES_MAX) break
      this.#keys.delete(oldest)
      this.#bytes -= length
    }
    return cursor
  }

  /** Undefined: forgotten, or never given out. It stays: a client may ask for the same page again. */
  keyOf(cursor: string): Uint8Array | undefined {
    return this.#keys.get(cursor)
  }
}
