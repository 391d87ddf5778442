/**
 * The end of an event-loop turn, for connections that were answered outside their own read: their output
 * leaves once, after all answers of the turn are in. A microtask runs right after the callback that brought
 * the answers.
 *
 * Where very many are answered in one turn, those before the last leave already on the way: each holds a
 * chunk for its replies, and the pool has only so many. Answers come connection by connection, so hardly one
 * of them will get another.
 */
import { TURN_FLUSHES_AFTER } from '../limits.ts'

/** `queueMicrotask` would make an async resource for each call. */
const RESOLVED = Promise.resolve()

export interface Settles {
  /** Kept by the turn: already on its list. */
  touched: boolean
  settle(): void
  /** Sends what is answered so far. */
  flush(): void
}

export class Turn {
  #touched: Settles[] = []
  #settling: Settles[] = []
  #scheduled = false
  /** So many of `#touched` have been flushed. */
  #flushed = 0
  readonly #run = (): void => {
    this.#scheduled = false
    const touched = this.#touched
    this.#touched = this.#settling
    this.#flushed = 0
    this.#settling = touched
    for (const one of touched) {
      one.touched = false
      one.settle()
    }
    touched.length = 0
  }

  touch(one: Settles): void {
    if (one.touched) return
    one.touched = true
    if (this.#touched.length - this.#flushed === TURN_FLUSHES_AFTER) this.#flushAll()
    this.#touched.push(one)
    if (this.#scheduled) return
    this.#scheduled = true
    RESOLVED.then(this.#run)
  }

  #flushAll(): void {
    for (const end = this.#touched.length; this.#flushed < end; ) this.#touched[this.#flushed++]!.flush()
  }
}
