/**
 * The hint files of a store that have a descriptor: a big store has thousands of them, a process may have few
 * descriptors. The one awake longest rests when another wakes.
 */

import { AWAKE_HINTS_MAX } from '../limits.ts'

export interface Restable {
  /** False: it is being read. */
  rest(): boolean
}

export class AwakeHints {
  readonly #awake = new Set<Restable>()

  get count(): number {
    return this.#awake.size
  }

  add(file: Restable): void {
    this.#awake.add(file)
    if (this.#awake.size <= AWAKE_HINTS_MAX) return
    for (const other of this.#awake) if (other !== file && other.rest()) return
  }

  delete(file: Restable): void {
    this.#awake.delete(file)
  }
}
