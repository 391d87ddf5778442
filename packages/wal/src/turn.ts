/**
 * When the log works: once at the end of an event-loop turn in which somebody asked, and at the latest some
 * milliseconds after a commit that nobody asked about.
 */
import type { Scheduler } from './scheduler.ts'

export class Turn {
  /** Work is planned for the end of this turn. */
  asked = false
  /** Work is planned by time. */
  armed = false
  readonly #scheduler: Scheduler
  readonly #afterMs: number
  readonly #work: () => void
  #timer: unknown = null

  constructor(scheduler: Scheduler, afterMs: number, work: () => void) {
    this.#scheduler = scheduler
    this.#afterMs = afterMs
    this.#work = work
  }

  ask(): void {
    if (this.asked) return
    this.asked = true
    this.#scheduler.afterTurn(this.#onTurn)
  }

  arm(): void {
    this.armed = true
    this.#timer = this.#scheduler.after(this.#afterMs, this.#onTimer)
  }

  cancelTimer(): void {
    this.#scheduler.cancel(this.#timer)
  }

  readonly #onTurn = (): void => {
    this.asked = false
    this.#work()
  }

  readonly #onTimer = (): void => {
    this.armed = false
    this.#work()
  }
}
