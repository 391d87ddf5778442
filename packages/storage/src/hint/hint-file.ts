/**
 * A segment's hint file, open for reading. Its bloom and the index of its blocks stand in memory, so that "is
 * the key here" and "in which block" cost no disk, and the answer one block of about 4 KiB. Both may be
 * dropped when the segment is not asked any more; they, and the descriptor, come back by themselves.
 *
 * What does not bear out the checksums is `HintDamaged`, never an answer.
 */

import type { KeyHash } from '@minivault/codec'
import { crc32, type FileSystem } from '@minivault/wal'
import { fingerprintOf } from '../fingerprint.ts'
import { AwakeHints } from './awake-hints.ts'
import { Bloom } from './bloom.ts'
import { EntryList, type KeyRange } from './entry-list.ts'
import { HintBlock, HintDamaged } from './hint-block.ts'
import { HintCursor } from './hint-cursor.ts'
import { HINT_HEADER_BYTES, type HintHeader, readHintHeader } from './hint-format.ts'
import { int32At } from './key-entry.ts'

/** The segment that the file must belong to. */
export interface HintExpected {
  number: number
  seed: number
  bytes: number
  layoutHash: number
}

/** Offsets in an entry of the index: where its block is and how long. */
const INDEX_POSITION = 4
const INDEX_LENGTH = 8

export class HintFile {
  readonly path: string
  readonly header: HintHeader
  readonly #fileSystem: FileSystem
  readonly #awake: AwakeHints
  /** -1: it rests. */
  #descriptor: number
  #index: EntryList | null = null
  #bloom: Bloom | null = null
  #reads = 0
  #isClosed = false

  private constructor(
    fileSystem: FileSystem,
    awake: AwakeHints,
    descriptor: number,
    path: string,
    header: HintHeader,
  ) {
    this.#fileSystem = fileSystem
    this.#awake = awake
    this.#descriptor = descriptor
    awake.add(this)
    this.path = path
    this.header = header
  }

  /**
   * Null: there is none, or it is torn, damaged or another segment's; then it is to be made anew. Throws only
   * what says nothing about this file, such as EMFILE. `awake` is shared by the hints of a store.
   */
  static open(
    fileSystem: FileSystem,
    path: string,
    expected: HintExpected,
    awake = new AwakeHints(),
  ): HintFile | null {
    let descriptor: number
    try {
      descriptor = fileSystem.open(path, 'read')
    } catch (error) {
      if (isAboutFile(error)) return null
      throw error
    }
    let file: HintFile | null = null
    try {
      const header = checkedHeader(fileSystem, descriptor, expected)
      if (header !== null) {
        file = new HintFile(fileSystem, awake, descriptor, path, header)
        file.#loadIndex()
        file.#loadBloom()
        return file
      }
    } catch (error) {
      if (!(error instanceof HintDamaged) && !isAboutFile(error)) {
        if (file === null) fileSystem.close(descriptor)
        else file.close()
        throw error
      }
    }
    if (file === null) fileSystem.close(descriptor)
    else file.close()
    return null
  }

  /** The segment whose entries these are. */
  get segment(): number {
    return this.header.number
  }

  get memoryBytes(): number {
    const index = this.#index === null ? 0 : this.#index.bytes.byteLength + this.#index.starts.byteLength
    return index + (this.#bloom === null ? 0 : this.#bloom.words.byteLength)
  }

  /** Gives back bloom and index; whoever asks next for one of them reads it again. */
  dropMemory(): void {
    this.#index = null
    this.#bloom = null
  }

  /** False: the key is certainly not in this segment. */
  mayHave(space: number, hash: KeyHash): boolean {
    return (this.#bloom ?? this.#loadBloom()).mayHave(hash.high, fingerprintOf(space, hash))
  }

  get blockCount(): number {
    return Math.max(0, this.index.count - 1)
  }

  /** The block in which the key would be, or -1: it is before the first key or behind the last. */
  blockOf(space: number, key: Uint8Array, keyStart: number, keyEnd: number): number {
    const { index } = this
    const place = index.upperBound(space, key, keyStart, keyEnd)
    if (place < index.count) return place - 1
    // Behind the last block's first key, and not before the last key: it may only be that one.
    const isLast = index.count > 0 && index.find(space, key, keyStart, keyEnd) >= 0
    return isLast ? index.count - 2 : -1
  }

  /** Reads a block and checks it. */
  readBlockSync(block: number, into: HintBlock): void {
    const length = this.blockBytes(block)
    this.readBlocksSync(block, block, into.room(length))
    this.takeBlock(block, into, into.bytes, 0)
  }

  /** The same without holding up the event loop. */
  readBlock(block: number, done: (error: unknown, block: HintBlock | null) => void): void {
    if (this.#isClosed) return queueMicrotask(() => done(this.#damaged(0), null))
    const into = new HintBlock()
    const position = this.positionOf(block)
    const length = this.blockBytes(block)
    let count = 0
    this.#reads += 1
    const finish = (error: unknown) => {
      this.#reads -= 1
      if (this.#isClosed) this.rest()
      if (error !== null) return done(isAboutFile(error) ? this.#damaged(position, error) : error, null)
      try {
        this.takeBlock(block, into, into.bytes, 0)
      } catch (damage) {
        return done(damage, null)
      }
      done(null, into)
    }
    let descriptor: number
    try {
      descriptor = this.#wake(position)
    } catch (error) {
      return queueMicrotask(() => finish(error))
    }
    const more = () =>
      this.#fileSystem.read(
        descriptor,
        into.room(length),
        count,
        length - count,
        position + count,
        (error, read) => {
          count += read
          if (error === null && read > 0 && count < length) return more()
          finish(error ?? (count < length ? this.#damaged(position) : null))
        },
      )
    more()
  }

  /** Entries of the range in order, read from the file some blocks at a time. Throws HintDamaged. */
  cursor(range: KeyRange = {}): HintCursor {
    return new HintCursor(this, range)
  }

  /** Once what is being read has been read. Whoever still asks is told that it is damaged. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.dropMemory()
    this.rest()
  }

  /** Gives its descriptor back until it is asked again. False: it is being read. */
  rest(): boolean {
    if (this.#reads > 0) return false
    this.#awake.delete(this)
    if (this.#descriptor >= 0) this.#fileSystem.close(this.#descriptor)
    this.#descriptor = -1
    return true
  }

  #wake(position: number): number {
    if (this.#isClosed) throw this.#damaged(position)
    if (this.#descriptor >= 0) return this.#descriptor
    try {
      this.#descriptor = this.#fileSystem.open(this.path, 'read')
    } catch (error) {
      throw isAboutFile(error) ? this.#damaged(position, error) : error
    }
    this.#awake.add(this)
    return this.#descriptor
  }

  /** First keys of the blocks, then the last key. */
  get index(): EntryList {
    return this.#index ?? this.#loadIndex()
  }

  positionOf(block: number): number {
    const { index } = this
    return int32At(index.bytes, index.starts[block]! + INDEX_POSITION)
  }

  blockBytes(block: number): number {
    const { index } = this
    return int32At(index.bytes, index.starts[block]! + INDEX_LENGTH)
  }

  /** Reads blocks `first` to `last` as they are into the beginning of `bytes`. */
  readBlocksSync(first: number, last: number, bytes: Uint8Array): void {
    const position = this.positionOf(first)
    this.#readSync(bytes, this.positionOf(last) + this.blockBytes(last) - position, position)
  }

  /** Checks the block whose bytes stand at `at`. */
  takeBlock(block: number, into: HintBlock, bytes: Uint8Array, at: number): void {
    const position = this.positionOf(block)
    const isGood = into.take(bytes, at, at + this.blockBytes(block), (this.header.seed + position) | 0)
    if (!isGood) throw this.#damaged(position)
  }

  #loadIndex(): EntryList {
    const { indexAt, indexBytes, indexCrc } = this.header
    const index = new EntryList()
    if (!index.walk(this.#readChecked(indexAt, indexBytes, indexCrc), 0, indexBytes)) {
      throw this.#damaged(indexAt)
    }
    index.starts = index.starts.slice(0, index.count)
    this.#index = index
    return index
  }

  #loadBloom(): Bloom {
    const { indexAt, indexBytes, bloomBytes, bloomCrc } = this.header
    const bytes = this.#readChecked(indexAt + indexBytes, bloomBytes, bloomCrc)
    this.#bloom = new Bloom(new Int32Array(bytes.buffer))
    return this.#bloom
  }

  #readChecked(position: number, length: number, crc: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length)
    this.#readSync(bytes, length, position)
    if (crc32(bytes, 0, length, (this.header.seed + position) | 0) !== crc) throw this.#damaged(position)
    return bytes
  }

  #readSync(bytes: Uint8Array, length: number, position: number): void {
    const descriptor = this.#wake(position)
    let count = 0
    try {
      while (count < length) {
        const more = this.#fileSystem.readSync(descriptor, bytes, count, length - count, position + count)
        if (more <= 0) break
        count += more
      }
    } catch (error) {
      throw isAboutFile(error) ? this.#damaged(position, error) : error
    }
    if (count < length) throw this.#damaged(position)
  }

  #damaged(position: number, cause?: unknown): HintDamaged {
    return new HintDamaged(this.path, position, cause)
  }
}

function checkedHeader(
  fileSystem: FileSystem,
  descriptor: number,
  { number, seed, bytes, layoutHash }: HintExpected,
): HintHeader | null {
  const head = new Uint8Array(HINT_HEADER_BYTES)
  if (fileSystem.readSync(descriptor, head, 0, head.length, 0) < head.length) return null
  const header = readHintHeader(head)
  if (header === null) return null
  const isOurs =
    header.number === number &&
    header.seed === (seed | 0) &&
    header.segmentBytes === bytes &&
    header.layoutHash === (layoutHash | 0)
  const end = header.indexAt + header.indexBytes + header.bloomBytes
  return isOurs && fileSystem.size(descriptor) === end ? header : null
}

/** The file is not there or its place on the disk is bad, as opposed to what concerns the process. */
function isAboutFile(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code
  return code === 'ENOENT' || code === 'EIO' || code === 'EISDIR'
}
