/**
 * Time that stands still until a test moves it: turns and timers run when told to.
 */
import type { Scheduler } from '../scheduler.ts'

export class ManualScheduler implements Scheduler {
  #turn: (() => void)[] = []
  #timers = new Map<number, { atMs: number; run: () => void }>()
  #next = 1
  nowMs = 0

  afterTurn(run: () => void): void {
    this.#turn.push(run)
  }

  after(ms: number, run: () => void): unknown {
    this.#timers.set(this.#next, { atMs: this.nowMs + ms, run })
    return this.#next++
  }

  cancel(handle: unknown): void {
    this.#timers.delete(handle as number)
  }

  /** Ends the turn: runs what waits for that, not what it asks for in turn. Returns how many ran. */
  endTurn(): number {
    const due = this.#turn
    this.#turn = []
    for (const run of due) run()
    return due.length
  }

  advance(ms: number): void {
    this.nowMs += ms
    for (const [handle, timer] of [...this.#timers]) {
      if (timer.atMs > this.nowMs) continue
      this.#timers.delete(handle)
      timer.run()
    }
  }
}
