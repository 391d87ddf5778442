/**
 * The keys of a segment that is not sealed yet, some thousand at a time: a builder takes them as they are
 * written, a run is their sorted, immutable form. Of several entries with one key a run keeps the one with
 * the highest ballot (of equal ballots the one added last).
 *
 * The builder's arena is reused; a run has memory of its own, just as long as it needs.
 */

import { compareVersions, readVersion, Version } from '@minivault/clock'
import { copyBytes } from '@minivault/codec'
import type { Overtaken } from '../keys/overtaken.ts'
import { EntryList, type KeyRange } from './entry-list.ts'
import { type KeyCursor, ListCursor } from './key-cursor.ts'
import {
  compareKeys,
  entryBytes,
  entryKeyBytes,
  entryKeyStart,
  type KeyEntry,
  writeEntry,
} from './key-entry.ts'
import { sortEntries } from './sort-entries.ts'

const ARENA_BYTES_MIN = 4096

export class KeyRun {
  readonly segment: number
  readonly list: EntryList

  constructor(segment: number, list: EntryList) {
    this.segment = segment
    this.list = list
  }

  get count(): number {
    return this.list.count
  }

  get memoryBytes(): number {
    return this.list.bytes.byteLength + this.list.starts.byteLength
  }

  /** Reads the entry of exactly this key. */
  find(space: number, key: Uint8Array, keyStart: number, keyEnd: number, into: KeyEntry): boolean {
    const index = this.list.find(space, key, keyStart, keyEnd)
    if (index < 0) return false
    this.list.read(index, this.segment, into)
    return true
  }

  /** Passes over the entries of `overtaken`. */
  cursor(range?: KeyRange, overtaken: Overtaken | null = null): KeyCursor {
    return new ListCursor(this.list, this.segment, range, overtaken)
  }
}

export class RunBuilder {
  /** Entries added since `clear`. */
  count = 0
  #bytes = new Uint8Array(ARENA_BYTES_MIN)
  #end = 0
  #starts = new Int32Array(256)
  readonly #ballot = new Version()
  readonly #otherBallot = new Version()

  /** Notes one record; all bytes are copied. `traits`: bits of ENTRY_TRAITS. */
  add(
    space: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    offset: number,
    lengthWord: number,
    ballot: Version,
    expiresAtMs: number,
    blob: Uint8Array | null,
    blobAt: number,
    traits = 0,
  ): void {
    const end = this.#end + entryBytes(keyEnd - keyStart, expiresAtMs, blob !== null)
    if (end > this.#bytes.length) this.#growBytes(end)
    if (this.count === this.#starts.length) this.#growStarts()
    this.#starts[this.count++] = this.#end
    this.#end = writeEntry(
      this.#bytes,
      this.#end,
      space,
      key,
      keyStart,
      keyEnd,
      offset,
      lengthWord,
      ballot,
      expiresAtMs,
      blob,
      blobAt,
      traits,
    )
  }

  /** What was added so far, in order. The builder keeps it and may go on. */
  toRun(segment: number): KeyRun {
    const starts = this.#starts.slice(0, this.count)
    sortEntries(this.#bytes, starts, this.count)
    const kept = this.#dropOvertaken(starts)
    let bytes = 0
    for (let i = 0; i < kept; i++) bytes += this.#entryBytesAt(starts[i]!)
    const list = new EntryList(new Int32Array(kept))
    list.bytes = new Uint8Array(bytes)
    list.count = kept
    let next = 0
    for (let i = 0; i < kept; i++) {
      const start = starts[i]!
      const length = this.#entryBytesAt(start)
      copyBytes(this.#bytes, start, start + length, list.bytes, next)
      list.starts[i] = next
      next += length
    }
    return new KeyRun(segment, list)
  }

  clear(): void {
    this.count = 0
    this.#end = 0
  }

  /** Moves one entry of each key to the front; returns how many keys there are. */
  #dropOvertaken(starts: Int32Array): number {
    let kept = 0
    for (let i = 0; i < starts.length; i++) {
      const start = starts[i]!
      const last = kept - 1
      if (kept === 0 || !this.#isSameKey(starts[last]!, start)) starts[kept++] = start
      else if (!this.#isOvertaken(start, starts[last]!)) starts[last] = start
    }
    return kept
  }

  #isOvertaken(start: number, by: number): boolean {
    readVersion(this.#bytes, start + 12, this.#ballot)
    readVersion(this.#bytes, by + 12, this.#otherBallot)
    return compareVersions(this.#ballot, this.#otherBallot) < 0
  }

  #isSameKey(a: number, b: number): boolean {
    const bytes = this.#bytes
    const length = entryKeyBytes(bytes, a)
    if (length !== entryKeyBytes(bytes, b)) return false
    const keyA = entryKeyStart(bytes, a)
    const keyB = entryKeyStart(bytes, b)
    if (bytes[keyA + length - 1] !== bytes[keyB + length - 1]) return false
    return (
      compareKeys(bytes[a + 2]!, bytes, keyA, keyA + length, bytes[b + 2]!, bytes, keyB, keyB + length) === 0
    )
  }

  #entryBytesAt(start: number): number {
    return entryKeyStart(this.#bytes, start) + entryKeyBytes(this.#bytes, start) - start
  }

  #growBytes(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#end))
    this.#bytes = grown
  }

  #growStarts(): void {
    const grown = new Int32Array(this.#starts.length * 2)
    grown.set(this.#starts)
    this.#starts = grown
  }
}
