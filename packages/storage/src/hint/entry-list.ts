/**
 * A list of entries in order, in place: the bytes and where each entry starts. A run, a block of a hint file
 * and the index of its blocks are such lists, so the search in all three is this one.
 */

import { EMPTY_BYTES } from '../mutation.ts'
import {
  compareKeys,
  ENTRY_HEADER_BYTES,
  entryKeyBytes,
  entryKeyStart,
  int32At,
  type KeyEntry,
  readEntry,
} from './key-entry.ts'

/** A place in the order of (space, key); the key need not exist, and may be empty. */
export interface KeyBound {
  space: number
  key: Uint8Array
  /** The key itself belongs to the range. */
  isInclusive: boolean
}

/** All keys from `from` to `to`; without one, from the first or to the last. */
export interface KeyRange {
  from?: KeyBound | undefined
  to?: KeyBound | undefined
  /** Handed out from the last to the first. */
  reverse?: boolean | undefined
}

export class EntryList {
  bytes: Uint8Array = EMPTY_BYTES
  starts: Int32Array
  count = 0

  constructor(starts: Int32Array = new Int32Array(128)) {
    this.starts = starts
    this.count = 0
  }

  /** Takes the entries that stand one behind the other in bytes[at, end). False: they do not end there. */
  walk(bytes: Uint8Array, at: number, end: number): boolean {
    this.bytes = bytes
    let count = 0
    let next = at
    while (next < end) {
      if (count === this.starts.length) this.#grow()
      this.starts[count++] = next
      if (next + ENTRY_HEADER_BYTES > end) return false
      next = entryKeyStart(bytes, next) + entryKeyBytes(bytes, next)
    }
    this.count = count
    return next === end
  }

  /** Where the record of an entry begins in its segment. */
  offsetAt(index: number): number {
    return int32At(this.bytes, this.starts[index]! + 4)
  }

  read(index: number, segment: number, into: KeyEntry): void {
    readEntry(this.bytes, this.starts[index]!, segment, into)
  }

  /** Index of the first entry at or behind this key; `count` when there is none. */
  lowerBound(space: number, key: Uint8Array, keyStart: number, keyEnd: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compare(middle, space, key, keyStart, keyEnd) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Index of the first entry behind this key. */
  upperBound(space: number, key: Uint8Array, keyStart: number, keyEnd: number): number {
    const index = this.lowerBound(space, key, keyStart, keyEnd)
    return index < this.count && this.#compare(index, space, key, keyStart, keyEnd) === 0 ? index + 1 : index
  }

  /** Index of the entry of exactly this key, or -1. */
  find(space: number, key: Uint8Array, keyStart: number, keyEnd: number): number {
    const index = this.lowerBound(space, key, keyStart, keyEnd)
    return index < this.count && this.#compare(index, space, key, keyStart, keyEnd) === 0 ? index : -1
  }

  /** Index of the first entry in the range. */
  firstOf({ from }: KeyRange): number {
    if (from === undefined) return 0
    const { space, key, isInclusive } = from
    return isInclusive
      ? this.lowerBound(space, key, 0, key.length)
      : this.upperBound(space, key, 0, key.length)
  }

  /** Index behind the last entry in the range. */
  endOf({ to }: KeyRange): number {
    if (to === undefined) return this.count
    const { space, key, isInclusive } = to
    return isInclusive
      ? this.upperBound(space, key, 0, key.length)
      : this.lowerBound(space, key, 0, key.length)
  }

  #compare(index: number, space: number, key: Uint8Array, keyStart: number, keyEnd: number): number {
    const { bytes } = this
    const at = this.starts[index]!
    const start = entryKeyStart(bytes, at)
    return compareKeys(
      bytes[at + 2]!,
      bytes,
      start,
      start + entryKeyBytes(bytes, at),
      space,
      key,
      keyStart,
      keyEnd,
    )
  }

  #grow(): void {
    const grown = new Int32Array(this.starts.length * 2)
    grown.set(this.starts)
    this.starts = grown
  }
}
