/**
 * From a record's bytes to a `Found`, and the wait for a record on disk.
 */

import { readVersion, VERSION_BYTES } from '@minivault/clock'
import { cloneBytes, decompress, KeyHash } from '@minivault/codec'
import type { Durability } from '@minivault/wal'
import type { BlobValue } from './blob/blob-name.ts'
import type { Engine } from './engine.ts'
import { isExpired } from './expiry.ts'
import type { Found } from './found.ts'
import { closedError } from './hot-door.ts'
import { LENGTH_MASK, LEVEL_SHIFT, SLOT_LENGTH, SLOT_OFFSET, SLOT_SEGMENT } from './keydir.ts'
import { HINT_WAITS_MAX } from './limits.ts'
import { LOOKUP } from './lookup.ts'
import { EMPTY_BYTES, SPACE, type ValueType } from './mutation.ts'
import { blobValueOf, isPlainValue, RECORD_HEADER_BYTES, RecordView, recordHasKey, TAG } from './record.ts'
import { fromLog, StorageError } from './storage-error.ts'

export class RecordReader {
  readonly #engine: Engine
  readonly #now: () => number
  readonly #view = new RecordView()

  constructor(engine: Engine, now: () => number) {
    this.#engine = engine
    this.#now = now
  }

  /** All but the value. */
  describe(found: Found, bytes: Uint8Array, at: number, length: number): RecordView {
    const view = this.#view
    if (!view.read(bytes, at, at + length))
      throw new StorageError('STORAGE_CORRUPT', 'an entry of the log is no record')
    found.ballot.copy(view.ballot)
    found.version.copy(view.ballot)
    found.attempt = 0
    found.value = EMPTY_BYTES
    found.valueStart = 0
    found.valueEnd = 0
    if (view.taggedEnd > view.taggedStart) this.#describeTagged(found, bytes)
    else found.requestId.copy(view.ballot)
    found.tombstone = view.tombstone
    found.valueType = view.valueType as ValueType
    found.expiresAtMs = view.expiresAtMs
    found.blob = view.isBlob ? blobValueOf(view, bytes) : null
    // The clock is not asked for a record that never expires.
    found.exists = !view.tombstone && (view.expiresAtMs === 0 || !isExpired(view.expiresAtMs, this.#now()))
    return view
  }

  #describeTagged(found: Found, bytes: Uint8Array): void {
    const view = this.#view
    const version = view.field(bytes, TAG.version, VERSION_BYTES)
    if (version >= 0) readVersion(bytes, version, found.version)
    const requestId = view.field(bytes, TAG.requestId, VERSION_BYTES)
    if (requestId >= 0) readVersion(bytes, requestId, found.requestId)
    else found.requestId.copy(found.version)
    const attempt = view.field(bytes, TAG.attempt, 1)
    if (attempt >= 0) found.attempt = bytes[attempt]!
  }

  /** Fills `found`, true; or starts what is needed to (a blob), false. */
  answer(bytes: Uint8Array, at: number, length: number, token: number): boolean {
    const { found } = this.#engine
    const view = this.describe(found, bytes, at, length)
    if (!found.exists) return true
    if (view.isBlob) {
      // Throws where the record names no file.
      blobOf(found)
      if (this.#engine.isDescribed(token)) return true
      if (this.#engine.isClosing) throw closedError()
      return this.#engine.large.answer(cloneBytes(bytes, at, at + length), token)
    }
    this.#fillValue(found, bytes)
    return true
  }

  #fillValue(found: Found, bytes: Uint8Array): void {
    const view = this.#view
    if (view.codec === 0) {
      found.value = bytes
      found.valueStart = view.keyEnd
      found.valueEnd = view.end
      return
    }
    try {
      found.value = decompress(view.codec, bytes.subarray(view.keyEnd, view.end), view.rawBytes)
    } catch (error) {
      throw new StorageError('STORAGE_CORRUPT', 'a stored value cannot be decompressed', { cause: error })
    }
    found.valueStart = 0
    found.valueEnd = found.value.length
  }

  readSync(space: number, key: Uint8Array, keyStart: number, keyEnd: number, hash: KeyHash): Found {
    const { lookup, found } = this.#engine
    if (!lookup.findSync(space, key, keyStart, keyEnd, hash)) return found.clear()
    this.#confirm()
    return this.#describeWhole()
  }

  /** Whether the record that `lookup` found has reached the mark of its level. */
  get isShown(): boolean {
    const { lookup, completions } = this.#engine
    const shard = lookup.keydir.shards[lookup.shardIndex]!
    const { slot } = lookup
    const level = (shard[slot + SLOT_LENGTH]! >>> LEVEL_SHIFT) as Durability
    return completions.isReached(level, shard[slot + SLOT_SEGMENT]!, shard[slot + SLOT_OFFSET]!)
  }

  /** Brings the record that `lookup` found to the mark of its level. */
  #confirm(): void {
    const engine = this.#engine
    const { lookup } = engine
    const shard = lookup.keydir.shards[lookup.shardIndex]!
    const level = (shard[lookup.slot + SLOT_LENGTH]! >>> LEVEL_SHIFT) as Durability
    if (level === 0) return
    const segment = shard[lookup.slot + SLOT_SEGMENT]!
    const offset = shard[lookup.slot + SLOT_OFFSET]!
    if (engine.completions.isReached(level, segment, offset)) return
    if (engine.log.error !== null) throw engine.error!
    if (level === 1) engine.log.flush()
    else engine.log.syncNow()
  }

  /** Into `found`, from the record that `lookup` found. */
  #describeWhole(): Found {
    const { lookup, found, blobs } = this.#engine
    const { bytes, at, length } = lookup
    const view = this.describe(found, bytes, at, length)
    if (!found.exists) return found
    if (!view.isBlob) {
      this.#fillValue(found, bytes)
      return found
    }
    found.value = blobs.readSync(blobOf(found))
    found.valueEnd = found.value.length
    return found
  }

  /**
   * The same, of a value only: of `found`, for a plain record, just `exists`, `blob` and the value are
   * filled. Most reads want no more, and this is half of what they cost.
   */
  readValueSync(key: Uint8Array, keyStart: number, keyEnd: number, hash: KeyHash): Found {
    const { lookup, found } = this.#engine
    if (!lookup.findSync(SPACE.user, key, keyStart, keyEnd, hash)) return found.clear()
    const { bytes, at } = lookup
    this.#confirm()
    if (!isPlainValue(bytes, at)) return this.#describeWhole()
    found.exists = true
    found.blob = null
    found.value = bytes
    found.valueStart = at + RECORD_HEADER_BYTES + (keyEnd - keyStart)
    found.valueEnd = at + lookup.length
    return found
  }

  /** A waiting read's record may be shown now. */
  readAt(segment: number, offset: number, length: number, token: number): void {
    const engine = this.#engine
    const at = engine.log.windowOffset(segment, offset)
    if (at >= 0) return this.#finish(engine.log.window, at, length, token)
    this.#readEntry(segment, offset, length, (bytes, error) => {
      if (bytes === null) engine.answered(token, error)
      else this.#finish(bytes, 0, length, token)
    })
  }

  /**
   * Goes on where `lookup` stopped because something lies on disk, without holding up the loop: a block of a
   * hint file, or a record whose key has to be compared.
   */
  readCold(key: Uint8Array, hash: KeyHash, token: number): void {
    if (this.#engine.isClosing) throw closedError()
    const own = new KeyHash()
    own.high = hash.high
    own.low = hash.low
    if (this.#engine.lookup.slot < 0) this.#readHint(key, own, token, HINT_WAITS_MAX)
    else this.#readSlot(key, own, token)
  }

  /** Reads the missing block, then looks again: much may have happened meanwhile. */
  #readHint(key: Uint8Array, hash: KeyHash, token: number, waits: number): void {
    const engine = this.#engine
    engine.began()
    engine.keys.fetchMissing((error) => {
      try {
        if (engine.closed) throw new StorageError('STORAGE_CLOSED', 'the store is closed')
        if (error !== null) throw error
        const result = engine.lookup.find(SPACE.user, key, 0, key.length, hash)
        if (result === LOOKUP.cold) this.#readSlot(key, hash, token)
        else if (result !== LOOKUP.missing) this.#readAgain(key, hash, token)
        else if (waits > 0) this.#readHint(key, hash, token, waits - 1)
        else this.#readOther(key, hash, token)
      } catch (failure) {
        engine.answered(token, fromLog(failure))
      } finally {
        engine.ended()
      }
    })
  }

  #readAgain(key: Uint8Array, hash: KeyHash, token: number): void {
    if (this.#engine.read(key, 0, key.length, hash, token)) this.#engine.answered(token, null)
  }

  #readSlot(key: Uint8Array, hash: KeyHash, token: number): void {
    const { lookup } = this.#engine
    const { shardIndex, slot } = lookup
    const shard = lookup.keydir.shards[shardIndex]!
    const fingerprint = shard[slot]!
    const segment = shard[slot + SLOT_SEGMENT]!
    const offset = shard[slot + SLOT_OFFSET]!
    const length = shard[slot + SLOT_LENGTH]! & LENGTH_MASK
    this.#readEntry(segment, offset, length, (bytes, error) => {
      if (bytes === null) return this.#engine.answered(token, error)
      const now = lookup.keydir.findPosition(shardIndex, fingerprint, segment, offset)
      if (now >= 0 && !lookup.resolve(lookup.keydir.shards[shardIndex]!, now)) {
        lookup.cache.put(shardIndex, now, bytes)
      }
      if (recordHasKey(bytes, 0, SPACE.user, key, 0, key.length)) return this.#finish(bytes, 0, length, token)
      this.#readOther(key, hash, token)
    })
  }

  /**
   * What is left to do waits for nothing, or hardly ever: the slot belonged to another key of the same
   * fingerprint, one in 2^32.
   */
  #readOther(key: Uint8Array, hash: KeyHash, token: number): void {
    const engine = this.#engine
    try {
      if (engine.closed) throw new StorageError('STORAGE_CLOSED', 'the store is closed')
      this.readSync(SPACE.user, key, 0, key.length, hash)
    } catch (error) {
      return engine.answered(token, fromLog(error))
    }
    engine.answered(token, null)
  }

  #readEntry(
    segment: number,
    offset: number,
    length: number,
    done: (bytes: Uint8Array | null, error: StorageError | null) => void,
  ): void {
    const engine = this.#engine
    const bytes = new Uint8Array(length)
    engine.ledger.pin(segment)
    engine.began()
    const finish = (error: unknown) => {
      engine.ledger.unpin(segment)
      try {
        done(error === null ? bytes : null, error === null ? null : fromLog(error))
      } finally {
        engine.ended()
      }
    }
    try {
      engine.log.read(segment, offset, length, bytes, 0, finish)
    } catch (error) {
      queueMicrotask(() => finish(error))
    }
  }

  #finish(bytes: Uint8Array, at: number, length: number, token: number): void {
    try {
      if (!this.answer(bytes, at, length, token)) return
    } catch (error) {
      return this.#engine.answered(token, fromLog(error))
    }
    this.#engine.answered(token, null)
  }
}

/** The file of a large value. */
export function blobOf(found: Found): BlobValue {
  if (found.blob !== null) return found.blob
  throw new StorageError('STORAGE_CORRUPT', 'a record of a large value names no file')
}
