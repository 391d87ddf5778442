/** Times of single operations, sampled: bounded memory, exact percentiles of what was kept. */
const SAMPLES_MAX = 200_000

export class Latencies {
  readonly #samples = new Float64Array(SAMPLES_MAX)
  #count = 0

  add(ms: number): void {
    if (this.#count < SAMPLES_MAX) this.#samples[this.#count++] = ms
  }

  get count(): number {
    return this.#count
  }

  /** Microseconds; 0 when there were no samples. */
  percentile(share: number): number {
    const sorted = this.#samples.subarray(0, this.#count).sort()
    return (sorted[Math.min(this.#count - 1, Math.floor(this.#count * share))] ?? 0) * 1000
  }
}
