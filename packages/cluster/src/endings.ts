/**
 * Where something is held that will have to go: tombstones, and what expires. By leaf only when the first of
 * it may, so that whoever looks for what is old reads nothing of a leaf that has nothing old.
 */
import type { Key } from './ports.ts'
import { LEAVES } from './trees.ts'

/** Of a tombstone its ballot's time counts. */
export function endsAtMs(ballotMs: number, isTombstone: boolean, expiresAtMs: number): number {
  if (isTombstone) return ballotMs
  return expiresAtMs === 0 ? Number.POSITIVE_INFINITY : Math.max(ballotMs, expiresAtMs)
}

export class Endings {
  /** By partition that has any, leaf by leaf. */
  readonly #earliest = new Map<number, Float64Array>()

  meet({ partition, leaf }: Key, atMs: number): void {
    if (atMs < this.earliestMs(partition, leaf)) this.set(partition, leaf, atMs)
  }

  /** Nothing of the leaf ends before. */
  earliestMs(partition: number, leaf: number): number {
    return this.#earliest.get(partition)?.[leaf] ?? Number.POSITIVE_INFINITY
  }

  /** All of the leaf was looked at. */
  set(partition: number, leaf: number, atMs: number): void {
    let leaves = this.#earliest.get(partition)
    if (leaves === undefined) {
      leaves = new Float64Array(LEAVES).fill(Number.POSITIVE_INFINITY)
      this.#earliest.set(partition, leaves)
    }
    leaves[leaf] = atMs
  }

  drop(partition: number): void {
    this.#earliest.delete(partition)
  }
}
