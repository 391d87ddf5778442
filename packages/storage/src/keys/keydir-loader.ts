/**
 * Fills the keydir from the hints after an open, while the store answers already. It goes through all hints
 * at once in the order of the keys, so each key's newest record is known when the key comes by, whatever fits
 * into memory: it is counted as live, its blob is noted, and it gets a slot if there is room.
 *
 * Writes go on meanwhile. A key that was overwritten before the loader comes by has subtracted a record which
 * the loader adds when it does: the sums are right at the end.
 */

import { copyBytes, type hashKey, KeyHash } from '@minivault/codec'
import { shardOf } from '../fingerprint.ts'
import { HintDamaged } from '../hint/hint-block.ts'
import { type KeyCursor, MergedCursor } from '../hint/key-cursor.ts'
import type { KeyEntry } from '../hint/key-entry.ts'
import { HINT_SLICE_ENTRIES } from '../limits.ts'
import type { Lookup } from '../lookup.ts'
import type { SegmentLedger } from '../segment-ledger.ts'
import type { KeyIndex } from './key-index.ts'

export class KeydirLoader {
  /** Entries gone through, and how many there are. */
  done = 0
  readonly total: number
  /** Ids of the blob files that newest records name, 32 hex digits. */
  readonly liveBlobs = new Set<string>()
  readonly #keys: KeyIndex
  readonly #lookup: Lookup
  readonly #ledger: SegmentLedger
  readonly #hash: typeof hashKey
  readonly #keyHash = new KeyHash()
  readonly #segments: readonly number[]
  #cursor: MergedCursor
  /** The key taken last: where to go on when a hint turns out to be damaged. */
  #last = new Uint8Array(64)
  #lastBytes = 0
  #lastSpace = 0
  #isComplete = true
  #isStopped = false

  constructor(keys: KeyIndex, lookup: Lookup, ledger: SegmentLedger, hash: typeof hashKey) {
    this.#keys = keys
    this.#lookup = lookup
    this.#ledger = ledger
    this.#hash = hash
    this.total = keys.entryCount
    const { cursors, segments } = keys.cursors({})
    this.#segments = segments
    this.#cursor = this.#merge(cursors)
  }

  /** Goes on, some entries a slice, until it is through or stopped. Rejects with what the disk says. */
  async run(pause: () => Promise<void>): Promise<void> {
    while (!this.#isStopped && !this.#step(HINT_SLICE_ENTRIES)) await pause()
    this.#cursor.close()
  }

  stop(): void {
    this.#isStopped = true
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  #step(entries: number): boolean {
    const end = this.done + entries
    while (this.done < end) {
      try {
        if (!this.#cursor.next()) break
      } catch (error) {
        if (!(error instanceof HintDamaged)) throw error
        this.#goOnWithout(error)
        continue
      }
      this.done += 1
      this.#take(this.#cursor.entry)
    }
    if (this.done >= end) return false
    if (this.#isComplete && !this.#keys.hasEvicted) this.#keys.warm()
    return true
  }

  #take(entry: KeyEntry): void {
    const { bytes, keyStart, keyEnd, space, segment, lengthWord, blobAt } = entry
    this.#ledger.add(segment, lengthWord)
    if (blobAt >= 0)
      this.liveBlobs.add(Buffer.from(bytes.buffer, bytes.byteOffset + blobAt, 16).toString('hex'))
    this.#hash(bytes, keyStart, keyEnd, this.#keyHash)
    // A slot that was evicted may have been of a newer record of this key: room made that way is not used.
    const mayLoad = !this.#keys.hasEvicted && this.#lookup.keydir.hasRoom(shardOf(this.#keyHash))
    if (mayLoad) this.#lookup.load(entry, this.#keyHash)
    else this.#isComplete = false
    this.#keepLast(space, bytes, keyStart, keyEnd)
  }

  #keepLast(space: number, bytes: Uint8Array, keyStart: number, keyEnd: number): void {
    const length = keyEnd - keyStart
    if (this.#last.length < length) this.#last = new Uint8Array(length * 2)
    copyBytes(bytes, keyStart, keyEnd, this.#last, 0)
    this.#lastBytes = length
    this.#lastSpace = space
  }

  /** The hint's segment is read instead, and all go on behind the last key. */
  #goOnWithout(damage: HintDamaged): void {
    this.#cursor.close()
    this.#keys.repair(damage)
    const key = this.#last.subarray(0, this.#lastBytes)
    const from = { space: this.#lastSpace, key, isInclusive: false }
    const { cursors } = this.#keys.cursors(this.#lastBytes === 0 ? {} : { from }, this.#segments)
    this.#cursor = this.#merge(cursors)
  }

  #merge(cursors: readonly KeyCursor[]): MergedCursor {
    return new MergedCursor(cursors, {
      onLoser: () => {
        this.done += 1
      },
    })
  }
}
