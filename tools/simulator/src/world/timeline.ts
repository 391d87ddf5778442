/** Virtual time: a heap of what is still to happen. Nothing here ever waits. */
import type { Happening } from './happening.ts'

export class Timeline {
  nowMs = 0
  /** How much has happened. */
  count = 0
  /** A binary heap in three lists: the numbers by which it is ordered stand beside each other. */
  readonly #heap: Happening[] = []
  readonly #times: number[] = []
  readonly #orders: number[] = []
  #order = 0

  add(afterMs: number, happening: Happening): void {
    const atMs = this.nowMs + afterMs
    this.#order += 1
    const end = this.#heap.push(happening)
    this.#times.push(atMs)
    this.#orders.push(this.#order)
    let at = end - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#isBefore(parent, atMs, this.#order)) break
      this.#move(parent, at)
      at = parent
    }
    this.#put(at, happening, atMs, this.#order)
  }

  /** Lets everything happen, up to so many; false: there is more. */
  run(countMax: number): boolean {
    const end = this.count + countMax
    while (this.#heap.length > 0) {
      if (this.count >= end) return false
      this.nowMs = this.#times[0]!
      this.count += 1
      this.#take().happen()
    }
    return true
  }

  #take(): Happening {
    const first = this.#heap[0]!
    const last = this.#heap.pop()!
    const atMs = this.#times.pop()!
    const order = this.#orders.pop()!
    const { length } = this.#heap
    if (length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= length) break
      if (child + 1 < length && !this.#isBefore(child, this.#times[child + 1]!, this.#orders[child + 1]!)) {
        child += 1
      }
      if (!this.#isBefore(child, atMs, order)) break
      this.#move(child, at)
      at = child
    }
    this.#put(at, last, atMs, order)
    return first
  }

  /** Of two at one time the one that was planned first is first. */
  #isBefore(at: number, atMs: number, order: number): boolean {
    const time = this.#times[at]!
    return time < atMs || (time === atMs && this.#orders[at]! < order)
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#heap[from]!, this.#times[from]!, this.#orders[from]!)
  }

  #put(at: number, happening: Happening, atMs: number, order: number): void {
    this.#heap[at] = happening
    this.#times[at] = atMs
    this.#orders[at] = order
  }
}
