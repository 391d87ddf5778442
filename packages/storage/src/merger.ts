/**
 * Merge: rewrites the live records of some sealed segments into an output of its own and gives the files
 * back.
 *
 *     1  list the slots that point into the sources (a shard a slice)
 *     2  copy each record that still is its key's newest into an output (some hundred a slice)
 *     3  finish the output: fsync, rename, fsync of the directory, manifest
 *     4  make durable what overtook records that were therefore not copied
 *     5  re-point the slots that still point into the sources
 *     6  when no read holds a source, drop the sources, oldest ages first; then remove the slots of
 *        tombstones that left
 *
 * A crash before 6 leaves each record twice with one ballot, which replay does not mind. Without step 4 a
 * power cut could lose both the overtaking record and the older one that had been acknowledged at a higher
 * level.
 *
 * A tombstone leaves only when no older record of its key can be left: see docs/DATA_FILE.md, "Notes on
 * segments".
 */

import type { OutputSegment, Scheduler } from '@minivault/wal'
import type { Engine } from './engine.ts'
import {
  type Keydir,
  LENGTH_MASK,
  SLOT_CACHE,
  SLOT_LENGTH,
  SLOT_OFFSET,
  SLOT_SEGMENT,
  SLOT_WORDS,
  TOMBSTONE_BIT,
} from './keydir.ts'
import { MERGE_SLICE_BYTES, MERGE_SLICE_RECORDS, SHARD_COUNT } from './limits.ts'
import { type MergePolicy, pickMergeCandidates } from './merge-policy.ts'
import { Mutation, SPACE } from './mutation.ts'
import { recordBytes, writeRecord } from './record.ts'
import type { SegmentStats } from './segment-ledger.ts'
import { fromLog } from './storage-error.ts'
import type { Logger } from './store-options.ts'

export interface MergeReport {
  /** Segments that were rewritten. */
  segments: number
  records: number
  droppedTombstones: number
  bytesBefore: number
  bytesAfter: number
}

interface Moved {
  shardIndex: number
  fingerprint: number
  segment: number
  offset: number
  length: number
  /** 0: a tombstone that leaves. */
  newSegment: number
  newOffset: number
}

const SEGMENT_BYTES_DEFAULT = 64 * 1024 * 1024
const ROUNDS_MAX = 16

class Stopped extends Error {}

export class Merger {
  merges = 0
  mergedBytes = 0
  readonly #engine: Engine
  readonly #scheduler: Scheduler
  readonly #segmentBytes: number
  readonly #logger: Logger | undefined
  #running: Promise<unknown> = Promise.resolve()
  #isBusy = false
  #isStopping = false
  #checkedSegment = -1
  #scratch = new Uint8Array(1 << 16)

  constructor(engine: Engine, scheduler: Scheduler, segmentBytes = SEGMENT_BYTES_DEFAULT, logger?: Logger) {
    this.#engine = engine
    this.#scheduler = scheduler
    this.#segmentBytes = segmentBytes
    this.#logger = logger
  }

  /** From now on merges by itself: whenever a segment was filled, it looks whether it pays. */
  watch(): void {
    this.#engine.onProgress = () => {
      const segment = this.#engine.log.reservedSegment
      if (segment === this.#checkedSegment || this.#isBusy || this.#isStopping) return
      this.#checkedSegment = segment
      this.#enqueue(() => this.#inBackground()).catch((error: unknown) => {
        this.#logger?.warn(`merge gave up: ${error instanceof Error ? error.message : String(error)}`)
      })
    }
  }

  /**
   * Merges now what has anything to give back. Rejects with a StorageError; the sources are untouched then.
   */
  merge(): Promise<MergeReport> {
    return this.#enqueue(async () => {
      const { log, ledger } = this.#engine
      log.roll()
      await log.settled()
      const policy = {
        deadRatioMin: 0,
        smallBytes: this.#segmentBytes / 4,
        smallCountMin: 2,
        sparesMemory: false,
        outputBytesMax: Infinity,
      }
      const stats = ledger.stats(log)
      const all = stats.filter(({ sealed }) => sealed).map(({ segment }) => segment)
      const sources = ledger.tombstones > 0 ? all : pickMergeCandidates(stats, policy)
      return this.#mergeSegments(sources)
    })
  }

  /** Ends a running merge at its next slice. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#running.catch(() => {})
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#running
      .catch(() => {})
      .then(async () => {
        this.#isBusy = true
        try {
          return await work()
        } catch (error) {
          throw fromLog(error)
        } finally {
          this.#isBusy = false
        }
      })
    this.#running = result
    return result
  }

  async #inBackground(): Promise<void> {
    const policy: MergePolicy = {
      deadRatioMin: 0.5,
      smallBytes: this.#segmentBytes / 8,
      smallCountMin: 8,
      sparesMemory: true,
      outputBytesMax: this.#segmentBytes * 0.9,
    }
    for (let round = 0; round < ROUNDS_MAX && !this.#isStopping; round++) {
      if (this.#engine.log.error !== null) return
      const { log, ledger } = this.#engine
      const stats = ledger.stats(log)
      const sources = pickMergeCandidates(stats, policy)
      if (sources.length === 0) {
        // What is still being sealed is looked at with the progress that its sealing makes.
        if (stats.some(({ segment, sealed }) => !sealed && segment < log.reservedSegment))
          this.#checkedSegment = -1
        return
      }
      await this.#mergeSegments(sources)
    }
  }

  async #mergeSegments(numbers: number[]): Promise<MergeReport> {
    const { log, ledger } = this.#engine
    const stats = ledger.stats(log)
    const sources = stats.filter(({ segment }) => numbers.includes(segment))
    // The order in which they are dropped.
    sources.sort((a, b) => a.ageMax - b.ageMax || a.segment - b.segment)
    const report = {
      segments: sources.length,
      records: 0,
      droppedTombstones: 0,
      bytesBefore: 0,
      bytesAfter: 0,
    }
    if (sources.length === 0) return report
    for (const { bytes } of sources) report.bytesBefore += bytes
    const outputs: OutputSegment[] = []
    let moved: Moved[]
    try {
      const free = segmentsWhoseTombstonesLeave(sources, stats)
      moved = await this.#copy(await this.#list(new Set(numbers)), sources, free, outputs)
      for (const output of outputs) {
        report.bytesAfter += output.bytes
        await new Promise<void>((resolve, reject) =>
          output.finish((error) => (error ? reject(error) : resolve())),
        )
      }
    } catch (error) {
      for (const output of outputs) if (!log.segments().some(({ id }) => id === output.id)) output.abort()
      if (error instanceof Stopped) return report
      throw error
    }
    await log.sync()
    for (let i = 0; i < moved.length; i++) {
      if (this.#repoint(moved[i]!)) report.records += 1
      if (i % 4096 === 4095) await this.#turn()
    }
    while (sources.some(({ segment }) => ledger.isPinned(segment))) await this.#turn()
    for (const { segment } of sources) {
      log.drop(segment)
      ledger.forget(segment)
    }
    await log.settled()
    for (const entry of moved) if (this.#removeTombstone(entry)) report.droppedTombstones += 1
    this.merges += 1
    this.mergedBytes += report.bytesAfter
    return report
  }

  /** The slots that point into the sources, in the order of their places on disk. */
  async #list(sources: ReadonlySet<number>): Promise<Moved[]> {
    const { keydir } = this.#engine.lookup
    const list: Moved[] = []
    for (let shardIndex = 0; shardIndex < SHARD_COUNT; shardIndex++) {
      const shard = keydir.shards[shardIndex]!
      for (let slot = 0; slot < shard.length; slot += SLOT_WORDS) {
        const segment = shard[slot + SLOT_SEGMENT]!
        if (segment === 0 || !sources.has(segment)) continue
        const length = shard[slot + SLOT_LENGTH]! & LENGTH_MASK
        const offset = shard[slot + SLOT_OFFSET]!
        list.push({
          shardIndex,
          fingerprint: shard[slot]!,
          segment,
          offset,
          length,
          newSegment: 0,
          newOffset: 0,
        })
      }
      if (shardIndex % 16 === 15) await this.#turnOrStop()
    }
    return list.sort((a, b) => a.segment - b.segment || a.offset - b.offset)
  }

  async #copy(
    list: Moved[],
    sources: SegmentStats[],
    free: ReadonlySet<number>,
    outputs: OutputSegment[],
  ): Promise<Moved[]> {
    const { log, lookup } = this.#engine
    const moved: Moved[] = []
    let output: OutputSegment | null = null
    let bytes = 0
    let records = 0
    for (const entry of list) {
      const slot = this.#slotOf(lookup.keydir, entry)
      if (slot < 0) continue
      const isTombstone = (lookup.keydir.shards[entry.shardIndex]![slot + SLOT_LENGTH]! & TOMBSTONE_BIT) !== 0
      moved.push(entry)
      if (isTombstone && free.has(entry.segment)) continue
      if (this.#scratch.length < entry.length) this.#scratch = new Uint8Array(entry.length * 2)
      log.readSync(entry.segment, entry.offset, entry.length, this.#scratch, 0)
      if (output === null || !output.hasRoomFor(entry.length)) {
        output = log.createOutput()
        outputs.push(output)
        this.#appendNote(output, sources)
      }
      entry.newOffset = output.append(this.#scratch, 0, entry.length)
      entry.newSegment = output.id
      bytes += entry.length
      records += 1
      if (bytes < MERGE_SLICE_BYTES && records < MERGE_SLICE_RECORDS) continue
      bytes = 0
      records = 0
      await this.#turnOrStop()
    }
    return moved
  }

  /** Says in the output how old its records may be. */
  #appendNote(output: OutputSegment, sources: SegmentStats[]): void {
    const min = Math.min(...sources.map(({ ageMin }) => ageMin))
    const max = Math.max(...sources.map(({ ageMax }) => ageMax))
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

  #repoint(entry: Moved): boolean {
    if (entry.newSegment === 0) return false
    const { lookup, ledger } = this.#engine
    const slot = this.#slotOf(lookup.keydir, entry)
    if (slot < 0) return false
    const shard = lookup.keydir.shards[entry.shardIndex]!
    shard[slot + SLOT_SEGMENT] = entry.newSegment
    shard[slot + SLOT_OFFSET] = entry.newOffset
    ledger.subtract(entry.segment, shard[slot + SLOT_LENGTH]!)
    ledger.add(entry.newSegment, shard[slot + SLOT_LENGTH]!)
    return true
  }

  #removeTombstone(entry: Moved): boolean {
    if (entry.newSegment !== 0) return false
    const { lookup, ledger } = this.#engine
    const slot = this.#slotOf(lookup.keydir, entry)
    if (slot < 0) return false
    const shard = lookup.keydir.shards[entry.shardIndex]!
    if (shard[slot + SLOT_CACHE] !== 0) lookup.cache.forget(shard[slot + SLOT_CACHE]!)
    ledger.subtract(entry.segment, shard[slot + SLOT_LENGTH]!)
    lookup.keydir.remove(entry.shardIndex, slot)
    return true
  }

  #slotOf(keydir: Keydir, entry: Moved): number {
    return keydir.findPosition(entry.shardIndex, entry.fingerprint, entry.segment, entry.offset)
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#scheduler.afterTurn(resolve))
  }

  async #turnOrStop(): Promise<void> {
    await this.#turn()
    if (this.#isStopping) throw new Stopped()
  }
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
