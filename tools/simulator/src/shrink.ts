/**
 * Makes a failing plan small: takes pieces away as long as it still fails, halves first, single items last
 * (Zeller's ddmin), and again until no item can go.
 */
import type { Item, Plan } from './plan/plan.ts'

export interface Shrunk {
  readonly plan: Plan
  readonly runs: number
}

const RUNS_MAX = 3000

export function shrink(plan: Plan, fails: (plan: Plan) => boolean): Shrunk {
  let items: readonly Item[] = plan.items
  let pieces = 2
  let runs = 0
  while (items.length >= 2 && runs < RUNS_MAX) {
    const size = Math.ceil(items.length / pieces)
    let isSmaller = false
    for (let from = 0; from < items.length; from += size) {
      const left = items.filter((_, index) => index < from || index >= from + size)
      runs += 1
      if (!fails({ ...plan, items: left })) continue
      items = left
      pieces = Math.max(pieces - 1, 2)
      isSmaller = true
      break
    }
    if (isSmaller) continue
    if (pieces >= items.length) break
    pieces = Math.min(items.length, pieces * 2)
  }
  return { plan: { ...plan, items }, runs }
}
