/*
 * Looks at attempts that have taken a while, oldest first. One timer for all: as long as any are under way it
 * runs a few times within the time that it watches for. What has come by then is read before anybody is
 * judged, so that a turn that took long is not the fault of the nodes.
 */

import type { Attempt } from './attempt.ts'
import type { Time } from './time.ts'

const PERIOD_MS_MAX = 25

export interface WatchOptions {
  time: Time
  /** attempts that are younger, in ms, are not looked at */
  patienceMs: () => number
  look: (attempt: Attempt, ageMs: number) => void
}

export class OverdueWatch {
  readonly #options: WatchOptions
  #watched: Attempt[] = []
  #timer: unknown = null
  #isHurried = false

  constructor(options: WatchOptions) {
    this.#options = options
  }

  add(attempt: Attempt): void {
    this.#watched.push(attempt)
    if (this.#timer === null) this.#plan()
  }

  /** The next look is at all, however young. */
  hurry(): void {
    this.#isHurried = true
  }

  close(): void {
    if (this.#timer !== null) this.#options.time.cancel(this.#timer)
    this.#watched = []
  }

  #plan(): void {
    const { time, patienceMs } = this.#options
    const periodMs = Math.max(1, Math.min(PERIOD_MS_MAX, patienceMs() / 2))
    this.#timer = time.after(periodMs, () => time.afterTurn(this.#look))
  }

  readonly #look = (): void => {
    const { time, look } = this.#options
    const now = time.now()
    const patienceMs = this.#isHurried ? 0 : this.#options.patienceMs()
    this.#isHurried = false
    const watched = this.#watched
    const kept: Attempt[] = []
    // What is begun meanwhile comes behind.
    this.#watched = []
    for (const attempt of watched) {
      const ageMs = now - attempt.startedAt
      if (!attempt.settled && !attempt.isOverdue && ageMs >= patienceMs) look(attempt, ageMs)
      if (!attempt.settled && !attempt.isOverdue) kept.push(attempt)
    }
    this.#watched = this.#watched.length === 0 ? kept : kept.concat(this.#watched)
    this.#timer = null
    if (this.#watched.length > 0) this.#plan()
  }
}
