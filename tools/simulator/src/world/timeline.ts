/** Virtual time: a heap of what is still to happen. Nothing here ever waits. */
import type { Happening } from './happening.ts'

export class Timeline {
  nowMs = 0
  /** How much has happened. */
  count = 0
  readonly #heap: Happening[] = []
  #order = 0

  add(afterMs: number, happening: Happening): void {
    happening.atMs = this.nowMs + afterMs
    this.#order += 1
    happening.order = this.#order
    const heap = this.#heap
    let at = heap.push(happening) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(happening, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = happening
  }

  /** Lets everything happen, up to so many; false: there is more. */
  run(countMax: number): boolean {
    const end = this.count + countMax
    while (this.#heap.length > 0) {
      if (this.count >= end) return false
      const next = this.#take()
      this.nowMs = next.atMs
      this.count += 1
      next.happen()
    }
    return true
  }

  #take(): Happening {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1
      if (!isBefore(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first
  }
}

function isBefore(a: Happening, b: Happening): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
