/**
 * A few buffers for the unfinished rests of connections: who sends frame after frame leaves one behind at
 * each read, and new memory for each would pile up until it is collected. Where all are in use a rest lies in
 * memory of its own, which grows with what has arrived.
 */
import { READ_BUFFER_BYTES, RESTS_POOLED } from '../limits.ts'

export class RestPool {
  readonly #free: Uint8Array[] = []
  #made = 0

  /** Null: none is free, or it would be too short. */
  take(bytes: number): Uint8Array | null {
    if (bytes > READ_BUFFER_BYTES) return null
    const free = this.#free.pop()
    if (free !== undefined) return free
    if (this.#made === RESTS_POOLED) return null
    this.#made += 1
    return Buffer.allocUnsafeSlow(READ_BUFFER_BYTES)
  }

  give(buffer: Uint8Array): void {
    this.#free.push(buffer)
  }
}
