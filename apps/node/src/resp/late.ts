/**
 * Work that reads keys is plain code: what the store has at hand is told at once. A key that is told late
 * (from the disk, or before its durability mark) interrupts the work, which begins again once it is known.
 */
import type { Told } from './command.ts'

/** Thrown out of the work; what was asked for is known when `known` settles. */
export class Late extends Error {
  readonly known: Promise<unknown>

  constructor(known: Promise<unknown>) {
    super('a key is told late')
    this.known = known
  }
}

export function replayed<T>(work: () => Told<T>): Told<T> {
  try {
    return work()
  } catch (thrown) {
    if (!(thrown instanceof Late)) throw thrown
    return thrown.known.then(() => replayed(work))
  }
}
