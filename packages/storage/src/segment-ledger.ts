/**
 * What the store knows of each log segment beside its file: how many of its bytes are live, how old its
 * records may be, and how many reads hold it; and how many keys there are in all. Indexed by segment number
 * in typed arrays that grow, since the hot path counts here.
 *
 * The *age* of a record is the number of the log segment it was first written to. A merge output holds
 * records of a range of ages; its first entry says which, so that the range survives a reopen.
 */

import { ENTRY_HEADER_BYTES, type Log } from '@minivault/wal'
import { LENGTH_MASK, OTHER_SPACE_BIT, TOMBSTONE_BIT } from './keydir.ts'

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
  /** Merged away; its file goes when nobody reads it any more. */
  retired: boolean
}

export class SegmentLedger {
  liveBytes = 0
  /** Keys whose newest record is a tombstone; those of the user's space whose newest record is none. */
  tombstones = 0
  userKeys = 0
  #live = new Float64Array(64)
  readonly #ages = new Map<number, { min: number; max: number }>()
  readonly #pins = new Map<number, number>()
  readonly #retired = new Set<number>()
  readonly #waiting = new Map<number, () => void>()

  /** This record is its key's newest; `lengthWord` as in its slot. */
  add(segment: number, lengthWord: number): void {
    if (segment >= this.#live.length) this.#grow(segment)
    const bytes = entryBytes(lengthWord & LENGTH_MASK)
    this.#live[segment]! += bytes
    this.liveBytes += bytes
    if ((lengthWord & TOMBSTONE_BIT) !== 0) this.tombstones += 1
    else if ((lengthWord & OTHER_SPACE_BIT) === 0) this.userKeys += 1
  }

  /** It no longer is. */
  subtract(segment: number, lengthWord: number): void {
    if (segment >= this.#live.length) this.#grow(segment)
    const bytes = entryBytes(lengthWord & LENGTH_MASK)
    this.#live[segment]! -= bytes
    this.liveBytes -= bytes
    if ((lengthWord & TOMBSTONE_BIT) !== 0) this.tombstones -= 1
    else if ((lengthWord & OTHER_SPACE_BIT) === 0) this.userKeys -= 1
  }

  setAges(segment: number, min: number, max: number): void {
    this.#ages.set(segment, { min, max })
  }

  /** Its records live elsewhere by now. */
  retire(segment: number): void {
    this.#retired.add(segment)
  }

  forget(segment: number): void {
    this.#ages.delete(segment)
    this.#retired.delete(segment)
  }

  /** A read or a scan of this segment is under way: it must not be dropped. */
  pin(segment: number): void {
    this.#pins.set(segment, (this.#pins.get(segment) ?? 0) + 1)
  }

  unpin(segment: number): void {
    const count = this.#pins.get(segment)! - 1
    if (count > 0) {
      this.#pins.set(segment, count)
      return
    }
    this.#pins.delete(segment)
    const free = this.#waiting.get(segment)
    this.#waiting.delete(segment)
    free?.()
  }

  /** Resolves when nobody reads this segment; one caller a segment. */
  whenUnpinned(segment: number): Promise<void> {
    if (!this.#pins.has(segment)) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.set(segment, resolve))
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
        retired: this.#retired.has(id),
      }
    })
  }

  #grow(segment: number): void {
    const grown = new Float64Array(Math.max(segment + 1, this.#live.length * 2))
    grown.set(this.#live)
    this.#live = grown
  }
}
