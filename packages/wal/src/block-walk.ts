/**
 * Reads a segment block by block in the order of the file, for those who want all of it: merge, verify,
 * rebuilding an index. Blocks come whole and checked, some of them a call, through one buffer that is used
 * again and again.
 *
 * Invariant: what is handed out has passed its checksum, and in a whole block its neighbours have, too.
 */
import assert from 'node:assert'
import type { FileSystem } from './file-system.ts'
import { SEGMENT_HEADER_BYTES } from './segment-format.ts'
import { type OnBad, type OnEntry, SegmentReader } from './segment-reader.ts'
import type { Segment } from './segment-table.ts'
import { systemOnly, WalError } from './wal-error.ts'

export class BlockWalk {
  readonly #fileSystem: FileSystem
  readonly #reader: SegmentReader
  #walking = false

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem
    this.#reader = new SegmentReader(fileSystem)
  }

  /** See `Log.readBlocks`. The segment's descriptor is open. */
  read(segment: Segment, from: number, bytesMax: number, onEntry: OnEntry, onBad: OnBad | null): number {
    assert(!this.#walking, 'the buffer is in use by an outer call')
    this.#walking = true
    try {
      return this.#read(segment, from, bytesMax, onEntry, onBad)
    } catch (error) {
      throw systemOnly(error, 'reading', segment.path)
    } finally {
      this.#walking = false
    }
  }

  #read(segment: Segment, from: number, bytesMax: number, onEntry: OnEntry, onBad: OnBad | null): number {
    const { id, descriptor } = segment
    const bad = onBad ?? refusal(segment)
    const end = Math.min(segment.bytes, this.#fileSystem.size(descriptor))
    const reader = this.#reader.attach(descriptor, end, bytesMax)
    if (from < SEGMENT_HEADER_BYTES) this.#checkHeader(segment, bad)
    let offset = Math.max(from, SEGMENT_HEADER_BYTES)
    const stop = offset + bytesMax
    while (offset < end) {
      const bytes = reader.block(id, offset, onEntry)
      offset += bytes
      if (bytes === 0) offset = this.#passOver(segment, offset, onBad ? onEntry : () => {}, bad)
      if (offset >= stop || !reader.holdsBlock(id, offset)) break
    }
    if (offset < end) return offset
    if (end < segment.bytes) bad(end, 'the file is too short')
    return segment.bytes
  }

  #checkHeader(segment: Segment, onBad: OnBad): void {
    const header = this.#reader.header()
    const isOwn =
      header?.id === segment.id && header.number === segment.number && header.kind === segment.kind
    if (!isOwn) onBad(0, 'the header is not that of this segment')
  }

  /** Names what is bad at `offset`, hands out what is good there; returns where the next block starts. */
  #passOver(segment: Segment, offset: number, onEntry: OnEntry, onBad: OnBad): number {
    this.#reader.salvage(segment.id, offset, onEntry, onBad)
    return this.#reader.find(segment.id, offset + 8, () => true)?.offset ?? this.#reader.length
  }
}

function refusal(segment: Segment): OnBad {
  return (offset, reason) => {
    throw new WalError('WAL_CORRUPT', `${segment.path} at ${offset}: ${reason}`, {
      path: segment.path,
      offset,
    })
  }
}
