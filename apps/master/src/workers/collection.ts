/**
 * Who begins a new cluster: all that come until nobody new has come for a second, but no longer than five;
 * or, where the operator said how many, all that come until there are so many.
 */
import { COLLECT_MS, COLLECT_MS_MAX } from '../limits.ts'

export class Collection {
  readonly #foundersMin: number
  readonly #names = new Set<string>()
  #firstAtMs = 0
  #lastAtMs = 0

  /** @param foundersMin 0: nobody said */
  constructor(foundersMin: number) {
    this.#foundersMin = foundersMin
  }

  hear(name: string, nowMs: number): void {
    if (this.#names.has(name)) return
    if (this.#names.size === 0) this.#firstAtMs = nowMs
    this.#lastAtMs = nowMs
    this.#names.add(name)
  }

  /** @param count of those who came and are still there */
  isComplete(count: number, nowMs: number): boolean {
    if (this.#foundersMin > 0) return count >= this.#foundersMin
    return nowMs - this.#lastAtMs >= COLLECT_MS || nowMs - this.#firstAtMs >= COLLECT_MS_MAX
  }

  /** In words, for one that waits. */
  words(count: number): string {
    if (this.#foundersMin === 0) return 'a new cluster begins within seconds'
    return `${count} of the ${this.#foundersMin} workers that begin the cluster are there`
  }
}
