/**
 * A FIFO of tokens that wait for a log position: int32 columns in a ring that doubles when full. One per
 * durability level and kind, so that settling them is a walk from the head and nobody holds a promise per
 * operation.
 *
 * Positions need not be in order (a retry waits for the record that it found): an entry behind a later
 * position settles with that one, never too early.
 */

const CAPACITY_FIRST = 256
const COLUMNS = 4

export class PositionRing {
  #words = new Int32Array(CAPACITY_FIRST * COLUMNS)
  #capacity = CAPACITY_FIRST
  #head = 0
  count = 0

  push(token: number, segment: number, offset: number, length: number): void {
    if (this.count === this.#capacity) this.#grow()
    const at = ((this.#head + this.count) & (this.#capacity - 1)) * COLUMNS
    this.#words[at] = token
    this.#words[at + 1] = segment
    this.#words[at + 2] = offset
    this.#words[at + 3] = length
    this.count += 1
  }

  get token(): number {
    return this.#words[this.#head * COLUMNS]!
  }

  get segment(): number {
    return this.#words[this.#head * COLUMNS + 1]!
  }

  get offset(): number {
    return this.#words[this.#head * COLUMNS + 2]!
  }

  get length(): number {
    return this.#words[this.#head * COLUMNS + 3]!
  }

  /** Takes the head away. */
  pop(): void {
    this.#head = (this.#head + 1) & (this.#capacity - 1)
    this.count -= 1
  }

  #grow(): void {
    const grown = new Int32Array(this.#words.length * 2)
    const head = this.#head * COLUMNS
    grown.set(this.#words.subarray(head))
    grown.set(this.#words.subarray(0, head), this.#words.length - head)
    this.#words = grown
    this.#capacity *= 2
    this.#head = 0
  }
}
