/**
 * The hot door: `apply` and `read`, synchronous, completion by token. No promise, closure or copy is made for
 * a write that goes to the log as it is, or for a read that memory answers.
 *
 * Order per key is by ballot and nothing else: a higher one is applied, the same one is held (nothing is
 * written), a lower one is stale. A record is shown only when it has reached the durability mark of its own
 * level; until then a read waits.
 *
 * A value with a file of its own is applied when its file is durable (blob/large-values.ts).
 */

import type { Version } from '@minivault/clock'
import { type Codec, cloneBytes, type KeyHash } from '@minivault/codec'
import type { Durability, Log } from '@minivault/wal'
import { type BatchRecord, BatchWriter } from './batch.ts'
import type { BlobFiles } from './blob/blob-files.ts'
import type { BlobValue } from './blob/blob-name.ts'
import { LargeValues } from './blob/large-values.ts'
import { Completions, type CompletionTarget } from './completions.ts'
import { Found } from './found.ts'
import {
  APPLY,
  type ApplyOutcome,
  checkKey,
  closedError,
  compareToSlot,
  type EngineParts,
  isAbove,
  NO_TOKEN,
  type RecordHook,
  type StoreListener,
  valueTooLarge,
} from './hot-door.ts'
import { LEVEL_SHIFT, SLOT_LENGTH, SLOT_OFFSET, SLOT_SEGMENT } from './keydir.ts'
import type { KeyIndex } from './keys/key-index.ts'
import { BLOB_ABOVE_BYTES, VALUE_BYTES_MAX } from './limits.ts'
import { LOOKUP, type Lookup } from './lookup.ts'
import { type Mutation, SPACE } from './mutation.ts'
import { detachMutation, liesInStore, rawValue } from './mutation-value.ts'
import type { OpenedIndex } from './opened-index.ts'
import { Packer } from './packer.ts'
import { RecordReader } from './record-reader.ts'
import { RecordWriter } from './record-writer.ts'
import type { RecordsOwner } from './records-owner.ts'
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
  completions: Completions
  #error: StorageError | null = null
  closed = false
  /** Nothing that would have to wait for the disk is begun any more. */
  isClosing = false
  /** Blob writes and disk reads in flight; close waits for them. */
  inFlight = 0
  /** Bytes of large values whose files are being read. */
  readingBytes = 0
  onIdle: (() => void) | null = null
  onProgress: (() => void) | null = null
  owner: RecordsOwner | null = null
  log: Log
  lookup: Lookup
  ledger: SegmentLedger
  keys: KeyIndex
  readonly blobs: BlobFiles
  readonly large: LargeValues
  readonly packer: Packer
  readonly reader: RecordReader
  readonly #writer: RecordWriter
  #windowBuffer: ArrayBufferLike
  readonly #batch: BatchWriter
  readonly #listener: StoreListener
  /** Tokens of reads that want no large value read. */
  readonly describing = new Set<number>()

  constructor(parts: EngineParts) {
    this.log = parts.log
    this.#windowBuffer = parts.log.window.buffer
    this.lookup = parts.lookup
    this.ledger = parts.ledger
    this.keys = parts.keys
    this.blobs = parts.blobs
    this.highestBallot = parts.highestBallot
    this.#listener = parts.listener
    this.packer = new Packer(parts.log.payloadBytesMax, parts.compression)
    this.completions = new Completions(this.log, this)
    this.reader = new RecordReader(this, parts.now)
    this.#writer = new RecordWriter(this)
    this.#batch = new BatchWriter(this, this.#writer, parts.writerId)
    this.large = new LargeValues(this, parts)
  }

  /** Goes on with what was read anew from disk. Whoever waited for the old log has been told. */
  restart({ log, lookup, ledger, keys, highestBallot }: OpenedIndex): void {
    this.log = log
    this.#windowBuffer = log.window.buffer
    this.lookup = lookup
    this.ledger = ledger
    this.keys = keys
    this.completions = new Completions(log, this)
    this.#writer.forgetReplaced()
    if (isAbove(highestBallot, this.highestBallot)) this.highestBallot.copy(highestBallot)
    this.#error = null
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
    if (liesInStore(mutation, this.log, this.found)) return this.apply(detachMutation(mutation), token)
    this.#check(mutation)
    this.waiting = false
    const outcome = this.#compare(mutation, token)
    if (outcome !== APPLY.applied) return outcome
    const valueBytes = mutation.tombstone ? 0 : mutation.valueEnd - mutation.valueStart
    if (valueBytes > VALUE_BYTES_MAX) throw valueTooLarge(valueBytes)
    if (mutation.codec === 0) {
      const packed = mutation.tombstone ? null : this.packer.compress(mutation)
      if (packed !== null && this.packer.isInline(mutation, packed.length)) {
        this.#writer.append(mutation, packed, 0, packed.length, this.packer.codec, valueBytes, null)
      } else if (valueBytes <= BLOB_ABOVE_BYTES && this.packer.isInline(mutation, valueBytes)) {
        this.#append(mutation, valueBytes, 0, valueBytes)
      } else
        return this.large.apply(
          mutation,
          cloneBytes(mutation.value, mutation.valueStart, mutation.valueEnd),
          token,
        )
    } else {
      const raw = rawValue(mutation)
      if (raw.length > BLOB_ABOVE_BYTES)
        return this.large.apply(mutation, cloneBytes(raw, 0, raw.length), token)
      if (valueBytes <= raw.length - (raw.length >>> 3) && this.packer.isInline(mutation, valueBytes)) {
        this.#append(mutation, valueBytes, mutation.codec, raw.length)
      } else if (this.packer.isInline(mutation, raw.length))
        this.#writer.append(mutation, raw, 0, raw.length, 0, raw.length, null)
      else return this.large.apply(mutation, cloneBytes(raw, 0, raw.length), token)
    }
    this.#waitForWrite(mutation.durability, token, this.log.reservedSegment, this.log.reservedOffset)
    return APPLY.applied
  }

  /**
   * `apply` of a value that is stored as it came: its codec and length uncompressed are believed. `isNews`:
   * the lookup stands at the key, the ballot is above what is there, and `previous` is not filled.
   */
  applyAsIs(mutation: Mutation, isNews: boolean): ApplyOutcome {
    this.#check(mutation)
    const outcome = isNews ? APPLY.applied : this.#compare(mutation, NO_TOKEN)
    if (outcome !== APPLY.applied) return outcome
    const { tombstone, valueStart, valueEnd, codec, rawBytes } = mutation
    this.#append(mutation, tombstone ? 0 : valueEnd - valueStart, codec, rawBytes)
    return outcome
  }

  /**
   * Writes records of different keys, all of one durability, so that a crash leaves all of them or none; a
   * ballot that is not above the key's is raised. Values are as `packer.pack` leaves them. Throws what
   * `apply` does, and STORAGE_BATCH where they do not fit into one block; nothing is written then.
   */
  applyBatch(records: readonly BatchRecord[], token: number): void {
    if (this.closed) throw closedError()
    if (this.log.error !== null) throw this.error!
    this.waiting = false
    for (const { blob } of records) if (blob !== null) this.blobs.named(blob)
    const last = this.#batch.apply(records)
    if (last !== null) this.#waitForWrite(last.mutation.durability, token, last.segment, last.offset)
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
    if (result !== LOOKUP.found) {
      this.reader.readCold(cloneBytes(key, keyStart, keyEnd), hash, token)
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
        this.log.demand(this.log.error === null ? level : 1)
        return false
      }
    }
    return this.reader.answer(lookup.bytes, lookup.at, lookup.length, token)
  }

  /**
   * Like `read`, but a value in a file of its own stays there, for who wants pieces: `found.blob` names it.
   */
  describe(key: Uint8Array, keyStart: number, keyEnd: number, hash: KeyHash, token: number): boolean {
    this.describing.add(token)
    let isAnswered = true
    try {
      isAnswered = this.read(key, keyStart, keyEnd, hash, token)
    } finally {
      if (isAnswered) this.describing.delete(token)
    }
    return isAnswered
  }

  isDescribed(token: number): boolean {
    return this.describing.size > 0 && this.describing.has(token)
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
        this.reader.describe(previous, lookup.bytes, lookup.at, lookup.length)
      }
    } catch (error) {
      throw fromLog(error)
    }
    return previous
  }

  /**
   * Right after `locate`: false when what it saw may be spoken of at this level. Else the record is brought
   * to its mark, that of its own level if that is higher, and `onApplied(token)` follows.
   */
  waitForLocated(token: number, asked: Durability): boolean {
    const { keydir, shardIndex, slot } = this.lookup
    if (slot < 0) return false
    const shard = keydir.shards[shardIndex]!
    const own = (shard[slot + SLOT_LENGTH]! >>> LEVEL_SHIFT) as Durability
    const level = own > asked ? own : asked
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
      return this.reader.readSync(space, key, keyStart, keyEnd, hash)
    } catch (error) {
      throw fromLog(error)
    }
  }

  /** The same, of a user's key and only its value: of `found` nothing but that need be right. */
  readValueSync(key: Uint8Array, keyStart: number, keyEnd: number, hash: KeyHash): Found {
    if (this.closed) throw closedError()
    checkKey(keyEnd - keyStart)
    try {
      return this.reader.readValueSync(key, keyStart, keyEnd, hash)
    } catch (error) {
      throw fromLog(error)
    }
  }

  /** The log's marks have moved, or it has failed. */
  progress(): void {
    this.completions.settle()
    this.#writer.removeReplaced()
    this.keys.progress()
    this.onProgress?.()
    this.owner?.onReached()
  }

  applied(token: number, error: StorageError | null): void {
    if (token !== NO_TOKEN) this.#listener.onApplied(token, error)
  }

  readable(token: number, segment: number, offset: number, length: number, error: StorageError | null): void {
    if (error !== null) this.answered(token, error)
    else this.reader.readAt(segment, offset, length, token)
  }

  answered(token: number, error: StorageError | null): void {
    if (this.describing.size > 0) this.describing.delete(token)
    this.#listener.onRead(token, error === null ? this.found : null, error)
  }

  /**
   * Whether these bytes are a piece of the store's own memory, as `found` and `view` give out: the next
   * record may be written over it.
   */
  isOwn(bytes: Uint8Array): boolean {
    if (bytes.length === 0) return false
    // `buffer` is a call out of compiled code: as few of them as can be.
    const { buffer } = bytes
    return buffer === this.#windowBuffer || buffer === this.found.value.buffer
  }

  /** `apply` of a record whose value lies in a durable file. Unless applied, the file is not taken. */
  applyBlob(mutation: Mutation, { name, size, checksums }: BlobValue, token: number): ApplyOutcome {
    this.#check(mutation)
    this.waiting = false
    const outcome = this.#compare(mutation, token)
    if (outcome !== APPLY.applied) return outcome
    this.blobs.named(name)
    const value = Buffer.from(checksums, 'hex')
    this.#writer.append(mutation, value, 0, value.length, 0, size, name)
    this.#waitForWrite(mutation.durability, token, this.log.reservedSegment, this.log.reservedOffset)
    return APPLY.applied
  }

  began(): void {
    this.inFlight += 1
  }

  ended(): void {
    this.inFlight -= 1
    if (this.inFlight === 0) this.onIdle?.()
  }

  #append(mutation: Mutation, valueBytes: number, codec: Codec, rawBytes: number): void {
    const { value, valueStart } = mutation
    this.#writer.append(mutation, value, valueStart, valueStart + valueBytes, codec, rawBytes, null)
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
      isThere = lookup.findHeadSync(
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
    this.reader.describe(previous, lookup.bytes, lookup.at, lookup.length)
    const order = compareToSlot(mutation.ballot, shard, slot)
    if (order > 0) return APPLY.applied
    if (order < 0) return APPLY.stale
    const segment = shard[slot + SLOT_SEGMENT]!
    const offset = shard[slot + SLOT_OFFSET]!
    this.log.demand(mutation.durability)
    this.#waitForWrite(mutation.durability, token, segment, offset)
    return APPLY.held
  }

  #waitForWrite(level: Durability, token: number, segment: number, offset: number): void {
    if (token === NO_TOKEN || this.completions.isReached(level, segment, offset)) return
    this.completions.waitForWrite(level, token, segment, offset)
    this.waiting = true
  }
}
