/** Bytes of replies that clients leave unread, over all connections: each counts its own. */
import { UNSENT_BYTES_MAX } from '../limits.ts'

export class UnsentBytes {
  #bytes = 0
  readonly #bytesMax: number

  constructor(bytesMax: number = UNSENT_BYTES_MAX) {
    this.#bytesMax = bytesMax
  }

  /** So much that nobody shall add to what it leaves unread. */
  get isScarce(): boolean {
    return this.#bytes > this.#bytesMax / 2
  }

  /** A connection had `before` and has `now`. True: it has more than before, and that is too much. */
  count(before: number, now: number): boolean {
    if (before === now) return false
    this.#bytes += now - before
    return now > before && this.#bytes > this.#bytesMax
  }
}
