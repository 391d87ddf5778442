/**
 * Puts a record into the log's window and makes its key's slot point to it: the one place where a key changes
 * hands. The record that was there becomes dead; a file that held its value goes when the new record is
 * durable, not before.
 */

import { Version } from '@minivault/clock'
import type { Codec } from '@minivault/codec'
import type { Engine } from './engine.ts'
import { fingerprintOf } from './fingerprint.ts'
import { isAbove } from './hot-door.ts'
import {
  BLOB_BIT,
  LEVEL_SHIFT,
  OTHER_SPACE_BIT,
  SLOT_BALLOT,
  SLOT_CACHE,
  SLOT_LENGTH,
  SLOT_OFFSET,
  SLOT_SEGMENT,
  TOMBSTONE_BIT,
} from './keydir.ts'
import { type Mutation, SPACE } from './mutation.ts'
import { blobNameOf, recordBytes, writeRecord } from './record.ts'
import { fromLog } from './storage-error.ts'

/** A file whose record was replaced by the one at this position. */
interface Replaced {
  name: string
  segment: number
  offset: number
}

export class RecordWriter {
  readonly #engine: Engine
  readonly #oldBallot = new Version()
  readonly #replaced: Replaced[] = []

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /**
   * The value is `value[start, end)` as it is to be stored (`codec`, `rawBytes`); of a `blob`, its checksums.
   * The engine's lookup stands at the key's slot, if it has one. Throws STORAGE_READ_ONLY and
   * STORAGE_DISK_FULL.
   */
  append(
    mutation: Mutation,
    value: Uint8Array,
    start: number,
    end: number,
    codec: Codec,
    rawBytes: number,
    blob: string | null,
  ): void {
    const { log, lookup } = this.#engine
    const replacedBlob = lookup.slot >= 0 ? blobNameOf(lookup.bytes, lookup.at, lookup.length) : null
    const length = this.write(mutation, value, start, end, codec, rawBytes, blob)
    this.point(mutation, log.reservedSegment, log.reservedOffset, length, blob, replacedBlob)
  }

  /** The record into the log, and nothing else; returns its length. */
  write(
    mutation: Mutation,
    value: Uint8Array,
    start: number,
    end: number,
    codec: Codec,
    rawBytes: number,
    blob: string | null,
  ): number {
    const { log } = this.#engine
    const length = recordBytes(mutation, end - start, blob !== null)
    let at: number
    try {
      at = log.reserve(length)
    } catch (error) {
      throw log.error === null ? fromLog(error) : this.#engine.error!
    }
    writeRecord(mutation, log.window, at, value, start, end, codec, rawBytes, blob)
    log.commit()
    return length
  }

  /**
   * Makes the key's slot point to its record at this position. The engine's lookup stands at the slot, if
   * there is one; `replacedBlob` is the file that its record names.
   */
  point(
    mutation: Mutation,
    segment: number,
    offset: number,
    length: number,
    blob: string | null,
    replacedBlob: string | null,
  ): void {
    const engine = this.#engine
    const { log, lookup, ledger } = engine
    if (lookup.slot >= 0) this.#leaveOld(segment)
    else {
      this.#oldBallot.clear()
      lookup.slot = lookup.keydir.insert(lookup.shardIndex, fingerprintOf(mutation.space, mutation.hash))
    }
    const lengthWord =
      length |
      (mutation.space === SPACE.user ? 0 : OTHER_SPACE_BIT) |
      (mutation.tombstone ? TOMBSTONE_BIT : 0) |
      (blob !== null ? BLOB_BIT : 0) |
      (mutation.durability << LEVEL_SHIFT)
    lookup.keydir.point(lookup.shardIndex, lookup.slot, segment, offset, lengthWord, mutation.ballot)
    ledger.add(segment, lengthWord)
    engine.keys.recorder.appended(segment, offset, length)
    if (mutation.space === SPACE.user && isAbove(mutation.ballot, engine.highestBallot)) {
      engine.highestBallot.copy(mutation.ballot)
    }
    // A record with another expiry names the same file again.
    if (replacedBlob !== null && replacedBlob !== blob) {
      this.#replaced.push({ name: replacedBlob, segment, offset })
      log.demand(2)
    }
    log.demand(mutation.durability)
    if (engine.onRecord !== undefined) {
      const { key, keyStart, keyEnd, hash, ballot } = mutation
      engine.onRecord(key, keyStart, keyEnd, hash, this.#oldBallot, ballot)
    }
  }

  /** The slot's record becomes dead, overtaken by one in this segment. */
  #leaveOld(by: number): void {
    const { lookup, ledger, keys } = this.#engine
    const shard = lookup.keydir.shards[lookup.shardIndex]!
    const { slot } = lookup
    this.#oldBallot.set(
      shard[slot + SLOT_BALLOT]!,
      shard[slot + SLOT_BALLOT + 1]!,
      shard[slot + SLOT_BALLOT + 2]!,
    )
    const segment = shard[slot + SLOT_SEGMENT]!
    ledger.subtract(segment, shard[slot + SLOT_LENGTH]!)
    if (segment === by) keys.recorder.overtake(segment, shard[slot + SLOT_OFFSET]!)
    if (shard[slot + SLOT_CACHE] === 0) return
    lookup.cache.forget(shard[slot + SLOT_CACHE]!)
    shard[slot + SLOT_CACHE] = 0
  }

  /** The replacing records may never have reached the disk. An open finds the files that are left. */
  forgetReplaced(): void {
    this.#replaced.length = 0
  }

  /** Removes the files whose replacing records are durable by now. */
  removeReplaced(): void {
    const { log, blobs } = this.#engine
    while (this.#replaced.length > 0) {
      const { name, segment, offset } = this.#replaced[0]!
      if (!log.isDurable(segment, offset)) return
      this.#replaced.shift()
      blobs.remove(name)
    }
  }
}
