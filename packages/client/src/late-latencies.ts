/*
 * How long the last answers took, and what most of them stayed below: from that it is learned how long to
 * wait before another node is asked. Coarse on purpose: whole milliseconds, looked at anew every so often.
 */

import { LATENCIES_KEPT, LATENCIES_LEAST, LATENCIES_STEP } from './limits.ts'

const MS_MAX = 65_535

export class LateLatencies {
  readonly #share: number
  readonly #kept = new Uint16Array(LATENCIES_KEPT)
  #count = 0
  #quantileMs = -1

  /** @param share of the answers that stay below `quantileMs`, 0 to 1 */
  constructor(share: number) {
    this.#share = share
  }

  /** In ms; -1 while too few answers are known. */
  get quantileMs(): number {
    return this.#quantileMs
  }

  add(ms: number): void {
    this.#kept[this.#count++ % LATENCIES_KEPT] = Math.min(MS_MAX, Math.max(0, ms))
    if (this.#count >= LATENCIES_LEAST && this.#count % LATENCIES_STEP === 0) this.#look()
  }

  #look(): void {
    const sorted = this.#kept.slice(0, Math.min(this.#count, LATENCIES_KEPT)).sort()
    this.#quantileMs = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * this.#share))]!
  }
}
