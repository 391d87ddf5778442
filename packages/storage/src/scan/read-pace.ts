/**
 * Whether a scan may read from disk at once. What the system's page cache has takes some microseconds, and
 * ten times as long by way of a thread; what the device has to be asked for would hold up the event loop. The
 * two are told apart by how long a read took: after a long one some go to the threads before one is tried
 * again, twice as many after each further long one.
 */

import { SCAN_READ_MS_MAX, SCAN_READS_LATER_MAX, SCAN_READS_LATER_MIN } from '../limits.ts'

export class ReadPace {
  readonly #elapsedMs: () => number
  #later = 0
  #next = SCAN_READS_LATER_MIN

  /** `elapsedMs`: a clock for measuring. */
  constructor(elapsedMs: () => number) {
    this.#elapsedMs = elapsedMs
  }

  /** Asked before each read. */
  mayReadNow(): boolean {
    if (this.#later === 0) return true
    this.#later -= 1
    return false
  }

  /** Reads at once, and takes the time. */
  readNow(read: () => void): void {
    const before = this.#elapsedMs()
    read()
    if (this.#elapsedMs() - before <= SCAN_READ_MS_MAX) {
      this.#next = SCAN_READS_LATER_MIN
      return
    }
    this.#later = this.#next
    this.#next = Math.min(2 * this.#next, SCAN_READS_LATER_MAX)
  }
}
