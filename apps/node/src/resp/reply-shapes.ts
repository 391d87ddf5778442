/**
 * How the answer of each reply slot is to be written, from the request to its answer. As many places as
 * requests were ever under way at once, not as many as there may be: most connections are idle, and most
 * others have one.
 *
 * The slots that are under way lie one behind the other. Where the place of a new one is taken, the places
 * hold exactly the last so many slots; so they can be told when there are more places.
 */
import { bug } from '../bug.ts'
import { REPLY_SLOTS } from '../limits.ts'

export const SHAPE = {
  none: 0,
  /** GET: the value, or null. */
  value: 1,
  /** SET: OK; null where a condition did not hold. */
  ok: 2,
  /** SETNX: whether it was done. */
  isDone: 3,
  /** DEL, UNLINK: how many there were. */
  removed: 4,
  /** EXISTS: how many there are. */
  found: 5,
  /** INCR, DECR, INCRBY, DECRBY. */
  sum: 6,
  /** PING without a text. */
  pong: 7,
  /** An error line that was made for it. */
  refusal: 8,
  /** A command of the table: the reply it has prepared. */
  prepared: 9,
} as const
export type Shape = (typeof SHAPE)[keyof typeof SHAPE]

const PLACES_MIN = 4

export class ReplyShapes {
  /** Requests without a reply. */
  count = 0
  #shapes = new Uint8Array(PLACES_MIN)
  #mask = PLACES_MIN - 1

  set(slot: number, shape: number): void {
    while (this.#shapes[slot & this.#mask] !== SHAPE.none) this.#grow(slot)
    this.#shapes[slot & this.#mask] = shape
    this.count += 1
  }

  /** What it is; its reply is written now. */
  take(slot: number): number {
    const at = slot & this.#mask
    const shape = this.#shapes[at]!
    this.#shapes[at] = SHAPE.none
    this.count -= 1
    return shape
  }

  #grow(slot: number): void {
    const before = this.#shapes
    const places = before.length
    if (places === REPLY_SLOTS) bug('a slot is taken once')
    this.#shapes = new Uint8Array(places * 2)
    this.#mask = places * 2 - 1
    for (let back = 1; back <= places; back++) {
      const other = (slot - back) & (REPLY_SLOTS - 1)
      this.#shapes[other & this.#mask] = before[other & (places - 1)]!
    }
  }
}
