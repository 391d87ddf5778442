/**
 * What the store knows of each log segment beside its file: how many of its bytes are live, how old its
 * records may be, and how many reads hold it. Indexed by segment number in typed arrays that grow, since the
 * hot path counts here.
 *
 * The *age* of a record is the number of the log segment it was first written to. A merge output holds
 * records of a range of ages; its first entry says which, so that the range survives a reopen.
 */

import type { Log } from '@minivault/wal'

const ENTRY_HEADER_BYTES = 8

/** Bytes an entry takes in its segment. */
export function entryBytes(payloadBytes: number): number {
  return ENTRY_HEADER_BYTES + ((payloadBytes + 7) & ~7)
}

/** A segment as the merge policy sees it. */
export interface SegmentStats {
  segment: number
  bytes: number
  liveBytes: number
  sealed: boolean
  /** Its newest records still lie in the log's window. */
  inMemory: boolean
  ageMin: number
  ageMax: number
}

export class SegmentLedger {
  liveBytes = 0
  #live = new Float64Array(64)
  readonly #ages = new Map<number, { min: number; max: number }>()
  readonly #pins = new Map<number, number>()

  add(segment: number, payloadBytes: number): void {
    if (segment >= this.#live.length) this.#grow(segment)
    const bytes = entryBytes(payloadBytes)
    this.#live[segment]! += bytes
    this.liveBytes += bytes
  }

  subtract(segment: number, payloadBytes: number): void {
    const bytes = entryBytes(payloadBytes)
    this.#live[segment]! -= bytes
    this.liveBytes -= bytes
  }

  setAges(segment: number, min: number, max: number): void {
    this.#ages.set(segment, { min, max })
  }

  forget(segment: number): void {
    this.#ages.delete(segment)
  }

  /** A read of this segment is in flight: it must not be dropped. */
  pin(segment: number): void {
    this.#pins.set(segment, (this.#pins.get(segment) ?? 0) + 1)
  }

  unpin(segment: number): void {
    const count = this.#pins.get(segment)! - 1
    if (count === 0) this.#pins.delete(segment)
    else this.#pins.set(segment, count)
  }

  isPinned(segment: number): boolean {
    return this.#pins.has(segment)
  }

  stats(log: Log): SegmentStats[] {
    return log.segments().map(({ id, bytes, sealed }) => {
      const ages = this.#ages.get(id)
      return {
        segment: id,
        bytes,
        liveBytes: this.#live[id] ?? 0,
        sealed,
        inMemory: log.windowOffset(id, bytes - ENTRY_HEADER_BYTES) >= 0,
        ageMin: ages?.min ?? id,
        ageMax: ages?.max ?? id,
      }
    })
  }

  #grow(segment: number): void {
    const grown = new Float64Array(Math.max(segment + 1, this.#live.length * 2))
    grown.set(this.#live)
    this.#live = grown
  }
}
