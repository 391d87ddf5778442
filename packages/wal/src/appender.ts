/**
 * Where entries go in: the open block at the end of the tail, and the written mark behind what has left it. A
 * block that would not fit is written, a segment that is full is ended, a new one is begun.
 *
 * A *group* is a number of entries that must go into one block, since a block counts as a whole or not at
 * all. Invariant: while a group is not complete, nothing is written.
 */
import assert from 'node:assert'
import { FILLED_COMMIT_BYTES_MAX } from './limits.ts'
import { OpenBlock } from './open-block.ts'
import { BLOCK_FLAG_CLEAN_CLOSE, BLOCK_HEADER_BYTES } from './segment-format.ts'
import type { Syncer } from './syncer.ts'
import { Tail, type TailOptions } from './tail.ts'
import { fromSystem, type WalError } from './wal-error.ts'
import { Window } from './window.ts'

export interface AppenderOptions extends Omit<TailOptions, 'blockBytesMax'> {
  windowBytes: number
  spareBytes: number
  syncer: Syncer
  onFailed: (error: WalError) => void
}

export class Appender {
  readonly block: OpenBlock
  readonly tail: Tail
  /** Most bytes of entries that a block may have. */
  readonly entryBytesMax: number
  /** Everything below is handed to the operating system. */
  writtenSegment: number
  writtenOffset: number
  readonly #options: AppenderOptions
  /** The block's count when the newest group is complete. */
  #groupEnd = 0

  constructor(options: AppenderOptions) {
    const { windowBytes, spareBytes, segmentBytes, syncer } = options
    const blockBytesMax = Math.min(windowBytes, segmentBytes) >> 2
    this.entryBytesMax = blockBytesMax - BLOCK_HEADER_BYTES
    this.block = new OpenBlock(new Window(windowBytes, spareBytes))
    this.tail = new Tail({ ...options, blockBytesMax }, this.block)
    this.#options = options
    this.writtenSegment = syncer.durableSegment
    this.writtenOffset = syncer.durableOffset
  }

  /** Whether some entries of a group are still to come. */
  get isInGroup(): boolean {
    return this.block.count < this.#groupEnd
  }

  /** The next `count` entries, for which there is room, are a group. */
  beginGroup(count: number): void {
    assert(!this.isInGroup, 'a group within a group')
    this.#groupEnd = this.block.count + count
    this.block.mark()
  }

  /** Takes back what an incomplete group has committed. */
  cancelGroup(): void {
    if (this.isInGroup) this.block.rewind()
    this.#groupEnd = 0
  }

  /**
   * Writes the open block and lays one with room for `bytes` of entries; returns its segment's number. Rolls
   * where the segment is full. A failed write leaves no block open.
   */
  openBlock(bytes: number): number {
    if (this.block.count > 0 && !this.write()) return 0
    const need = BLOCK_HEADER_BYTES + bytes
    if (this.tail.segment && !this.tail.hasRoomFor(need)) this.endSegment()
    if (!this.tail.segment) this.tail.begin()
    this.tail.layBlock(need)
    return this.tail.segment!.number
  }

  /** One write call; false when it failed. A sync `isAsked` for: there will be others, see `FILL_BYTES`. */
  write(flags = 0, isAsked = false): boolean {
    assert(!this.isInGroup, 'the entries of a group are reserved and committed without a write between')
    const segment = this.tail.segment!
    this.#groupEnd = 0
    try {
      this.tail.writeBlock(flags, this.#options.syncer)
    } catch (error) {
      if (this.tail.fresh) this.#options.table.release(segment)
      this.#options.onFailed(fromSystem(error, 'writing', segment.path))
      return false
    }
    const isSmall = segment.bytes - this.writtenOffset <= FILLED_COMMIT_BYTES_MAX
    if (isAsked && isSmall) this.tail.fillAhead()
    this.writtenSegment = segment.number
    this.writtenOffset = segment.bytes
    return true
  }

  /** The active segment gets no more bytes. */
  endSegment(): void {
    const ended = this.tail.end()
    if (ended) this.#options.syncer.seal(ended)
  }

  /** What is not written never will be, and nothing more goes into the block. */
  forget(): void {
    this.#groupEnd = 0
    this.block.forget()
  }

  /** The block that says that the log was closed, behind which nothing follows. */
  writeCleanClose(): void {
    this.tail.layBlock(BLOCK_HEADER_BYTES)
    this.write(BLOCK_FLAG_CLEAN_CLOSE)
    this.endSegment()
  }
}
