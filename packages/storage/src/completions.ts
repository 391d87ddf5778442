/**
 * Who waits for which mark of the log: writes for their own record's level, reads for the level of the record
 * they saw. One FIFO ring a level and kind; the log calls `settle` when a mark has moved or the log has
 * failed.
 */

import type { Durability, Log } from '@minivault/wal'
import { PositionRing } from './position-ring.ts'
import { readOnly, type StorageError } from './storage-error.ts'

export interface CompletionTarget {
  applied(token: number, error: StorageError | null): void
  /** The record at this position may be shown now; with an error it never may. */
  readable(token: number, segment: number, offset: number, length: number, error: StorageError | null): void
}

export class Completions {
  readonly #log: Log
  readonly #target: CompletionTarget
  readonly #applied = [new PositionRing(), new PositionRing(), new PositionRing()] as const
  readonly #reads = [new PositionRing(), new PositionRing(), new PositionRing()] as const

  constructor(log: Log, target: CompletionTarget) {
    this.#log = log
    this.#target = target
  }

  /** Is the record at this position as safe as the level asks? */
  isReached(level: Durability, segment: number, offset: number): boolean {
    if (level === 0) return true
    return level === 1 ? this.#log.isWritten(segment, offset) : this.#log.isDurable(segment, offset)
  }

  waitForWrite(level: Durability, token: number, segment: number, offset: number): void {
    this.#applied[level].push(token, segment, offset, 0)
  }

  waitForRead(level: Durability, token: number, segment: number, offset: number, length: number): void {
    this.#reads[level].push(token, segment, offset, length)
  }

  get waitingCount(): number {
    let sum = 0
    for (const ring of this.#applied) sum += ring.count
    for (const ring of this.#reads) sum += ring.count
    return sum
  }

  settle(): void {
    this.#settleLevel(1)
    this.#settleLevel(2)
  }

  #settleLevel(level: 1 | 2): void {
    const writes = this.#applied[level]
    while (writes.count > 0) {
      const { token } = writes
      const reached = this.isReached(level, writes.segment, writes.offset)
      if (!reached && this.#log.error === null) break
      writes.pop()
      this.#target.applied(token, reached ? null : readOnly(this.#log.error))
    }
    const reads = this.#reads[level]
    while (reads.count > 0) {
      const { token, segment, offset, length } = reads
      const reached = this.isReached(level, segment, offset)
      if (!reached && this.#log.error === null) break
      reads.pop()
      this.#target.readable(token, segment, offset, length, reached ? null : readOnly(this.#log.error))
    }
  }
}
