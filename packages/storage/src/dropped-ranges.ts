/**
 * Ranges of keys that were dropped as a whole: of each range of hashes the segment below which no record of
 * its keys (of the user's space, and promises) exists any more. What is newer counts by itself, whatever its
 * ballot. Nothing is rewritten for it: opens, searches, scans and merges pass over what is gone.
 *
 * They stand in the space of metadata, `dropped/` and the range in four hexadecimal digits: the segment, u32.
 */

import { type hashKey, KeyHash } from '@minivault/codec'
import type { Log } from '@minivault/wal'
import type { KeyCursor } from './hint/key-cursor.ts'
import type { KeyEntry } from './hint/key-entry.ts'
import { LENGTH_MASK } from './keydir.ts'
import type { KeyIndex } from './keys/key-index.ts'
import { KeyWalk } from './keys/key-walk.ts'
import { SPACE } from './mutation.ts'
import { RecordView } from './record.ts'
import { StorageError } from './storage-error.ts'

/** A range is named by the first bits of the hash. */
const RANGE_BITS = 10
const RANGES = 1 << RANGE_BITS
const NAME = /^dropped\/([0-9a-f]{4})$/
const encoder = new TextEncoder()

export class DroppedRanges {
  readonly #below = new Uint32Array(RANGES)
  readonly #hash: typeof hashKey
  /** Of all ranges. */
  #highest = 0

  constructor(hash: typeof hashKey) {
    this.#hash = hash
  }

  /** Reads what stands among the metadata. Throws STORAGE_CORRUPT, WalError. */
  load(keys: KeyIndex, log: Log): void {
    const from = { space: SPACE.meta, key: encoder.encode('dropped/'), isInclusive: true }
    const to = { space: SPACE.meta, key: encoder.encode('dropped0'), isInclusive: false }
    const walk = new KeyWalk(keys, { from, to })
    for (let entry = walk.next(); entry !== null; entry = walk.next()) this.#take(entry, log)
  }

  #take({ bytes, keyStart, keyEnd, segment, offset, lengthWord }: KeyEntry, log: Log): void {
    const name = Buffer.from(bytes.subarray(keyStart, keyEnd)).toString('latin1')
    const range = Number.parseInt(NAME.exec(name)?.[1] ?? '', 16)
    const record = new Uint8Array(lengthWord & LENGTH_MASK)
    log.readSync(segment, offset, record.length, record, 0)
    const view = new RecordView()
    if (!(range < RANGES) || !view.read(record, 0, record.length) || view.end - view.keyEnd !== 4) {
      throw new StorageError('STORAGE_CORRUPT', `${name} among the metadata is not one of this format`)
    }
    this.set(range, new DataView(record.buffer).getUint32(view.keyEnd, true))
  }

  /** Nothing is gone. */
  get isEmpty(): boolean {
    return this.#highest === 0
  }

  set(range: number, below: number): void {
    this.#below[range] = Math.max(this.#below[range]!, below)
    this.#highest = Math.max(this.#highest, below)
  }

  /** Below which segment records of this key are gone; 0: none are. */
  goneBelow(space: number, hash: KeyHash): number {
    if (space !== SPACE.user && space !== SPACE.promise) return 0
    return this.#below[hash.high >>> (32 - RANGE_BITS)]!
  }

  /** The same entries of a segment, but for those that are gone. */
  cursor(entries: KeyCursor, segment: number): KeyCursor {
    return segment < this.#highest ? new LivingCursor(entries, this, this.#hash) : entries
  }
}

class LivingCursor implements KeyCursor {
  readonly #entries: KeyCursor
  readonly #dropped: DroppedRanges
  readonly #hash: typeof hashKey
  readonly #keyHash = new KeyHash()

  constructor(entries: KeyCursor, dropped: DroppedRanges, hash: typeof hashKey) {
    this.#entries = entries
    this.#dropped = dropped
    this.#hash = hash
  }

  get entry(): KeyEntry {
    return this.#entries.entry
  }

  next(): boolean {
    while (this.#entries.next()) {
      const { space, bytes, keyStart, keyEnd, segment } = this.#entries.entry
      this.#hash(bytes, keyStart, keyEnd, this.#keyHash)
      if (segment >= this.#dropped.goneBelow(space, this.#keyHash)) return true
    }
    return false
  }

  close(): void {
    this.#entries.close()
  }
}
