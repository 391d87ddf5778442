/**
 * The core's timers: very many, of which most have come to nothing when they are due. None is taken back, and
 * each may come a step late. They stand in a ring of steps; one that lies further ahead than the ring goes
 * round once more.
 */
import { TIMER_STEP_MS, TIMER_STEPS } from '../limits.ts'

/** Two numbers a timer, in arrays that are used again. */
interface Step {
  readonly exchanges: number[]
  readonly stages: number[]
  readonly dueMs: number[]
}

export class TimerWheel {
  readonly #onTimer: (exchange: number, stage: number) => void
  readonly #steps: Step[] = Array.from({ length: TIMER_STEPS }, emptyStep)
  /** What is due now; swapped with the step that it came from. */
  #due: Step = emptyStep()
  /** The step that was done last. */
  #at: number
  #count = 0

  constructor(nowMs: number, onTimer: (exchange: number, stage: number) => void) {
    this.#onTimer = onTimer
    this.#at = stepOf(nowMs)
  }

  /** How many are set. */
  get count(): number {
    return this.#count
  }

  set(dueMs: number, exchange: number, stage: number): void {
    // Not in the step that is being done, nor further than the ring goes.
    const wanted = stepOf(dueMs) + 1
    const at = Math.min(Math.max(wanted, this.#at + 1), this.#at + TIMER_STEPS - 1)
    const step = this.#steps[at % TIMER_STEPS]!
    step.exchanges.push(exchange)
    step.stages.push(stage)
    step.dueMs.push(dueMs)
    this.#count += 1
  }

  /** Does what is due. */
  advance(nowMs: number): void {
    const last = stepOf(nowMs)
    // After a long sleep each step is done once.
    if (last - this.#at > TIMER_STEPS) this.#at = last - TIMER_STEPS
    while (this.#at < last) {
      this.#at += 1
      this.#do(this.#at % TIMER_STEPS, nowMs)
    }
  }

  #do(index: number, nowMs: number): void {
    const due = this.#steps[index]!
    this.#steps[index] = this.#due
    this.#due = due
    const { exchanges, stages, dueMs } = due
    this.#count -= exchanges.length
    for (let timer = 0; timer < exchanges.length; timer++) {
      if (dueMs[timer]! > nowMs) this.set(dueMs[timer]!, exchanges[timer]!, stages[timer]!)
      else this.#onTimer(exchanges[timer]!, stages[timer]!)
    }
    exchanges.length = 0
    stages.length = 0
    dueMs.length = 0
  }
}

function emptyStep(): Step {
  return { exchanges: [], stages: [], dueMs: [] }
}

function stepOf(ms: number): number {
  return Math.floor(ms / TIMER_STEP_MS)
}
