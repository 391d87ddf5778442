/**
 * Times of single operations in bounded memory, spread evenly over a run of any length: when the samples fill
 * their place, every other one goes, and from then on half as many are taken.
 */
const SAMPLES_MAX = 1 << 17

export class Latencies {
  readonly #samples = new Float64Array(SAMPLES_MAX)
  #count = 0
  #seen = 0
  #stride = 1

  add(ms: number): void {
    if (this.#seen++ % this.#stride !== 0) return
    if (this.#count === SAMPLES_MAX) this.#halve()
    this.#samples[this.#count++] = ms
  }

  get count(): number {
    return this.#count
  }

  /** Microseconds; 0 when there were no samples. */
  percentile(share: number): number {
    const sorted = this.#samples.slice(0, this.#count).sort()
    return (sorted[Math.min(this.#count - 1, Math.floor(this.#count * share))] ?? 0) * 1000
  }

  #halve(): void {
    for (let at = 0; at < SAMPLES_MAX / 2; at++) this.#samples[at] = this.#samples[at * 2]!
    this.#count = SAMPLES_MAX / 2
    this.#stride *= 2
  }
}
