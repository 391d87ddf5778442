/**
 * Builds the keydir from the log at open. Order is by ballot, so entries may come in any order and a merge
 * output beside its sources does no harm: of two records of one key the higher ballot stays, of two with one
 * ballot the one seen last.
 *
 * Whole keys are compared here, too, and the log cannot be read yet, so keys seen are kept in an arena whose
 * references stand in the slots' cache words until the end. Past the arena's bound a key is read back from
 * its segment file.
 */

import { compareVersions, Version } from '@minivault/clock'
import { type hashKey, KeyHash } from '@minivault/codec'
import {
  BLOB_BIT,
  Keydir,
  LENGTH_MASK,
  LEVEL_SHIFT,
  OTHER_SPACE_BIT,
  SLOT_BALLOT,
  SLOT_CACHE,
  SLOT_LENGTH,
  SLOT_OFFSET,
  SLOT_SEGMENT,
  SLOT_WORDS,
  TOMBSTONE_BIT,
} from './keydir.ts'
import { REPLAY_KEY_BYTES_MAX } from './limits.ts'
import { fingerprintOf, shardOf } from './lookup.ts'
import { SPACE } from './mutation.ts'
import { blobNameOf, RECORD_HEADER_BYTES, RecordView, recordHasKey } from './record.ts'
import type { SegmentLedger } from './segment-ledger.ts'
import { StorageError } from './storage-error.ts'

export interface ReplayOptions {
  keydir: Keydir
  ledger: SegmentLedger
  hash: typeof hashKey
  /** Reads payload bytes back from a segment file while the log is still opening. */
  readBack: (segment: number, offset: number, target: Uint8Array, length: number) => void
  keyBytesMax?: number
}

export class ReplayIndex {
  /** Of the user space: node metadata counts by itself. */
  readonly highestBallot = new Version()
  /** Entries that an other record of their key had already overtaken. */
  superseded = 0
  readonly #options: ReplayOptions
  readonly #keydir: Keydir
  readonly #view = new RecordView()
  readonly #hash = new KeyHash()
  readonly #ballot = new Version()
  readonly #blobs = new Map<string, string>()
  /** Copies of record head and key, in the shape of a record without expiry, tagged fields and value. */
  #arena = new Uint8Array(1 << 16)
  #arenaFill = 8
  #scratch = new Uint8Array(1 << 16)

  constructor(options: ReplayOptions) {
    this.#options = options
    this.#keydir = options.keydir
  }

  add(segment: number, offset: number, bytes: Uint8Array, start: number, end: number): void {
    const view = this.#view
    if (!view.read(bytes, start, end)) {
      throw new StorageError('STORAGE_CORRUPT', `segment ${segment} at ${offset}: the entry is no record`)
    }
    if (view.space === SPACE.segment) return this.#note(segment, bytes)
    if (view.space === SPACE.user && compareVersions(view.ballot, this.highestBallot) > 0) {
      this.highestBallot.copy(view.ballot)
    }
    if (view.isBlob) {
      const name = blobNameOf(bytes, start, end - start)
      if (name !== null) this.#blobs.set(`${segment}:${offset}`, name)
    }
    this.#options.hash(bytes, view.keyStart, view.keyEnd, this.#hash)
    const shardIndex = shardOf(this.#hash)
    const fingerprint = fingerprintOf(view.space, this.#hash)
    let slot = this.#find(shardIndex, fingerprint, bytes)
    if (slot >= 0) {
      const shard = this.#keydir.shards[shardIndex]!
      this.#ballot.set(
        shard[slot + SLOT_BALLOT]!,
        shard[slot + SLOT_BALLOT + 1]!,
        shard[slot + SLOT_BALLOT + 2]!,
      )
      this.superseded += 1
      if (compareVersions(view.ballot, this.#ballot) < 0) return
      this.#options.ledger.subtract(shard[slot + SLOT_SEGMENT]!, shard[slot + SLOT_LENGTH]!)
    } else {
      slot = this.#keydir.insert(shardIndex, fingerprint)
      this.#keydir.shards[shardIndex]![slot + SLOT_CACHE] = this.#remember(bytes)
    }
    const lengthWord =
      (end - start) |
      (view.space === SPACE.user ? 0 : OTHER_SPACE_BIT) |
      (view.tombstone ? TOMBSTONE_BIT : 0) |
      (view.isBlob ? BLOB_BIT : 0) |
      (view.level << LEVEL_SHIFT)
    this.#keydir.point(shardIndex, slot, segment, offset, lengthWord, view.ballot)
    this.#options.ledger.add(segment, lengthWord)
  }

  /**
   * Ends the replay: slots lose their arena references. Returns the names of the blobs that live records
   * name.
   */
  finish(): Set<string> {
    const live = new Set<string>()
    for (const shard of this.#keydir.shards) {
      for (let slot = 0; slot < shard.length; slot += SLOT_WORDS) {
        shard[slot + SLOT_CACHE] = 0
        if ((shard[slot + SLOT_LENGTH]! & BLOB_BIT) === 0) continue
        const name = this.#blobs.get(`${shard[slot + SLOT_SEGMENT]}:${shard[slot + SLOT_OFFSET]}`)
        if (name !== undefined) live.add(name)
      }
    }
    this.#blobs.clear()
    this.#arena = new Uint8Array(0)
    return live
  }

  #note(segment: number, bytes: Uint8Array): void {
    const { keyEnd, end } = this.#view
    if (end - keyEnd !== 8) return
    const value = new DataView(bytes.buffer, bytes.byteOffset + keyEnd, 8)
    this.#options.ledger.setAges(segment, value.getUint32(0, true), value.getUint32(4, true))
  }

  #find(shardIndex: number, fingerprint: number, bytes: Uint8Array): number {
    const view = this.#view
    const shard = this.#keydir.shards[shardIndex]!
    let slot = Keydir.home(fingerprint, shard)
    while (shard[slot + SLOT_SEGMENT] !== 0) {
      if (shard[slot] === fingerprint && this.#isKey(shard, slot, bytes, view.keyStart, view.keyEnd))
        return slot
      slot += SLOT_WORDS
      if (slot === shard.length) slot = 0
    }
    return -1
  }

  #isKey(shard: Int32Array, slot: number, bytes: Uint8Array, keyStart: number, keyEnd: number): boolean {
    const reference = shard[slot + SLOT_CACHE]!
    if (reference !== 0) {
      return recordHasKey(this.#arena, reference, this.#view.space, bytes, keyStart, keyEnd)
    }
    const length = shard[slot + SLOT_LENGTH]! & LENGTH_MASK
    if (this.#scratch.length < length) this.#scratch = new Uint8Array(length * 2)
    this.#options.readBack(shard[slot + SLOT_SEGMENT]!, shard[slot + SLOT_OFFSET]!, this.#scratch, length)
    return recordHasKey(this.#scratch, 0, this.#view.space, bytes, keyStart, keyEnd)
  }

  /** Keeps the key; 0 when the arena is full. */
  #remember(bytes: Uint8Array): number {
    const { keyStart, keyEnd, space } = this.#view
    const keyBytes = keyEnd - keyStart
    const at = this.#arenaFill
    const end = at + RECORD_HEADER_BYTES + keyBytes
    if (end > (this.#options.keyBytesMax ?? REPLAY_KEY_BYTES_MAX)) return 0
    if (end > this.#arena.length) {
      const grown = new Uint8Array(Math.max(end, this.#arena.length * 2))
      grown.set(this.#arena)
      this.#arena = grown
    }
    this.#arena[at + 1] = space
    this.#arena[at + 2] = keyBytes
    this.#arena[at + 3] = keyBytes >>> 8
    this.#arena.set(bytes.subarray(keyStart, keyEnd), at + RECORD_HEADER_BYTES)
    this.#arenaFill = end
    return at
  }
}
