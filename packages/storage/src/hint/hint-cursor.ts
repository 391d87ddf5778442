/**
 * Goes through the entries of a hint file in order, either way. It reads several blocks that lie side by side
 * in one call; which blocks hold the range's ends is known from the index, so only in those two is anything
 * searched.
 */

import type { KeyRange } from './entry-list.ts'
import { HintBlock } from './hint-block.ts'
import type { HintFile } from './hint-file.ts'
import type { KeyCursor } from './key-cursor.ts'
import { KeyEntry } from './key-entry.ts'

/** Read at a time, or one block where that is more. */
const READ_BYTES = 16 * 1024

export class HintCursor implements KeyCursor {
  readonly entry = new KeyEntry()
  readonly #file: HintFile
  readonly #range: KeyRange
  readonly #block = new HintBlock()
  /** First and last block of the range. */
  readonly #first: number
  readonly #last: number
  /** The block whose entries are being handed out; then those whose bytes were read together. */
  #current: number
  #readFirst = 0
  #readLast = -1
  /** Next entry of the block, and how many of it are left. */
  #next = 0
  #left = 0

  constructor(file: HintFile, range: KeyRange) {
    this.#file = file
    this.#range = range
    // Behind the first keys stands the last one: with it, a range behind all keys has no block.
    const { index } = file
    const { from, to } = range
    const isBehind = from !== undefined && index.firstOf(range) === index.count
    const first = from === undefined ? 0 : index.upperBound(from.space, from.key, 0, from.key.length) - 1
    this.#first = isBehind ? file.blockCount : Math.max(0, Math.min(first, file.blockCount - 1))
    this.#last = to === undefined ? file.blockCount - 1 : Math.min(index.endOf(range), file.blockCount) - 1
    this.#current = range.reverse ? this.#last + 1 : this.#first - 1
  }

  next(): boolean {
    while (this.#left === 0) if (!this.#nextBlock()) return false
    this.#left -= 1
    this.#block.list.read(this.#next, this.#file.segment, this.entry)
    this.#next += this.#range.reverse ? -1 : 1
    return true
  }

  close(): void {
    this.#left = 0
    this.#current = this.#range.reverse ? this.#first : this.#last
  }

  #nextBlock(): boolean {
    const { reverse } = this.#range
    if (reverse ? this.#current <= this.#first : this.#current >= this.#last) return false
    const block = this.#current + (reverse ? -1 : 1)
    if (block < this.#readFirst || block > this.#readLast) this.#readAround(block)
    const at = this.#file.positionOf(block) - this.#file.positionOf(this.#readFirst)
    this.#file.takeBlock(block, this.#block, this.#block.bytes, at)
    this.#current = block
    const { list } = this.#block
    const start = block === this.#first ? list.firstOf(this.#range) : 0
    const end = block === this.#last ? list.endOf(this.#range) : list.count
    this.#left = Math.max(0, end - start)
    this.#next = reverse ? end - 1 : start
    return true
  }

  /** Reads this block and as many of those that come next as fit. */
  #readAround(block: number): void {
    const file = this.#file
    const { reverse } = this.#range
    let first = block
    let last = block
    const bytes = () => file.positionOf(last) + file.blockBytes(last) - file.positionOf(first)
    if (reverse) while (first > this.#first && bytes() + file.blockBytes(first - 1) <= READ_BYTES) first -= 1
    else while (last < this.#last && bytes() + file.blockBytes(last + 1) <= READ_BYTES) last += 1
    file.readBlocksSync(first, last, this.#block.room(bytes()))
    this.#readFirst = first
    this.#readLast = last
  }
}
