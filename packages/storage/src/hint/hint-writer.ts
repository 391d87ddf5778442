/**
 * Writes the hint file of one segment from a cursor over its entries, some at a time, so that its owner
 * decides when others get their turn. Written under another name and renamed when it is whole; the header
 * comes last. Nothing is synced: what a power cut leaves of it does not pass the checks of an open.
 */

import { compareVersions, Version } from '@minivault/clock'
import { copyBytes, type hashKey, KeyHash } from '@minivault/codec'
import { crc32, type FileSystem, writeAll } from '@minivault/wal'
import { fingerprintOf } from '../fingerprint.ts'
import { OTHER_SPACE_BIT, TOMBSTONE_BIT } from '../keydir.ts'
import { SPACE } from '../mutation.ts'
import { Bloom } from './bloom.ts'
import {
  BLOCK_BYTES,
  BLOCK_HEADER_BYTES,
  HINT_HEADER_BYTES,
  HINT_HOLDS,
  type HintHeader,
  writeHintHeader,
} from './hint-format.ts'
import type { KeyCursor } from './key-cursor.ts'
import {
  compareKeys,
  entryBytes,
  entryKeyBytes,
  entryKeyStart,
  type KeyEntry,
  writeEntry,
  writeU32,
} from './key-entry.ts'

export interface HintOptions {
  fileSystem: FileSystem
  /** Of the finished file; its folder is there. */
  path: string
  number: number
  /** The segment's id. */
  seed: number
  /** Length of the segment. */
  bytes: number
  layoutHash: number
  ageMin: number
  ageMax: number
  hash: typeof hashKey
}

/** Blocks are written to the file so many bytes at a time. */
const FLUSH_BYTES = 256 * 1024
/** Keys added to the bloom in the time that one entry takes. */
const BLOOM_KEYS_AN_ENTRY = 8
const NO_BALLOT = new Version()

export class HintWriter {
  readonly #options: HintOptions
  readonly #cursor: KeyCursor
  readonly #unfinishedPath: string
  readonly #descriptor: number
  readonly #hash = new KeyHash()
  readonly #header: HintHeader
  /** Blocks not written yet; `#outAt` is the place of their first byte in the file. */
  #out = new Uint8Array(FLUSH_BYTES + 2 * BLOCK_BYTES)
  #outAt = HINT_HEADER_BYTES
  #fill = 0
  /** Where the open block starts in `#out`, or -1. */
  #block = -1
  /** Where the last entry starts in `#out`: its bytes stay there until the next one is written. */
  #last = -1
  #index = new Uint8Array(4096)
  #indexEnd = 0
  /** Two words for each key, kept until their number is known and with it the size of the bloom. */
  #hashes = new Int32Array(8192)
  #bloom: Bloom | null = null
  #bloomFill = 0
  #isDone = false

  /** Throws what the file system throws. The cursor is closed by the writer. */
  constructor(cursor: KeyCursor, options: HintOptions) {
    const { fileSystem, path } = options
    this.#options = options
    this.#cursor = cursor
    this.#unfinishedPath = `${path}.new`
    if (fileSystem.exists(this.#unfinishedPath)) fileSystem.remove(this.#unfinishedPath)
    this.#descriptor = fileSystem.open(this.#unfinishedPath, 'create')
    this.#header = {
      layoutHash: options.layoutHash,
      number: options.number,
      seed: options.seed,
      segmentBytes: options.bytes,
      flags: 0,
      entries: 0,
      tombstones: 0,
      userKeys: 0,
      ageMin: options.ageMin,
      ageMax: options.ageMax,
      highestBallot: new Version(),
      indexAt: 0,
      indexBytes: 0,
      indexCrc: 0,
      bloomBytes: 0,
      bloomCrc: 0,
    }
  }

  /** Goes on for about as long as so many entries take; true when the file stands under its name. */
  step(entriesMax: number): boolean {
    if (this.#isDone) return true
    try {
      if (this.#bloom === null) this.#addEntries(entriesMax)
      else if (this.#bloomFill < this.#header.entries) this.#fillBloom(entriesMax * BLOOM_KEYS_AN_ENTRY)
      else this.#finish(this.#bloom)
    } catch (error) {
      this.abort()
      throw error
    }
    return this.#isDone
  }

  /** Leaves nothing behind. Harmless after the end. */
  abort(): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#cursor.close()
    const { fileSystem } = this.#options
    try {
      fileSystem.close(this.#descriptor)
      fileSystem.remove(this.#unfinishedPath)
    } catch {
      // What stays is not read, and overwritten by the next try.
    }
  }

  #addEntries(entriesMax: number): void {
    for (let i = 0; i < entriesMax; i++) {
      if (this.#cursor.next()) {
        this.#add(this.#cursor.entry)
        continue
      }
      if (this.#block >= 0) this.#closeBlock()
      this.#bloom = Bloom.sized(this.#header.entries)
      return
    }
  }

  #add(entry: KeyEntry): void {
    this.#checkOrder(entry)
    const length = entry.end - entry.start
    if (this.#block >= 0 && this.#fill + length - this.#block > BLOCK_BYTES) this.#closeBlock()
    if (this.#block < 0) {
      this.#block = this.#fill
      this.#fill += BLOCK_HEADER_BYTES
    }
    if (this.#fill + length > this.#out.length) this.#out = grown(this.#out, this.#fill + length)
    copyBytes(entry.bytes, entry.start, entry.end, this.#out, this.#fill)
    this.#last = this.#fill
    this.#fill += length
    this.#count(entry)
  }

  /** A list out of order would hide keys. */
  #checkOrder({ space, bytes, keyStart, keyEnd }: KeyEntry): void {
    if (this.#last < 0) return
    const out = this.#out
    const lastKey = entryKeyStart(out, this.#last)
    const lastEnd = lastKey + entryKeyBytes(out, this.#last)
    if (compareKeys(out[this.#last + 2]!, out, lastKey, lastEnd, space, bytes, keyStart, keyEnd) < 0) return
    throw new RangeError('the entries of a hint file must come in order')
  }

  #count(entry: KeyEntry): void {
    const header = this.#header
    const { space, lengthWord } = entry
    if ((lengthWord & TOMBSTONE_BIT) !== 0) header.tombstones += 1
    else if ((lengthWord & OTHER_SPACE_BIT) === 0) header.userKeys += 1
    if (space !== SPACE.user) header.flags |= HINT_HOLDS.otherSpaces
    else if (compareVersions(entry.ballot, header.highestBallot) > 0) header.highestBallot.copy(entry.ballot)
    if (entry.blobAt >= 0) header.flags |= HINT_HOLDS.blobs
    if (entry.expiresAtMs > 0) header.flags |= HINT_HOLDS.expiries
    const hash = this.#options.hash(entry.bytes, entry.keyStart, entry.keyEnd, this.#hash)
    const at = 2 * header.entries
    if (at === this.#hashes.length) this.#hashes = grownWords(this.#hashes)
    this.#hashes[at] = hash.high
    this.#hashes[at + 1] = fingerprintOf(space, hash)
    header.entries += 1
  }

  #closeBlock(): void {
    const start = this.#block
    const position = this.#outAt + start
    const { seed } = this.#options
    writeU32(
      this.#out,
      start,
      crc32(this.#out, start + BLOCK_HEADER_BYTES, this.#fill, (seed + position) | 0),
    )
    this.#noteKey(start + BLOCK_HEADER_BYTES, position, this.#fill - start)
    this.#block = -1
    if (this.#fill >= FLUSH_BYTES) this.#flush()
  }

  /** Adds the key of the entry at `at` to the index. */
  #noteKey(at: number, position: number, length: number): void {
    const out = this.#out
    const keyStart = entryKeyStart(out, at)
    const keyEnd = keyStart + entryKeyBytes(out, at)
    const needed = this.#indexEnd + entryBytes(keyEnd - keyStart, 0, false)
    if (needed > this.#index.length) this.#index = grown(this.#index, needed)
    this.#indexEnd = writeEntry(
      this.#index,
      this.#indexEnd,
      out[at + 2]!,
      out,
      keyStart,
      keyEnd,
      position,
      length,
      NO_BALLOT,
      0,
      null,
      0,
      0,
    )
  }

  #flush(): void {
    this.#write(this.#out, this.#fill, this.#outAt)
    this.#outAt += this.#fill
    this.#fill = 0
  }

  #fillBloom(keysMax: number): void {
    const end = Math.min(this.#header.entries, this.#bloomFill + keysMax)
    for (let i = this.#bloomFill; i < end; i++)
      this.#bloom!.add(this.#hashes[2 * i]!, this.#hashes[2 * i + 1]!)
    this.#bloomFill = end
  }

  #finish({ words }: Bloom): void {
    const header = this.#header
    const { seed, fileSystem, path } = this.#options
    if (this.#last >= 0) this.#noteKey(this.#last, this.#outAt + this.#fill, 0)
    this.#flush()
    header.indexAt = this.#outAt
    header.indexBytes = this.#indexEnd
    header.indexCrc = crc32(this.#index, 0, this.#indexEnd, (seed + header.indexAt) | 0)
    this.#write(this.#index, this.#indexEnd, header.indexAt)
    const bloom = new Uint8Array(words.buffer)
    const bloomAt = header.indexAt + header.indexBytes
    header.bloomBytes = bloom.length
    header.bloomCrc = crc32(bloom, 0, bloom.length, (seed + bloomAt) | 0)
    this.#write(bloom, bloom.length, bloomAt)
    this.#write(writeHintHeader(header), HINT_HEADER_BYTES, 0)
    fileSystem.close(this.#descriptor)
    this.#isDone = true
    this.#cursor.close()
    fileSystem.rename(this.#unfinishedPath, path)
  }

  #write(bytes: Uint8Array, length: number, position: number): void {
    if (length > 0) writeAll(this.#options.fileSystem, this.#descriptor, bytes, 0, length, position)
  }
}

function grown(bytes: Uint8Array, needed: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(needed, bytes.length * 2))
  larger.set(bytes)
  return larger
}

function grownWords(words: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(words.length * 2)
  larger.set(words)
  return larger
}
