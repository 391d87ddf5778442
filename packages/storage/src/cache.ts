/**
 * L1: records that were read from disk, kept off the JS heap and bounded by bytes. (What was written lately
 * is in the log's window already and is read from there; it never enters this cache.)
 *
 * A log of chunks with CLOCK's second chance: a record is appended to the current chunk; when the byte limit
 * is reached the oldest chunk is recycled: records hit since they came move to its front and go on living
 * with their hit mark cleared, the others lose their keydir reference. So an insertion is one copy, a hit is
 * one store, and no operation makes garbage or walks a list.
 *
 *     entry   payload length u32 · fingerprint · segment · offset · shard · hit      (six int32)
 *             payload (the record as it lies in the log), padded to 8 bytes
 *
 * Invariant: a keydir slot's cache word names an entry whose fingerprint, segment and offset are the slot's
 * own; an entry that no slot names is garbage and is dropped when its chunk comes round.
 * Survivors may fill at most three quarters of a recycled chunk, so every recycling makes room.
 */

import { type Keydir, SLOT_CACHE } from './keydir.ts'
import { CHUNK_BYTES_MAX, CHUNK_BYTES_MIN } from './limits.ts'

export const ENTRY_HEADER_BYTES = 24
const LENGTH = 0
const FINGERPRINT = 1
const SEGMENT = 2
const OFFSET = 3
const SHARD = 4
const HIT = 5

export class Cache {
  readonly limitBytes: number
  readonly chunkBytes: number
  /** Where the entry last looked up, or put, lies: `bytes[at, at + length)` is the payload. */
  bytes: Uint8Array
  at = 0
  /** Entries that some slot names, and their bytes with headers and padding. */
  items = 0
  usedBytes = 0

  readonly #keydir: Keydir
  readonly #chunkCountMax: number
  readonly #chunks: Uint8Array[] = []
  readonly #words: Int32Array[] = []
  readonly #fill: number[] = []
  readonly #unitShift: number
  #current = -1

  constructor(limitBytes: number, keydir: Keydir) {
    this.limitBytes = limitBytes
    this.#keydir = keydir
    let chunkBytes = CHUNK_BYTES_MAX
    while (chunkBytes > CHUNK_BYTES_MIN && chunkBytes * 32 > limitBytes) chunkBytes /= 2
    this.chunkBytes = chunkBytes
    this.#unitShift = Math.log2(chunkBytes) - 3
    this.#chunkCountMax = Math.floor(limitBytes / chunkBytes)
    this.bytes = new Uint8Array(0)
  }

  /** Memory taken for chunks so far. */
  get chunksBytes(): number {
    return this.#chunks.length * this.chunkBytes
  }

  /** Points `bytes` and `at` to the payload of an entry and marks it as used. */
  use(reference: number): void {
    const unit = reference - 1
    const chunk = unit >>> this.#unitShift
    const at = (unit - (chunk << this.#unitShift)) << 3
    this.#words[chunk]![(at >>> 2) + HIT] = 1
    this.bytes = this.#chunks[chunk]!
    this.at = at + ENTRY_HEADER_BYTES
  }

  /** Copies a payload in and names it in the slot. False when it is too large for this cache. */
  put(shardIndex: number, slot: number, source: Uint8Array, start: number, length: number): boolean {
    const entryBytes = entrySize(length)
    if (this.#chunkCountMax === 0 || entryBytes > this.chunkBytes >>> 1) return false
    if (this.#current < 0) this.#addChunk()
    while (this.#fill[this.#current]! + entryBytes > this.chunkBytes) this.#advance()
    const chunk = this.#current
    const at = this.#fill[chunk]!
    this.#fill[chunk] = at + entryBytes
    const shard = this.#keydir.shards[shardIndex]!
    const words = this.#words[chunk]!
    const word = at >>> 2
    words[word + LENGTH] = length
    words[word + FINGERPRINT] = shard[slot]!
    words[word + SEGMENT] = shard[slot + 1]!
    words[word + OFFSET] = shard[slot + 2]!
    words[word + SHARD] = shardIndex
    words[word + HIT] = 0
    const bytes = this.#chunks[chunk]!
    bytes.set(source.subarray(start, start + length), at + ENTRY_HEADER_BYTES)
    shard[slot + SLOT_CACHE] = this.#reference(chunk, at)
    this.items += 1
    this.usedBytes += entryBytes
    this.bytes = bytes
    this.at = at + ENTRY_HEADER_BYTES
    return true
  }

  /** The slot no longer names this entry. The caller clears or overwrites the slot's cache word. */
  forget(reference: number): void {
    const unit = reference - 1
    const chunk = unit >>> this.#unitShift
    const word = (unit - (chunk << this.#unitShift)) << 1
    this.items -= 1
    this.usedBytes -= entrySize(this.#words[chunk]![word + LENGTH]!)
  }

  /** Merge moved the record: the entry follows, so that it stays its slot's own. */
  moved(reference: number, segment: number, offset: number): void {
    const unit = reference - 1
    const chunk = unit >>> this.#unitShift
    const word = (unit - (chunk << this.#unitShift)) << 1
    this.#words[chunk]![word + SEGMENT] = segment
    this.#words[chunk]![word + OFFSET] = offset
  }

  #reference(chunk: number, at: number): number {
    return (chunk << this.#unitShift) + (at >>> 3) + 1
  }

  #addChunk(): void {
    const bytes = new Uint8Array(this.chunkBytes)
    this.#chunks.push(bytes)
    this.#words.push(new Int32Array(bytes.buffer))
    this.#fill.push(0)
    this.#current = this.#chunks.length - 1
  }

  #advance(): void {
    if (this.#chunks.length < this.#chunkCountMax) return this.#addChunk()
    this.#current = (this.#current + 1) % this.#chunks.length
    this.#recycle(this.#current)
  }

  #recycle(chunk: number): void {
    const bytes = this.#chunks[chunk]!
    const words = this.#words[chunk]!
    const survivorBytesMax = (this.chunkBytes >>> 2) * 3
    const end = this.#fill[chunk]!
    let write = 0
    for (let read = 0; read < end; ) {
      const word = read >>> 2
      const size = entrySize(words[word + LENGTH]!)
      const shardIndex = words[word + SHARD]!
      const slot = this.#keydir.findPosition(
        shardIndex,
        words[word + FINGERPRINT]!,
        words[word + SEGMENT]!,
        words[word + OFFSET]!,
      )
      const shard = this.#keydir.shards[shardIndex]!
      if (slot >= 0 && shard[slot + SLOT_CACHE] === this.#reference(chunk, read)) {
        if (words[word + HIT] === 1 && write + size <= survivorBytesMax) {
          bytes.copyWithin(write, read, read + size)
          words[(write >>> 2) + HIT] = 0
          shard[slot + SLOT_CACHE] = this.#reference(chunk, write)
          write += size
        } else {
          shard[slot + SLOT_CACHE] = 0
          this.items -= 1
          this.usedBytes -= size
        }
      }
      read += size
    }
    this.#fill[chunk] = write
  }
}

function entrySize(payloadBytes: number): number {
  return ENTRY_HEADER_BYTES + ((payloadBytes + 7) & ~7)
}
