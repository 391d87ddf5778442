/** Batches without an answer, the oldest first: answers come in their order. */
export class Unanswered {
  readonly #sentAt: Float64Array
  readonly #messages: Int32Array
  #first = 0
  /** Batches. */
  length = 0
  /** In all of them. */
  messages = 0

  /** @param most batches that there may be */
  constructor(most: number) {
    this.#sentAt = new Float64Array(most)
    this.#messages = new Int32Array(most)
  }

  get isFull(): boolean {
    return this.length === this.#sentAt.length
  }

  add(messages: number, elapsedMs: number): void {
    const at = (this.#first + this.length) % this.#sentAt.length
    this.#sentAt[at] = elapsedMs
    this.#messages[at] = messages
    this.length += 1
    this.messages += messages
  }

  /** When the oldest was sent. */
  get oldestAt(): number {
    return this.#sentAt[this.#first]!
  }

  /** The messages of the oldest. */
  get oldestMessages(): number {
    return this.#messages[this.#first]!
  }

  /** The oldest is answered. */
  shift(): void {
    this.messages -= this.#messages[this.#first]!
    this.#first = (this.#first + 1) % this.#sentAt.length
    this.length -= 1
  }

  clear(): void {
    this.length = 0
    this.messages = 0
  }
}
