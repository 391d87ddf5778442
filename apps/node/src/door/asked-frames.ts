/**
 * What the replies of a connection repeat of their requests: frame id and opcode, by reply slot. As many
 * places as requests were ever under way at once, not as many as there may be: most connections are idle, and
 * most others have one.
 *
 *   place = slot mod places, a power of two: slot + 1 (0: free) · frame id · opcode
 */
import { bug } from '../bug.ts'
import { REPLY_SLOTS } from '../limits.ts'

const WORDS = 3
const PLACES_MIN = 2

export class AskedFrames {
  #words = new Int32Array(PLACES_MIN * WORDS)
  #mask = PLACES_MIN - 1

  add(slot: number, frameId: number, opcode: number): void {
    while (this.#words[(slot & this.#mask) * WORDS] !== 0) this.#grow()
    const at = (slot & this.#mask) * WORDS
    this.#words[at] = slot + 1
    this.#words[at + 1] = frameId
    this.#words[at + 2] = opcode
  }

  frameId(slot: number): number {
    return this.#words[this.#find(slot) + 1]!
  }

  opcode(slot: number): number {
    return this.#words[this.#find(slot) + 2]!
  }

  /** Its reply is written. */
  delete(slot: number): void {
    this.#words[this.#find(slot)] = 0
  }

  #find(slot: number): number {
    const at = (slot & this.#mask) * WORDS
    if (this.#words[at] !== slot + 1) bug('a frame is replied to once')
    return at
  }

  /** Slots under way are at most REPLY_SLOTS after one another: with so many places none meets another. */
  #grow(): void {
    const before = this.#words
    const places = (this.#mask + 1) * 2
    if (places > REPLY_SLOTS) bug('a slot is taken once')
    this.#words = new Int32Array(places * WORDS)
    this.#mask = places - 1
    for (let at = 0; at < before.length; at += WORDS) {
      if (before[at] !== 0) this.add(before[at]! - 1, before[at + 1]!, before[at + 2]!)
    }
  }
}
