/**
 * A cursor hands out entries one by one in the order of their keys, forwards or backwards. The merged cursor
 * makes one of many: of entries with one key it hands out the winner, the one with the highest ballot (of two
 * copies of one record the one in the higher segment), and tells who lost.
 *
 * The many stand in a binary heap by (key, winner first), so the heap's top is always the winner and the
 * losers of its key are found right below it. The top is advanced only by the next call of `next`, hence its
 * entry may be used in place until then.
 */

import { compareVersions } from '@minivault/clock'
import type { Overtaken } from '../keys/overtaken.ts'
import type { EntryList, KeyRange } from './entry-list.ts'
import { compareEntries, KeyEntry } from './key-entry.ts'

export interface KeyCursor {
  /** Valid after `next` has returned true, until its next call. */
  readonly entry: KeyEntry
  next(): boolean
  close(): void
}

/** Over a list in memory. */
export class ListCursor implements KeyCursor {
  readonly entry = new KeyEntry()
  readonly #list: EntryList
  readonly #segment: number
  readonly #overtaken: Overtaken | null
  readonly #step: 1 | -1
  #index: number
  #left: number

  constructor(list: EntryList, segment: number, range: KeyRange = {}, overtaken: Overtaken | null = null) {
    const first = list.firstOf(range)
    const end = list.endOf(range)
    this.#list = list
    this.#segment = segment
    this.#overtaken = overtaken
    this.#left = Math.max(0, end - first)
    this.#step = range.reverse ? -1 : 1
    this.#index = range.reverse ? end - 1 : first
  }

  next(): boolean {
    while (this.#left > 0) {
      const index = this.#index
      this.#left -= 1
      this.#index += this.#step
      if (this.#overtaken?.has(this.#list.offsetAt(index))) continue
      this.#list.read(index, this.#segment, this.entry)
      return true
    }
    return false
  }

  close(): void {
    this.#left = 0
  }
}

export class MergedCursor implements KeyCursor {
  entry = new KeyEntry()
  readonly #all: readonly KeyCursor[]
  readonly #heap: KeyCursor[] = []
  readonly #sign: 1 | -1
  readonly #onLoser: ((entry: KeyEntry) => void) | undefined
  #isStarted = false

  /** The cursors run in the same direction; they are closed with this one. */
  constructor(
    cursors: readonly KeyCursor[],
    options: { reverse?: boolean | undefined; onLoser?: ((entry: KeyEntry) => void) | undefined } = {},
  ) {
    this.#all = cursors
    this.#sign = options.reverse ? -1 : 1
    this.#onLoser = options.onLoser
  }

  next(): boolean {
    if (!this.#isStarted) this.#start()
    else if (this.#heap.length > 0) this.#advance(0)
    if (this.#heap.length === 0) return false
    this.#skipLosers()
    this.entry = this.#heap[0]!.entry
    return true
  }

  close(): void {
    this.#heap.length = 0
    this.#isStarted = true
    for (const cursor of this.#all) cursor.close()
  }

  #start(): void {
    this.#isStarted = true
    const heap = this.#heap
    for (const cursor of this.#all) if (cursor.next()) heap.push(cursor)
    for (let i = (heap.length >>> 1) - 1; i >= 0; i--) this.#siftDown(i)
  }

  /** Those with the top's key stand right below it: what is between would have the same key. */
  #skipLosers(): void {
    const heap = this.#heap
    const { entry } = heap[0]!
    for (let child = 1; child <= 2; child++) {
      while (child < heap.length && isSameKey(heap[child]!.entry, entry)) {
        this.#onLoser?.(heap[child]!.entry)
        this.#advance(child)
      }
    }
  }

  #advance(index: number): void {
    const heap = this.#heap
    if (!heap[index]!.next()) {
      const last = heap.pop()!
      if (index === heap.length) return
      heap[index] = last
    }
    this.#siftDown(index)
  }

  #siftDown(index: number): void {
    const heap = this.#heap
    const cursor = heap[index]!
    let hole = index
    for (;;) {
      let child = 2 * hole + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && this.#isBefore(heap[child + 1]!.entry, heap[child]!.entry)) child += 1
      if (!this.#isBefore(heap[child]!.entry, cursor.entry)) break
      heap[hole] = heap[child]!
      hole = child
    }
    heap[hole] = cursor
  }

  #isBefore(a: KeyEntry, b: KeyEntry): boolean {
    const order = compareEntries(a, b)
    return order === 0 ? isWinner(a, b) : order * this.#sign < 0
  }
}

/** Of two entries with one key: is `a` the newer one? */
export function isWinner(a: KeyEntry, b: KeyEntry): boolean {
  const order = compareVersions(a.ballot, b.ballot)
  if (order !== 0) return order > 0
  return a.segment === b.segment ? a.offset > b.offset : a.segment > b.segment
}

function isSameKey(a: KeyEntry, b: KeyEntry): boolean {
  return a.keyEnd - a.keyStart === b.keyEnd - b.keyStart && compareEntries(a, b) === 0
}
