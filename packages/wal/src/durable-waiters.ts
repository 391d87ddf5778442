/**
 * Who waits in `sync` for a position to become durable. They are looked at whenever a mark has moved or the
 * log has failed.
 */
import type { WalError } from './wal-error.ts'

interface Waiter {
  segment: number
  offset: number
  resolve: () => void
  reject: (error: WalError) => void
}

export class DurableWaiters {
  #waiting: Waiter[] = []

  get count(): number {
    return this.#waiting.length
  }

  /** Resolves when everything of `segment` below `offset` is durable. */
  add(segment: number, offset: number): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ segment, offset, resolve, reject }))
  }

  /** Resolves those who have what they want; rejects all others when there is an error. */
  settle(isDurable: (segment: number, offset: number) => boolean, failed: WalError | null): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const waiter of waiting) {
      if (isDurable(waiter.segment, waiter.offset - 1)) waiter.resolve()
      else if (failed) waiter.reject(failed)
      else this.#waiting.push(waiter)
    }
  }
}
