/**
 * Who gets which answer. A token is `receiver × REPLY_SLOTS + slot`: the receiver is a connection or an HTTP
 * exchange, the slot its own affair. An index is lent again only after its owner gave it back, which it does
 * when nothing of it is under way any more: a late completion never reaches a stranger.
 */
import { bug } from './bug.ts'
import type { Answer } from './key-value.ts'
import { REPLY_SLOTS } from './limits.ts'

export interface Receiver {
  complete(slot: number, answer: Answer): void
}

export class Receivers {
  readonly #receivers: (Receiver | null)[] = []
  readonly #free: number[] = []

  /** Returns the receiver's first token. */
  add(receiver: Receiver): number {
    const index = this.#free.pop() ?? this.#receivers.length
    this.#receivers[index] = receiver
    return index * REPLY_SLOTS
  }

  remove(firstToken: number): void {
    const index = firstToken / REPLY_SLOTS
    if (!this.#receivers[index]) bug('a receiver gives its tokens back once')
    this.#receivers[index] = null
    this.#free.push(index)
  }

  readonly complete = (token: number, answer: Answer): void => {
    const receiver = this.#receivers[(token / REPLY_SLOTS) | 0]
    if (!receiver) bug('a token is answered once, while its receiver waits')
    receiver.complete(token & (REPLY_SLOTS - 1), answer)
  }
}
