/**
 * The open block: what is reserved and committed but not written. Its entries lie contiguous in the window,
 * directly behind room for the block's header (and, in a new segment, the segment's), so that a flush is one
 * write.
 *
 *     ring   … written │ (segment header) │ block header │ entry │ entry │ reserved …
 *                      └ #flushed                                 └ #address
 *
 * `reserve` and `commit` are the log's hottest path: int32 fields, no allocation.
 */
import assert from 'node:assert'
import { sealEntries } from './entry-checksums.ts'
import {
  BLOCK_HEADER_BYTES,
  ENTRY_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  writeBlockHeader,
} from './segment-format.ts'
import type { Window } from './window.ts'

export class OpenBlock {
  readonly ring: Window
  /** Bytes of entries that still fit; 0 when no block is laid. */
  room = 0
  /** Entries committed. */
  count = 0
  /** Place in the file behind the newest committed entry. */
  offset = 0
  readonly #words: Int32Array
  readonly #mask: number
  #address = 0
  #reserved = 0
  #markedAddress = 0
  #markedCount = 0
  /** Address of the block's header, and its place in the file. */
  #start = 0
  #startOffset = 0
  /** Address behind what is written: where the next block is laid. */
  #flushed = 0

  constructor(ring: Window) {
    this.ring = ring
    this.#words = ring.words
    this.#mask = ring.mask
  }

  /** Reserves an entry of `whole` bytes, which must fit; returns where in the ring its payload goes. */
  reserve(whole: number, payloadBytes: number): number {
    const index = this.#address & this.#mask
    const word = index >> 2
    const lastWord = word + (whole >> 2) - 1
    this.#words[lastWord - 1] = 0
    this.#words[lastWord] = 0
    this.#words[word + 1] = payloadBytes
    this.#reserved = whole
    this.ring.end = (this.#address + whole) | 0
    return index + ENTRY_HEADER_BYTES
  }

  commit(): void {
    const whole = this.#reserved
    assert(whole > 0, 'commit without reserve in the same turn')
    this.#reserved = 0
    this.#address = (this.#address + whole) | 0
    this.offset = (this.offset + whole) | 0
    this.room = (this.room - whole) | 0
    this.count = (this.count + 1) | 0
  }

  /**
   * Lays an empty block behind what is written, skipping to the ring's beginning where `need` bytes would not
   * fit before its end.
   */
  lay(segment: number, written: number, fresh: boolean, need: number, bytesMax: number): void {
    const headerBytes = fresh ? SEGMENT_HEADER_BYTES : 0
    let address = this.#flushed
    const left = this.ring.size - (address & this.#mask)
    const skips = need + headerBytes > left
    if (skips) address = this.#flushed = (address + left) | 0
    if (skips || fresh) this.ring.extend(segment, written, address)
    this.#start = (address + headerBytes) | 0
    this.#startOffset = written + headerBytes
    this.#address = (this.#start + BLOCK_HEADER_BYTES) | 0
    this.offset = this.#startOffset + BLOCK_HEADER_BYTES
    this.ring.end = this.#address
    this.room = Math.min(this.ring.size - (this.#start & this.#mask), bytesMax) - BLOCK_HEADER_BYTES
  }

  /** Where the block's header lies in the ring, and in the file. */
  get index(): number {
    return this.#start & this.#mask
  }

  get startOffset(): number {
    return this.#startOffset
  }

  /** Header and entries. */
  get bytes(): number {
    return (this.#address - this.#start) | 0
  }

  /** Takes the checksums and writes the header: the block is ready to leave. */
  seal(id: number, syncedSegment: number, syncedOffset: number, flags: number): void {
    const { bytes: ring, view } = this.ring
    const { index, bytes } = this
    const offset = this.#startOffset
    sealEntries(view, ring, index + BLOCK_HEADER_BYTES, index + bytes, id, offset + BLOCK_HEADER_BYTES)
    writeBlockHeader(view, ring, index, id, offset, bytes, this.count, syncedSegment, syncedOffset, flags)
  }

  /** Remembers the newest committed entry as the place to come back to. */
  mark(): void {
    this.#markedAddress = this.#address
    this.#markedCount = this.count
  }

  /** Takes back all entries behind the mark. */
  rewind(): void {
    const back = (this.#address - this.#markedAddress) | 0
    this.#address = this.#markedAddress
    this.ring.end = this.#markedAddress
    this.offset = (this.offset - back) | 0
    this.room = (this.room + back) | 0
    this.count = this.#markedCount
    this.#reserved = 0
  }

  /** It is written: what comes next is laid behind it. */
  written(): void {
    this.#flushed = this.#address
    this.forget()
  }

  /** Nothing more goes into it, and what is not written never will be. */
  forget(): void {
    this.count = 0
    this.room = 0
    this.#reserved = 0
  }
}
