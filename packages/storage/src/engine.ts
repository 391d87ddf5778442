/**
 * The hot door: `apply` and `read`, synchronous, completion by token. No promise, closure or copy is made for
 * a write that goes to the log as it is, or for a read that memory answers.
 *
 * Order per key is by ballot and nothing else: a higher one is applied, the same one is held (nothing is
 * written), a lower one is stale. A record is shown only when it has reached the durability mark of its own
 * level; until then a read waits.
 *
 * A value with a file of its own is applied when its file is durable: until then the key shows what it had.
 * If a higher ballot came in between, the write completes all the same (it took its place right before that
 * one) and its file goes.
 */

import type { Version } from '@minivault/clock'
import { Compressor, checksum64, cloneBytes, type hashKey, type KeyHash } from '@minivault/codec'
import type { Durability, Log } from '@minivault/wal'
import type { BlobFiles } from './blob-files.ts'
import { type BlobReference, blobName } from './blob-reference.ts'
import { Completions, type CompletionTarget } from './completions.ts'
import { Found } from './found.ts'
import {
  APPLY,
  type ApplyOutcome,
  checkKey,
  closedError,
  compareToSlot,
  type EngineParts,
  NO_TOKEN,
  type RecordHook,
  type StoreListener,
  valueTooLarge,
} from './hot-door.ts'
import { LEVEL_SHIFT, SLOT_LENGTH, SLOT_OFFSET, SLOT_SEGMENT } from './keydir.ts'
import { BLOB_ABOVE_BYTES, VALUE_BYTES_MAX } from './limits.ts'
import { LOOKUP, type Lookup } from './lookup.ts'
import { type Mutation, SPACE } from './mutation.ts'
import { copyMutation, detachMutation, rawValue } from './mutation-value.ts'
import { recordBytes } from './record.ts'
import { RecordReader } from './record-reader.ts'
import { RecordWriter } from './record-writer.ts'
import type { SegmentLedger } from './segment-ledger.ts'
import { fromLog, readOnly, type StorageError } from './storage-error.ts'

export class Engine implements CompletionTarget {
  /** Filled by a `read` that answered. */
  readonly found = new Found()
  /** Filled by `apply`: what was there. Its value is not read. */
  readonly previous = new Found()
  /** After `apply`: whether `onApplied` will follow. */
  waiting = false
  /** Fed with every applied record. */
  onRecord: RecordHook | undefined
  readonly highestBallot: Version
  readonly completions: Completions
  #error: StorageError | null = null
  closed = false
  /** Blob writes and disk reads in flight; close waits for them. */
  inFlight = 0
  /** Bytes of large values whose files are being read. */
  readingBytes = 0
  onIdle: (() => void) | null = null
  /** Called after each progress of the log. */
  onProgress: (() => void) | null = null

  readonly log: Log
  readonly lookup: Lookup
  readonly ledger: SegmentLedger
  readonly blobs: BlobFiles
  readonly #reader: RecordReader
  readonly #writer: RecordWriter
  readonly #hash: typeof hashKey
  readonly #listener: StoreListener
  readonly #compressor: Compressor
  readonly #inlineBytesMax: number
  readonly #writerId: number
  #blobCounter = 0

  constructor(parts: EngineParts) {
    this.log = parts.log
    this.lookup = parts.lookup
    this.ledger = parts.ledger
    this.blobs = parts.blobs
    this.highestBallot = parts.highestBallot
    this.#writerId = parts.writerId
    this.#hash = parts.hash
    this.#listener = parts.listener
    this.#compressor = new Compressor({ codec: parts.compression })
    this.#inlineBytesMax = Math.min(BLOB_ABOVE_BYTES, this.log.payloadBytesMax)
    this.completions = new Completions(this.log, this)
    this.#reader = new RecordReader(this, parts.now)
    this.#writer = new RecordWriter(this)
  }

  /** Set once the log has failed: nothing is written any more, reads go on. */
  get error(): StorageError | null {
    if (this.#error === null && this.log.error !== null) this.#error = readOnly(this.log.error)
    return this.#error
  }

  /**
   * Takes a record if its ballot is above the key's. The value may be `found.value` itself, with its bounds,
   * but nothing else that lies in the store's own memory. Throws STORAGE_CLOSED, STORAGE_READ_ONLY,
   * STORAGE_DISK_FULL, STORAGE_KEY_LENGTH, STORAGE_VALUE_TOO_LARGE, STORAGE_VALUE_ENCODING, STORAGE_CORRUPT;
   * nothing is written then.
   */
  apply(mutation: Mutation, token: number): ApplyOutcome {
    const { value } = mutation
    if (value.length > 0 && (value === this.found.value || value === this.log.window)) {
      return this.apply(detachMutation(mutation), token)
    }
    this.#check(mutation)
    this.waiting = false
    const outcome = this.#compare(mutation, token)
    if (outcome !== APPLY.applied) return outcome
    const valueBytes = mutation.tombstone ? 0 : mutation.valueEnd - mutation.valueStart
    if (valueBytes > VALUE_BYTES_MAX) throw valueTooLarge(valueBytes)
    if (mutation.codec === 0) {
      const packed = valueBytes > 1024 && valueBytes <= BLOB_ABOVE_BYTES ? this.#compress(mutation) : null
      if (packed !== null && this.#isInline(mutation, packed.length)) {
        this.#writer.append(mutation, packed, 0, packed.length, this.#compressor.codec, valueBytes, null)
      } else if (valueBytes <= BLOB_ABOVE_BYTES && this.#isInline(mutation, valueBytes)) {
        this.#writer.append(
          mutation,
          mutation.value,
          mutation.valueStart,
          mutation.valueStart + valueBytes,
          0,
          valueBytes,
          null,
        )
      } else
        return this.#applyBlob(
          mutation,
          cloneBytes(mutation.value, mutation.valueStart, mutation.valueEnd),
          token,
        )
    } else {
      const raw = rawValue(mutation)
      if (raw.length > BLOB_ABOVE_BYTES)
        return this.#applyBlob(mutation, cloneBytes(raw, 0, raw.length), token)
      if (valueBytes <= raw.length - (raw.length >>> 3) && this.#isInline(mutation, valueBytes)) {
        this.#writer.append(
          mutation,
          mutation.value,
          mutation.valueStart,
          mutation.valueEnd,
          mutation.codec,
          raw.length,
          null,
        )
      } else if (this.#isInline(mutation, raw.length))
        this.#writer.append(mutation, raw, 0, raw.length, 0, raw.length, null)
      else return this.#applyBlob(mutation, cloneBytes(raw, 0, raw.length), token)
    }
    this.#waitForWrite(mutation.durability, token, this.log.reservedSegment, this.log.reservedOffset)
    return APPLY.applied
  }

  /**
   * Reads a key of the user space. True: answered in `found`. False: `onRead(token)` will follow, since the
   * record lies on disk or has not reached its durability mark. Throws STORAGE_CLOSED and STORAGE_KEY_LENGTH.
   */
  read(key: Uint8Array, keyStart: number, keyEnd: number, hash: KeyHash, token: number): boolean {
    if (this.closed) throw closedError()
    checkKey(keyEnd - keyStart)
    const lookup = this.lookup
    const result = lookup.find(SPACE.user, key, keyStart, keyEnd, hash)
    if (result === LOOKUP.absent) {
      this.found.clear()
      return true
    }
    if (result === LOOKUP.cold) {
      this.#reader.readCold(cloneBytes(key, keyStart, keyEnd), hash, token)
      return false
    }
    const shard = lookup.keydir.shards[lookup.shardIndex]!
    const { slot } = lookup
    const level = (shard[slot + SLOT_LENGTH]! >>> LEVEL_SHIFT) as Durability
    if (level > 0) {
      const segment = shard[slot + SLOT_SEGMENT]!
      const offset = shard[slot + SLOT_OFFSET]!
      if (!this.completions.isReached(level, segment, offset)) {
        this.completions.waitForRead(level, token, segment, offset, lookup.length)
        if (this.log.error !== null) this.log.demand(1)
        else this.log.demand(level)
        return false
      }
    }
    return this.#reader.answer(lookup.bytes, lookup.at, lookup.length, token)
  }

  /**
   * What is there now, whether or not it may be shown yet, its value unread: for a decision that precedes a
   * write. Waits for the disk where the record is cold. Into `previous`.
   */
  locate(key: Uint8Array, keyStart: number, keyEnd: number, hash: KeyHash): Found {
    if (this.closed) throw closedError()
    checkKey(keyEnd - keyStart)
    const { lookup, previous } = this
    previous.clear()
    try {
      if (lookup.findSync(SPACE.user, key, keyStart, keyEnd, hash)) {
        this.#reader.describe(previous, lookup.bytes, lookup.at, lookup.length)
      }
    } catch (error) {
      throw fromLog(error)
    }
    return previous
  }

  /**
   * Right after `locate`: false when what it saw may be spoken of. Else the record is brought to the mark of
   * its own level, and `onApplied(token)` follows.
   */
  waitForLocated(token: number): boolean {
    const { keydir, shardIndex, slot } = this.lookup
    if (slot < 0) return false
    const shard = keydir.shards[shardIndex]!
    const level = (shard[slot + SLOT_LENGTH]! >>> LEVEL_SHIFT) as Durability
    this.waiting = false
    this.#waitForWrite(level, token, shard[slot + SLOT_SEGMENT]!, shard[slot + SLOT_OFFSET]!)
    if (this.waiting) this.log.demand(level)
    return this.waiting
  }

  /**
   * Reads at once, from disk if it must; a record that has not reached its mark is brought there. Into
   * `found`.
   */
  readSync(space: number, key: Uint8Array, keyStart: number, keyEnd: number, hash: KeyHash): Found {
    if (this.closed) throw closedError()
    checkKey(keyEnd - keyStart)
    try {
      return this.#reader.readSync(space, key, keyStart, keyEnd, hash)
    } catch (error) {
      throw fromLog(error)
    }
  }

  /** The log's marks have moved, or it has failed. */
  progress(): void {
    this.completions.settle()
    this.#writer.removeReplaced()
    this.onProgress?.()
  }

  applied(token: number, error: StorageError | null): void {
    if (token !== NO_TOKEN) this.#listener.onApplied(token, error)
  }

  readable(token: number, segment: number, offset: number, length: number, error: StorageError | null): void {
    if (error !== null) this.#listener.onRead(token, null, error)
    else this.#reader.readAt(segment, offset, length, token)
  }

  answered(token: number, error: StorageError | null): void {
    this.#listener.onRead(token, error === null ? this.found : null, error)
  }

  /**
   * Whether these bytes are a piece of the store's own memory, as `found` and `view` give out: the next
   * record may be written over it.
   */
  isOwn(bytes: Uint8Array): boolean {
    const { buffer } = bytes
    return buffer === this.log.window.buffer || (buffer === this.found.value.buffer && bytes.length > 0)
  }

  began(): void {
    this.inFlight += 1
  }

  ended(): void {
    this.inFlight -= 1
    if (this.inFlight === 0) this.onIdle?.()
  }

  #check(mutation: Mutation): void {
    if (this.closed) throw closedError()
    if (this.log.error !== null) throw this.error!
    checkKey(mutation.keyEnd - mutation.keyStart)
  }

  /** Fills `previous` and says what the ballot asks for. Leaves `lookup` at the key's slot, if it has one. */
  #compare(mutation: Mutation, token: number): ApplyOutcome {
    const { lookup, previous } = this
    previous.clear()
    let isThere: boolean
    try {
      isThere = lookup.findSync(
        mutation.space,
        mutation.key,
        mutation.keyStart,
        mutation.keyEnd,
        mutation.hash,
      )
    } catch (error) {
      throw fromLog(error)
    }
    if (!isThere) return APPLY.applied
    const shard = lookup.keydir.shards[lookup.shardIndex]!
    const { slot } = lookup
    this.#reader.describe(previous, lookup.bytes, lookup.at, lookup.length)
    const order = compareToSlot(mutation.ballot, shard, slot)
    if (order > 0) return APPLY.applied
    if (order < 0) return APPLY.stale
    const segment = shard[slot + SLOT_SEGMENT]!
    const offset = shard[slot + SLOT_OFFSET]!
    this.log.demand(mutation.durability)
    this.#waitForWrite(mutation.durability, token, segment, offset)
    return APPLY.held
  }

  #isInline(mutation: Mutation, valueBytes: number): boolean {
    return recordBytes(mutation, valueBytes, false) <= this.log.payloadBytesMax
  }

  #compress(mutation: Mutation): Uint8Array | null {
    if (mutation.valueEnd - mutation.valueStart > this.#inlineBytesMax) return null
    return this.#compressor.compress(mutation.value, mutation.valueStart, mutation.valueEnd)
  }

  #waitForWrite(level: Durability, token: number, segment: number, offset: number): void {
    if (this.completions.isReached(level, segment, offset)) return
    this.completions.waitForWrite(level, token, segment, offset)
    this.waiting = true
  }

  #applyBlob(mutation: Mutation, value: Uint8Array, token: number): ApplyOutcome {
    const own = copyMutation(mutation)
    this.#hash(own.key, own.keyStart, own.keyEnd, own.hash)
    const name = blobName(own.hash, this.#writerId, ++this.#blobCounter)
    this.waiting = true
    this.began()
    this.blobs.write(name, value, (error) => {
      try {
        if (error) return this.applied(token, fromLog(error))
        this.#appendBlob(own, { name, checksum: checksum64(value) }, value.length, token)
      } catch (failure) {
        this.blobs.remove(name)
        this.applied(token, fromLog(failure))
      } finally {
        this.ended()
      }
    })
    return APPLY.applied
  }

  #appendBlob(mutation: Mutation, blob: BlobReference, bytes: number, token: number): void {
    if (this.log.error !== null) throw this.error!
    this.waiting = false
    const outcome = this.#compare(mutation, token)
    if (outcome === APPLY.applied) {
      this.#writer.append(mutation, mutation.value, 0, 0, 0, bytes, blob)
      this.#waitForWrite(mutation.durability, token, this.log.reservedSegment, this.log.reservedOffset)
    } else this.blobs.remove(blob.name)
    if (!this.waiting) this.applied(token, null)
  }
}
