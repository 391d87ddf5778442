/**
 * Several records in one commit block: after a crash all of them are there, or none.
 *
 *     1  look at every key: raise ballots, remember where each key's slot points
 *     2  reserve the block, write the records
 *     3  point the slots
 *
 * The order keeps it whole: 1 may fail by the disk, and then nothing was written; 2 is taken back if it
 * fails; 3 reads nothing and cannot fail. The keys are different ones.
 */

import { compareVersions, raisedWriterOf, successor, Version } from '@minivault/clock'
import type { Codec } from '@minivault/codec'
import type { Engine } from './engine.ts'
import { fingerprintOf, shardOf } from './fingerprint.ts'
import { checkKey } from './hot-door.ts'
import { SLOT_BALLOT, SLOT_LENGTH, SLOT_OFFSET, SLOT_SEGMENT } from './keydir.ts'
import { Mutation } from './mutation.ts'
import { blobNameOf, recordBytes } from './record.ts'
import type { RecordWriter } from './record-writer.ts'
import { fromLog, StorageError } from './storage-error.ts'

/**
 * One record of a batch: what is asked, its value as it is to be stored, and where its key's slot pointed.
 */
export class BatchRecord {
  readonly mutation = new Mutation()
  /** Of `mutation.value`. */
  codec: Codec = 0
  rawBytes = 0
  /** The file that holds the value, whose checksums `mutation.value` then are. */
  blob: string | null = null
  /** Another key of the same batch with the same hash. */
  sameHash: BatchRecord | null = null
  /** Nothing to do: a delete of a key that has no record. */
  isIdle = false
  segment = 0
  offset = 0
  /** 0: there was no slot. */
  oldSegment = 0
  oldOffset = 0
  oldLengthWord = 0
  readonly oldBallot = new Version()
  oldBlob: string | null = null

  get bytes(): number {
    const { mutation } = this
    return recordBytes(mutation, mutation.valueEnd - mutation.valueStart, this.blob !== null)
  }
}

export class BatchWriter {
  readonly #engine: Engine
  readonly #writer: RecordWriter
  readonly #raisedWriterId: number

  constructor(engine: Engine, writer: RecordWriter, writerId: number) {
    this.#engine = engine
    this.#writer = writer
    this.#raisedWriterId = raisedWriterOf(writerId)
  }

  /** Returns the last record that was written, null when there was nothing to do. */
  apply(records: readonly BatchRecord[]): BatchRecord | null {
    let bytes = 0
    let count = 0
    for (const record of records) {
      checkKey(record.mutation.keyEnd - record.mutation.keyStart)
      this.#look(record)
      if (record.isIdle) continue
      bytes += record.bytes
      count += 1
    }
    if (count === 0) return null
    this.#write(records, bytes, count)
    let last: BatchRecord | null = null
    for (const record of records) {
      if (record.isIdle) continue
      this.#point(record)
      last = record
    }
    return last
  }

  #look(record: BatchRecord): void {
    const { lookup } = this.#engine
    const { mutation } = record
    const { space, key, keyStart, keyEnd, hash, ballot } = mutation
    try {
      if (!lookup.findHeadSync(space, key, keyStart, keyEnd, hash)) {
        record.isIdle = mutation.tombstone
        return
      }
    } catch (error) {
      throw fromLog(error)
    }
    const { slot } = lookup
    const shard = lookup.keydir.shards[lookup.shardIndex]!
    record.oldSegment = shard[slot + SLOT_SEGMENT]!
    record.oldOffset = shard[slot + SLOT_OFFSET]!
    record.oldLengthWord = shard[slot + SLOT_LENGTH]!
    record.oldBallot.set(
      shard[slot + SLOT_BALLOT]!,
      shard[slot + SLOT_BALLOT + 1]!,
      shard[slot + SLOT_BALLOT + 2]!,
    )
    record.oldBlob = blobNameOf(lookup.bytes, lookup.at, lookup.length)
    if (compareVersions(ballot, record.oldBallot) <= 0)
      successor(record.oldBallot, this.#raisedWriterId, ballot)
  }

  #write(records: readonly BatchRecord[], bytes: number, count: number): void {
    const { log } = this.#engine
    try {
      log.reserveGroup(bytes, count)
    } catch (error) {
      if (log.error !== null) throw this.#engine.error!
      if ((error as { code?: string }).code !== 'WAL_TOO_LARGE') throw fromLog(error)
      const message = `${count} records have ${bytes} bytes, a batch at most ${log.groupBytesMax}`
      throw new StorageError('STORAGE_BATCH', message, { cause: error })
    }
    try {
      for (const record of records) {
        if (record.isIdle) continue
        const { mutation, codec, rawBytes, blob } = record
        const { value, valueStart, valueEnd } = mutation
        this.#writer.write(mutation, value, valueStart, valueEnd, codec, rawBytes, blob)
        record.segment = log.reservedSegment
        record.offset = log.reservedOffset
      }
    } catch (error) {
      log.cancelGroup()
      throw error
    }
  }

  #point(record: BatchRecord): void {
    const { lookup } = this.#engine
    const { keydir } = lookup
    const { mutation, blob, segment, offset } = record
    const shardIndex = shardOf(mutation.hash)
    const fingerprint = fingerprintOf(mutation.space, mutation.hash)
    let slot = -1
    if (record.oldSegment !== 0) {
      slot = keydir.findPosition(shardIndex, fingerprint, record.oldSegment, record.oldOffset)
      if (slot < 0) {
        // The slots of this batch have pushed it out.
        slot = keydir.insert(shardIndex, fingerprint)
        keydir.point(
          shardIndex,
          slot,
          record.oldSegment,
          record.oldOffset,
          record.oldLengthWord,
          record.oldBallot,
        )
      }
    }
    lookup.shardIndex = shardIndex
    lookup.slot = slot
    this.#writer.point(mutation, segment, offset, record.bytes, blob, record.oldBlob)
  }
}
