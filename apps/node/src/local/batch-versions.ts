/**
 * The versions of the batches of late, for their retries. Bounded in versions: the oldest batch goes first.
 */
import type { Version } from '@minivault/clock'
import { LEDGER_BATCH_VERSIONS } from '../limits.ts'

export class BatchVersions {
  readonly #versions = new Map<string, readonly string[]>()
  readonly #capacity: number
  #count = 0

  /** @param capacity versions kept; an empty batch counts as one */
  constructor(capacity: number = LEDGER_BATCH_VERSIONS) {
    this.#capacity = capacity
  }

  add(request: Version, versions: readonly string[]): void {
    const name = request.toString()
    this.#forget(name)
    this.#versions.set(name, versions)
    this.#count += weightOf(versions)
    for (const oldest of this.#versions.keys()) {
      if (this.#count <= this.#capacity) return
      this.#forget(oldest)
    }
  }

  #forget(name: string): void {
    const versions = this.#versions.get(name)
    if (versions === undefined) return
    this.#versions.delete(name)
    this.#count -= weightOf(versions)
  }

  of(request: Version): readonly string[] | null {
    return this.#versions.get(request.toString()) ?? null
  }
}

function weightOf(versions: readonly string[]): number {
  return Math.max(1, versions.length)
}
