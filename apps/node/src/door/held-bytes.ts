/**
 * Bytes of incomplete requests that connections hold in memory, counted over all of them: values that must be
 * whole before they can be judged (compressed ones, JSON texts), and batches.
 */
import { HELD_BYTES_MAX } from '../limits.ts'

export class HeldBytes {
  #bytes = 0
  readonly #bytesMax: number

  constructor(bytesMax: number = HELD_BYTES_MAX) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** False: there is no room for so many more. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#bytesMax) return false
    this.#bytes += bytes
    return true
  }

  give(bytes: number): void {
    this.#bytes -= bytes
  }
}
