/** How long an answer takes, measured; hence how long it is waited for. */
import { PATIENCE_MS_MAX, PATIENCE_MS_MIN } from './limits.ts'

const DECAY = 0.98

export class Patience {
  /** Of the slow answers of late: a new slowest counts at once, and fades. */
  #slowMs: number
  readonly #leastMs: number
  readonly #everyMs: number
  #fadesAtMs = 0

  /**
   * It fades at most so often. Not with every answer: a member that pauses once a second gives thousands
   * between two pauses, and the next one must not come as a surprise.
   *
   * @param leastMs no round trip is taken to be shorter; 0: it is measured
   */
  constructor(everyMs: number, leastMs = 0) {
    this.#everyMs = everyMs
    this.#leastMs = leastMs
    this.#slowMs = Math.max(leastMs, PATIENCE_MS_MIN)
  }

  observe(ms: number, nowMs: number): void {
    if (nowMs >= this.#fadesAtMs) {
      this.#slowMs = Math.max(this.#leastMs, this.#slowMs * DECAY)
      this.#fadesAtMs = nowMs + this.#everyMs
    }
    if (ms > this.#slowMs) this.#slowMs = ms
  }

  /** A round trip, as slow as they are. */
  get roundTripMs(): number {
    return Math.min(this.#slowMs, PATIENCE_MS_MAX)
  }

  /** After which an answer is not expected any more. */
  get ms(): number {
    return Math.min(PATIENCE_MS_MAX, PATIENCE_MS_MIN + 2 * this.#slowMs)
  }
}
