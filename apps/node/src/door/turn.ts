/**
 * The end of an event-loop turn, for connections that were answered outside their own read: their output
 * leaves once, after all answers of the turn are in. A microtask runs right after the callback that brought
 * the answers.
 */
/** `queueMicrotask` would make an async resource for each call. */
const RESOLVED = Promise.resolve()

export interface Settles {
  /** Kept by the turn: already on its list. */
  touched: boolean
  settle(): void
}

export class Turn {
  #touched: Settles[] = []
  #settling: Settles[] = []
  #scheduled = false
  readonly #run = (): void => {
    this.#scheduled = false
    const touched = this.#touched
    this.#touched = this.#settling
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
    this.#touched.push(one)
    if (this.#scheduled) return
    this.#scheduled = true
    RESOLVED.then(this.#run)
  }
}
