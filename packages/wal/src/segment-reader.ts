/**
 * Walks a segment's file: block by block while they are valid, and, behind a bad place, from one block header
 * to the next by looking at every multiple of 8. Reads in large pieces; memory follows what a verified header
 * says, never more than the file holds.
 */
import { areEntriesSound } from './entry-checksums.ts'
import { type FileSystem, readAll } from './file-system.ts'
import { READ_CHUNK_BYTES } from './limits.ts'
import {
  BLOCK_FLAG_CLEAN_CLOSE,
  BLOCK_HEADER_BYTES,
  BLOCK_MAGIC,
  ENTRY_HEADER_BYTES,
  entryBytes,
  entryChecksum,
  isBlockHeader,
  readSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from './segment-format.ts'

/** Entries of a block: payload at bytes[start, end), `offset` its place in the file. */
export type OnEntry = (offset: number, bytes: Uint8Array, start: number, end: number) => void

export interface BlockFound {
  offset: number
  id: number
  syncedSegment: number
  syncedOffset: number
}

/** A bad place: where it starts in the file, and what is wrong. */
export type OnBad = (offset: number, reason: string) => void

export class SegmentReader {
  readonly #fileSystem: FileSystem
  #descriptor = -1
  #chunkBytes = READ_CHUNK_BYTES
  #bytes = new Uint8Array(0)
  #view = new DataView(new ArrayBuffer(0))
  #start = 0
  #count = 0
  /** Bytes of the file that count. */
  length = 0
  /** Of the newest block that `block` took. */
  cleanClose = false
  syncedSegment = 0
  syncedOffset = 0
  /** Behind the last byte that `find` saw and that was not zero. */
  usedEnd = 0

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem
  }

  /** From here on it reads this file, of which `length` bytes count, `chunkBytes` at once. */
  attach(descriptor: number, length: number, chunkBytes: number = READ_CHUNK_BYTES): this {
    this.#descriptor = descriptor
    this.#chunkBytes = chunkBytes
    this.#start = 0
    this.#count = 0
    this.length = length
    this.cleanClose = false
    this.usedEnd = 0
    return this
  }

  header(): SegmentHeader | null {
    const at = this.#load(0, SEGMENT_HEADER_BYTES)
    return at < 0 ? null : readSegmentHeader(this.#view, this.#bytes, at)
  }

  /**
   * Length of the valid block at `offset`, all its entries checked and then handed over; 0 when there is
   * none.
   */
  block(id: number, offset: number, onEntry: OnEntry): number {
    const bytes = this.#blockBytes(id, offset)
    if (bytes === 0) return 0
    const at = this.#load(offset, bytes)
    if (at < 0 || !this.#isSound(id, offset, at, bytes)) return 0
    this.cleanClose = (this.#view.getInt32(at + 24, true) & BLOCK_FLAG_CLEAN_CLOSE) !== 0
    this.syncedSegment = this.#view.getInt32(at + 16, true)
    this.syncedOffset = this.#view.getInt32(at + 20, true)
    const end = at + bytes
    for (let place = at + BLOCK_HEADER_BYTES; place < end; ) {
      const start = place + ENTRY_HEADER_BYTES
      const payloadBytes = this.#view.getInt32(place + 4, true)
      onEntry(offset + start - at, this.#bytes, start, start + payloadBytes)
      place += entryBytes(payloadBytes)
    }
    return bytes
  }

  /** Whether the block at `offset` is in the buffer already, whole. */
  holdsBlock(id: number, offset: number): boolean {
    if (!this.#isLoaded(offset, BLOCK_HEADER_BYTES)) return false
    return this.#isLoaded(offset, Math.max(BLOCK_HEADER_BYTES, this.#blockBytes(id, offset)))
  }

  /** Hands over the good entries of a bad block, as far as its lengths lead, and names the bad ones. */
  salvage(id: number, offset: number, onEntry: OnEntry, onBad: OnBad): void {
    const bytes = Math.min(this.#blockBytes(id, offset), this.length - offset)
    const at = bytes > BLOCK_HEADER_BYTES ? this.#load(offset, bytes) : -1
    if (at < 0) return onBad(offset, 'no valid block stands here')
    const end = at + bytes
    let bad = 0
    for (let place = at + BLOCK_HEADER_BYTES; place < end; ) {
      const from = offset + place - at
      const payloadBytes = place + ENTRY_HEADER_BYTES < end ? this.#view.getInt32(place + 4, true) : 0
      if (payloadBytes < 1 || payloadBytes > end - place - ENTRY_HEADER_BYTES) {
        return onBad(from, 'no valid entry stands here')
      }
      if (this.#view.getInt32(place, true) === entryChecksum(this.#bytes, place, payloadBytes, id, from)) {
        const start = place + ENTRY_HEADER_BYTES
        onEntry(from + ENTRY_HEADER_BYTES, this.#bytes, start, start + payloadBytes)
      } else {
        bad++
        onBad(from, 'the checksum of the entry is wrong')
      }
      place += entryBytes(payloadBytes)
    }
    if (bad === 0) onBad(offset, 'the block is not what its header says')
  }

  /**
   * The next block header at or behind `from` that `accept` takes; `id` null takes the block's own word for
   * it.
   */
  find(id: number | null, from: number, accept: (found: BlockFound) => boolean): BlockFound | null {
    for (let offset = (from + 7) & ~7; offset < this.length; ) {
      const chunk = Math.min(READ_CHUNK_BYTES, this.length - offset)
      const at = this.#load(offset, chunk)
      if (at < 0) return null
      const last = at + chunk
      let place = at
      for (; place < last; place += 8) {
        const whole = place + 8 <= last
        if (whole && this.#view.getInt32(place, true) === 0 && this.#view.getInt32(place + 4, true) === 0)
          continue
        const here = offset + place - at
        for (let i = place; i < Math.min(place + 8, last); i++)
          if (this.#bytes[i]) this.usedEnd = here + i - place + 1
        if (!whole || this.#view.getInt32(place, true) !== BLOCK_MAGIC) continue
        const found = this.#headerAt(id, here)
        if (found && accept(found)) return found
        if (this.#start !== offset - at) break // the look has moved the buffer
      }
      offset += place < last ? place + 8 - at : chunk
    }
    return null
  }

  #headerAt(id: number | null, offset: number): BlockFound | null {
    const at = this.#load(offset, BLOCK_HEADER_BYTES)
    if (at < 0) return null
    const own = id ?? this.#view.getInt32(at + 4, true)
    if (!isBlockHeader(this.#view, this.#bytes, at, own, offset)) return null
    return {
      offset,
      id: own,
      syncedSegment: this.#view.getInt32(at + 16, true),
      syncedOffset: this.#view.getInt32(at + 20, true),
    }
  }

  #blockBytes(id: number, offset: number): number {
    const at = this.#load(offset, BLOCK_HEADER_BYTES)
    if (at < 0 || !isBlockHeader(this.#view, this.#bytes, at, id, offset)) return 0
    const bytes = this.#view.getInt32(at + 8, true)
    return bytes >= BLOCK_HEADER_BYTES && bytes % 8 === 0 ? bytes : 0
  }

  #isSound(id: number, offset: number, at: number, bytes: number): boolean {
    const end = at + bytes
    let count = this.#view.getInt32(at + 12, true)
    let place = at + BLOCK_HEADER_BYTES
    while (place < end) {
      const payloadBytes = this.#view.getInt32(place + 4, true)
      if (payloadBytes < 1 || payloadBytes > end - place - ENTRY_HEADER_BYTES) return false
      const next = place + entryBytes(payloadBytes)
      for (let pad = place + ENTRY_HEADER_BYTES + payloadBytes; pad < next; pad++)
        if (this.#bytes[pad]) return false
      place = next
      count--
    }
    const first = at + BLOCK_HEADER_BYTES
    return (
      count === 0 && areEntriesSound(this.#view, this.#bytes, first, end, id, offset + BLOCK_HEADER_BYTES)
    )
  }

  #isLoaded(offset: number, need: number): boolean {
    return offset >= this.#start && offset + need <= this.#start + this.#count
  }

  /** Index in the buffer of [offset, offset+need) of the file, or -1 when the file ends before. */
  #load(offset: number, need: number): number {
    if (need > this.length - offset || need < 0) return -1
    if (this.#isLoaded(offset, need)) return offset - this.#start
    const want = Math.min(Math.max(this.#chunkBytes, need), this.length - offset)
    if (this.#bytes.length < want) {
      this.#bytes = new Uint8Array(want)
      this.#view = new DataView(this.#bytes.buffer)
    }
    this.#start = offset
    this.#count = 0
    this.#count = readAll(this.#fileSystem, this.#descriptor, this.#bytes, want, offset)
    return this.#count >= need ? 0 : -1
  }
}
