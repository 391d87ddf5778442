/**
 * One merge: rewrites the live records of some sealed segments into outputs of its own and gives the files
 * back.
 *
 *     1  go through the sources, oldest ages first, block by block; copy what is its key's newest record
 *     2  finish the outputs: fsync, rename, fsync of the directory, manifest
 *     3  make durable what overtook records that were therefore not copied
 *     4  the outputs' keys join the index; re-point the slots that still point into the sources
 *     5  the sources' keys leave the index, and the slots of tombstones that left
 *     6  when no read and no scan holds a source, drop the sources, oldest ages first
 *
 * A crash before 6 leaves each record twice with one ballot, which an open does not mind. Without step 3 a
 * power cut could lose both the overtaking record and the older one that had been acknowledged at a higher
 * level.
 *
 * A tombstone, or a record that has expired, leaves only when no older record of its key can be left (see
 * docs/DATA_FILE.md, "Notes on segments") and the owner releases it; never the one with the highest ballot.
 */

import { Version } from '@minivault/clock'
import { type hashKey, KeyHash } from '@minivault/codec'
import { type OutputSegment, promised } from '@minivault/wal'
import type { Engine } from './engine.ts'
import { isExpired } from './expiry.ts'
import { fingerprintOf, shardOf } from './fingerprint.ts'
import { type KeyRun, RunBuilder } from './hint/key-run.ts'
import { isAbove } from './hot-door.ts'
import { SLOT_CACHE, SLOT_OFFSET, SLOT_SEGMENT } from './keydir.ts'
import { addRecord } from './keys/add-record.ts'
import { MERGE_SLICE_BYTES, MERGE_SLICE_RECORDS, RUN_ENTRIES } from './limits.ts'
import { MovedRecords } from './moved-records.ts'
import { Mutation, SPACE } from './mutation.ts'
import { blobNameOf, lengthWordOf, RecordView, recordBytes, writeRecord } from './record.ts'
import type { SegmentStats } from './segment-ledger.ts'

export interface MergeReport {
  /** Segments that were rewritten. */
  segments: number
  records: number
  droppedTombstones: number
  bytesBefore: number
  bytesAfter: number
}

/** What a merge needs beside the engine. */
export interface MergeSurroundings {
  hash: typeof hashKey
  now: () => number
  /** May this tombstone leave? The owner of replicas knows. */
  mayRelease: (hash: KeyHash, ballot: Version, space: number) => boolean
  /** It has. */
  onLeft: (hash: KeyHash, ballot: Version) => void
  /** Ends a slice of the work. */
  pause: () => Promise<void>
  /** The device does not keep up: lets it, for some milliseconds. */
  rest: () => Promise<void>
  /** Throws when the merge is to end. */
  goOn: () => void
  /** Told of the bytes of the sources that were gone through. */
  onProgress: (bytes: number) => void
}

/** An output being written, and the keys that went into it. */
interface Output {
  segment: OutputSegment
  runs: KeyRun[]
  builder: RunBuilder
}

export class MergeRun {
  readonly report: MergeReport
  readonly #engine: Engine
  readonly #around: MergeSurroundings
  readonly #sources: SegmentStats[]
  /** Sources whose tombstones may leave. */
  readonly #free: ReadonlySet<number>
  readonly #outputs: Output[] = []
  readonly #moved = new MovedRecords()
  /** Files of expired records that left. */
  readonly #leftBlobs: string[] = []
  /** What leaves, of the user's space. */
  readonly #left: { readonly hash: KeyHash; readonly ballot: Version }[] = []
  readonly #view = new RecordView()
  readonly #hash = new KeyHash()
  readonly #ages: { min: number; max: number }

  /** `sources` in the order in which they are dropped; `all` is every segment of the log. */
  constructor(engine: Engine, around: MergeSurroundings, sources: SegmentStats[], all: SegmentStats[]) {
    this.#engine = engine
    this.#around = around
    this.#sources = sources
    this.#free = segmentsWhoseTombstonesLeave(sources, all)
    this.#ages = {
      min: Math.min(...sources.map(({ ageMin }) => ageMin)),
      max: Math.max(...sources.map(({ ageMax }) => ageMax)),
    }
    this.report = {
      segments: sources.length,
      records: 0,
      droppedTombstones: 0,
      bytesBefore: 0,
      bytesAfter: 0,
    }
    for (const { bytes } of sources) this.report.bytesBefore += bytes
  }

  /** Steps 1 to 5. Rejects with what went wrong, the sources untouched; the outputs are given up then. */
  async run(): Promise<void> {
    const { log, keys, ledger } = this.#engine
    const { pause } = this.#around
    try {
      for (const source of this.#sources) await this.#copy(source)
      for (const { segment } of this.#outputs) {
        this.report.bytesAfter += segment.bytes
        await promised((done) => segment.finish(done))
      }
    } catch (error) {
      for (const { segment } of this.#outputs) if (!log.isSealed(segment.id)) segment.abort()
      throw error
    }
    await log.sync()
    for (const output of this.#outputs) {
      if (output.builder.count > 0) finishRun(output)
      keys.adopt(output.segment.id, output.runs, this.#ages.min, this.#ages.max)
    }
    for (let row = 0; row < this.#moved.count; row++) {
      this.#repoint(row)
      if (row % MERGE_SLICE_RECORDS === 0) await pause()
    }
    const outputs = this.#outputs.map(({ segment }) => segment.id)
    const cold = new Set<number>()
    for (const { segment } of this.#sources) if (keys.isCold(segment)) cold.add(segment)
    keys.replace(
      this.#sources.map(({ segment }) => segment),
      outputs,
    )
    for (const { segment } of this.#sources) ledger.retire(segment)
    for (let row = 0; row < this.#moved.count; row++) this.#release(row, cold)
    for (const { hash, ballot } of this.#left) this.#around.onLeft(hash, ballot)
  }

  /** Step 6. Resolves when the files are gone. */
  async drop(): Promise<void> {
    const { log, ledger, keys, blobs } = this.#engine
    // A verification may pin one that was free while another was waited for.
    while (this.#sources.some(({ segment }) => ledger.isPinned(segment))) {
      for (const { segment } of this.#sources) await ledger.whenUnpinned(segment)
    }
    for (const { segment } of this.#sources) {
      log.drop(segment)
      ledger.forget(segment)
      keys.removeHint(segment)
    }
    await log.settled()
    for (const name of this.#leftBlobs) blobs.remove(name)
  }

  async #copy({ segment, bytes }: SegmentStats): Promise<void> {
    const { log } = this.#engine
    const take = (offset: number, entry: Uint8Array, start: number, end: number) => {
      this.#take(segment, offset, entry, start, end)
    }
    for (let from = 0; from < bytes; ) {
      const next = log.readBlocks(segment, from, MERGE_SLICE_BYTES, take)
      this.#around.onProgress(next - from)
      from = next
      await this.#around.pause()
      while (this.#outputs.at(-1)?.segment.isBehind) await this.#around.rest()
      this.#around.goOn()
    }
  }

  /** One record of a source: does it live on, leave for good, or is it dead already? */
  #take(segment: number, offset: number, bytes: Uint8Array, start: number, end: number): void {
    const view = this.#view
    const { keys, lookup } = this.#engine
    if (!view.read(bytes, start, end) || view.space === SPACE.segment) return
    this.#around.hash(bytes, view.keyStart, view.keyEnd, this.#hash)
    const shardIndex = shardOf(this.#hash)
    const fingerprint = fingerprintOf(view.space, this.#hash)
    const slot = lookup.keydir.findPosition(shardIndex, fingerprint, segment, offset)
    if (slot < 0) {
      if (!keys.isCold(segment)) return
      if (!lookup.isNewest(view.space, bytes, view.keyStart, view.keyEnd, this.#hash, segment, offset)) return
    }
    const lengthWord = lengthWordOf(view, end - start)
    const isGone = segment < keys.dropped.goneBelow(view.space, this.#hash)
    if (isGone || this.#leaves(segment)) {
      const blob = blobNameOf(bytes, start, end - start)
      if (blob !== null) this.#leftBlobs.push(blob)
      if (view.space === SPACE.user) this.#noteLeft(view.ballot)
      this.#moved.add(shardIndex, fingerprint, lengthWord, segment, offset, 0, 0)
      return
    }
    const output = this.#outputFor(end - start)
    const newOffset = output.segment.append(bytes, start, end)
    addRecord(output.builder, view, newOffset, bytes, start, end)
    if (output.builder.count === RUN_ENTRIES) finishRun(output)
    this.#moved.add(shardIndex, fingerprint, lengthWord, segment, offset, output.segment.id, newOffset)
  }

  #noteLeft(ballot: Version): void {
    const { high, low } = this.#hash
    this.#left.push({ hash: { high, low }, ballot: new Version().copy(ballot) })
  }

  #leaves(segment: number): boolean {
    const { tombstone, expiresAtMs, ballot, space } = this.#view
    if (!tombstone && !isExpired(expiresAtMs, this.#around.now())) return false
    // After a restart the highest ballot in the log tells which requests may have been here before.
    if (space === SPACE.user && !isAbove(this.#engine.highestBallot, ballot)) return false
    return this.#free.has(segment) && this.#around.mayRelease(this.#hash, ballot, space)
  }

  #outputFor(length: number): Output {
    const newest = this.#outputs.at(-1)
    if (newest?.segment.hasRoomFor(length)) return newest
    const segment = this.#engine.log.createOutput()
    const output = { segment, runs: [], builder: new RunBuilder() }
    this.#outputs.push(output)
    this.#appendNote(segment)
    return output
  }

  /** Says in the output how old its records may be. */
  #appendNote(output: OutputSegment): void {
    const { min, max } = this.#ages
    const note = new Mutation()
    note.space = SPACE.segment
    note.key = new TextEncoder().encode('merged')
    note.keyEnd = note.key.length
    const value = new Uint8Array(8)
    new DataView(value.buffer).setUint32(0, min, true)
    new DataView(value.buffer).setUint32(4, max, true)
    const bytes = new Uint8Array(recordBytes(note, 8, false))
    writeRecord(note, bytes, 0, value, 0, 8, 0, 8, null)
    output.append(bytes, 0, bytes.length)
    this.#engine.ledger.setAges(output.id, min, max)
  }

  #repoint(row: number): void {
    const moved = this.#moved
    const newSegment = moved.newSegment(row)
    if (newSegment === 0) return
    const { lookup, ledger } = this.#engine
    const slot = this.#slotOf(row)
    if (slot >= 0) {
      const shard = lookup.keydir.shards[moved.shardIndex(row)]!
      shard[slot + SLOT_SEGMENT] = newSegment
      shard[slot + SLOT_OFFSET] = moved.newOffset(row)
    } else if (!this.#engine.keys.isCold(moved.segment(row))) return
    // A cold record that was overtaken meanwhile is counted for live: its segment is merged a little later.
    ledger.subtract(moved.segment(row), moved.lengthWord(row))
    ledger.add(newSegment, moved.lengthWord(row))
    this.report.records += 1
  }

  /** The slot of a tombstone that left. `cold`: sources of which a key without a slot may be the newest. */
  #release(row: number, cold: ReadonlySet<number>): void {
    const moved = this.#moved
    if (moved.newSegment(row) !== 0) return
    const { lookup, ledger } = this.#engine
    const slot = this.#slotOf(row)
    if (slot >= 0) {
      const shardIndex = moved.shardIndex(row)
      const shard = lookup.keydir.shards[shardIndex]!
      if (shard[slot + SLOT_CACHE] !== 0) lookup.cache.forget(shard[slot + SLOT_CACHE]!)
      lookup.keydir.remove(shardIndex, slot)
    } else if (!cold.has(moved.segment(row))) return
    ledger.subtract(moved.segment(row), moved.lengthWord(row))
    this.report.droppedTombstones += 1
  }

  #slotOf(row: number): number {
    const moved = this.#moved
    const { keydir } = this.#engine.lookup
    return keydir.findPosition(
      moved.shardIndex(row),
      moved.fingerprint(row),
      moved.segment(row),
      moved.offset(row),
    )
  }
}

function finishRun({ runs, builder, segment }: Output): void {
  runs.push(builder.toRun(segment.id))
  builder.clear()
}

/**
 * A tombstone's older records were written before it, so they lie in segments whose lowest age is at or below
 * the highest age of its own. It may leave when all of those, its own apart, are dropped before its own.
 */
export function segmentsWhoseTombstonesLeave(
  sources: readonly SegmentStats[],
  all: readonly SegmentStats[],
): Set<number> {
  const free = new Set<number>()
  for (let i = 0; i < sources.length; i++) {
    const own = sources[i]!
    const goneBefore = new Set(sources.slice(0, i).map(({ segment }) => segment))
    const others = all.filter(({ segment }) => segment !== own.segment && !goneBefore.has(segment))
    if (others.every(({ ageMin }) => ageMin > own.ageMax)) free.add(own.segment)
  }
  return free
}
