/**
 * A ring of the cache: entries one behind the other, taken from its oldest end, put to its head. It knows
 * places only, not what lies there. All numbers are units of 8 bytes.
 *
 *     start      head          oldest          end
 *     ┌──────────┬─────────────┬───────────────┐
 *     │ entries  │ free        │ entries       │
 *     └──────────┴─────────────┴───────────────┘
 *
 * The memory is in pieces; an entry never crosses from one into the next, nor goes round the end.
 */

/** A piece is 1 GiB: as many units of 8 bytes. */
export const PIECE_SHIFT = 27
export const PIECE_UNITS = 1 << PIECE_SHIFT
export const PIECE_MASK = PIECE_UNITS - 1

const DEAD_SHARE_MAX = 16

export class Ring {
  readonly start: number
  readonly end: number
  readonly size: number
  head: number
  oldest: number
  free: number
  /** Units of the entries that some slot names. */
  used = 0

  constructor(start: number, end: number) {
    this.start = start
    this.end = end
    this.size = end - start
    this.head = start
    this.oldest = start
    this.free = end - start
  }

  /** Units from `unit` to where an entry must end. */
  left(unit: number): number {
    return Math.min(this.end, (unit | PIECE_MASK) + 1) - unit
  }

  /** Much of it is dead, or was never filled. */
  get isSparse(): boolean {
    return (this.size - this.used) * DEAD_SHARE_MAX > this.size
  }

  take(units: number): void {
    this.head += units
    if (this.head === this.end) this.head = this.start
    this.free -= units
  }

  release(units: number): void {
    this.oldest += units
    if (this.oldest === this.end) this.oldest = this.start
    this.free += units
  }
}
