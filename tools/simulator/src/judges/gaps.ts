/**
 * Where nothing stood: between the versions that were seen there are gaps, behind each delete and at the
 * beginning. Real clients that find nothing are not told which of them they looked into; each such look needs
 * one that agrees with real time. The earliest that does is never worse than a later one.
 */
import type { Operation } from '../world/operation.ts'

export class Gaps {
  /** Of all that stands in the order: when it was called, and when it had ended. */
  readonly #callMs: number[] = []
  readonly #returnMs: number[] = []
  /** How much of that stands in front of the gap. */
  readonly #places: number[] = []

  passes(callMs: number, returnMs: number): void {
    this.#callMs.push(callMs)
    this.#returnMs.push(returnMs)
  }

  /** There is one behind all that has passed so far. */
  open(): void {
    this.#places.push(this.#callMs.length)
  }

  /** A look that fits into none; null: there is none. They come in the order of their calls. */
  misfit(looks: readonly Operation[]): Operation | null {
    const firstReturn = [Number.POSITIVE_INFINITY]
    for (const returnMs of this.#returnMs.toReversed()) {
      firstReturn.push(Math.min(returnMs, firstReturn.at(-1)!))
    }
    firstReturn.reverse()
    const lastCall = [Number.NEGATIVE_INFINITY]
    for (const callMs of this.#callMs) lastCall.push(Math.max(callMs, lastCall.at(-1)!))
    let gap = 0
    for (const look of looks) {
      const { callMs } = look.start
      while (gap < this.#places.length && firstReturn[this.#places[gap]!]! < callMs) gap += 1
      const place = this.#places[gap]
      if (place === undefined || lastCall[place]! > look.returnMs) return look
    }
    return null
  }
}
