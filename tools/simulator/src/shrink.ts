/**
 * Makes a failing plan small: takes pieces away as long as it still fails, halves first, single items last
 * (Zeller's ddmin). Where nothing more can go, a calmer world is tried, in which fewer items may do; and then
 * other luck with one item less: what fails by chance has so many items only because they were there.
 */
import type { Item, Plan, Setup } from './plan/plan.ts'

export interface Shrunk {
  readonly plan: Plan
  readonly runs: number
}

const RUNS_MAX = 4000
const LUCK_TRIES = 40
/** Small enough to be read. */
const SMALL_ITEMS = 20
/** What goes on by itself, one after the other. */
const CALMER: readonly Partial<Setup>[] = [
  { lossShare: 0 },
  { duplicateShare: 0 },
  { hintShare: 0 },
  { syncMs: 1 },
  { delayMs: 2 },
  { compareEveryMs: 600_000 },
]

export function shrink(plan: Plan, fails: (plan: Plan) => boolean): Shrunk {
  return new Shrinking(plan, fails).run()
}

class Shrinking {
  readonly #fails: (plan: Plan) => boolean
  #plan: Plan
  #runs = 0

  constructor(plan: Plan, fails: (plan: Plan) => boolean) {
    this.#plan = plan
    this.#fails = fails
  }

  run(): Shrunk {
    do this.#byPieces()
    while (this.#byCalm() || (this.#plan.items.length > SMALL_ITEMS && this.#byLuck()))
    return { plan: this.#plan, runs: this.#runs }
  }

  #byPieces(): void {
    let pieces = 2
    while (this.#plan.items.length >= 2 && this.#runs < RUNS_MAX) {
      if (this.#withoutOne(pieces)) pieces = Math.max(pieces - 1, 2)
      else if (pieces >= this.#plan.items.length) return
      else pieces = Math.min(this.#plan.items.length, pieces * 2)
    }
  }

  #withoutOne(pieces: number): boolean {
    const { items } = this.#plan
    const size = Math.ceil(items.length / pieces)
    for (let from = 0; from < items.length; from += size) {
      if (this.#takes({ ...this.#plan, items: without(items, from, size) })) return true
    }
    return false
  }

  #byCalm(): boolean {
    const before = this.#plan
    for (const change of CALMER) {
      const { setup } = this.#plan
      const isNew = Object.entries(change).some(([name, value]) => setup[name as keyof Setup] !== value)
      if (isNew) this.#takes({ ...this.#plan, setup: { ...setup, ...change } })
    }
    return this.#plan !== before
  }

  /** The same without a quarter, an eighth, one item, under other seeds. */
  #byLuck(): boolean {
    const { items, seed } = this.#plan
    for (const share of [4, 8, items.length]) {
      const size = Math.ceil(items.length / share)
      for (let luck = 1; luck <= LUCK_TRIES; luck++) {
        const from = (luck * 7) % Math.max(1, items.length - size)
        const left = without(items, from, size)
        if (this.#takes({ ...this.#plan, seed: seed + luck * 1_000_003, items: left })) return true
      }
    }
    return false
  }

  #takes(plan: Plan): boolean {
    this.#runs += 1
    if (this.#runs > RUNS_MAX || !this.#fails(plan)) return false
    this.#plan = plan
    return true
  }
}

function without(items: readonly Item[], from: number, count: number): Item[] {
  return items.filter((_, index) => index < from || index >= from + count)
}
