/**
 * Sorts entries by (space, key) without a comparator over bytes: strip what all begin with, take the next
 * eight bytes as two words, sort those by radix, byte by byte from the last one (bytes in which all are alike
 * are skipped), and do the same with those whose eight bytes are equal, eight bytes further on. A few are
 * sorted by insertion. A native sort of doubles, each four bytes and a place, took three times as long.
 *
 * What is sorted is the string `space, key`: depth 0 is the space, depth d the key's byte d-1. Bytes behind a
 * key's end count as zeros, so keys that end within the eight bytes are told apart by length.
 *
 * Stable: entries with one key keep their order.
 */

import { compareKeys, entryKeyBytes, entryKeyStart } from './key-entry.ts'

const INSERTION_MAX = 24
/** Bytes sorted by at a time: two words. */
const STEP_BYTES = 8
const WORD_BYTES = 4
const RADIX = 256

/** Brings starts[0, count) in order; they say where in `bytes` the entries start. */
export function sortEntries(bytes: Uint8Array, starts: Int32Array, count: number): void {
  // Ranges still to do, as from, to, depth; a stack of its own, for keys may be alike for 64 KiB.
  const pending = [0, count, 0]
  while (pending.length > 0) {
    const depth = pending.pop()!
    const to = pending.pop()!
    const from = pending.pop()!
    if (to - from <= INSERTION_MAX) insertionSort(bytes, starts, from, to, depth)
    else sortRange(bytes, starts, from, to, commonDepth(bytes, starts, from, to, depth), pending)
  }
}

function sortRange(
  bytes: Uint8Array,
  starts: Int32Array,
  from: number,
  to: number,
  depth: number,
  pending: number[],
): void {
  const count = to - from
  const before = starts.slice(from, to)
  const words = new Uint32Array(2 * count)
  for (let i = 0; i < count; i++) {
    words[2 * i] = wordAt(bytes, before[i]!, depth)
    words[2 * i + 1] = wordAt(bytes, before[i]!, depth + WORD_BYTES)
  }
  const order = radixOrder(words, count)
  let group = 0
  for (let i = 0; i < count; i++) {
    const place = order[i]!
    starts[from + i] = before[place]!
    const other = order[group]!
    if (words[2 * place] === words[2 * other] && words[2 * place + 1] === words[2 * other + 1]) continue
    if (i - group > 1) splitEnded(bytes, starts, from + group, from + i, depth + STEP_BYTES, pending)
    group = i
  }
  if (count - group > 1) splitEnded(bytes, starts, from + group, to, depth + STEP_BYTES, pending)
}

/** The places of `count` pairs of words in the order of their values; equal ones keep theirs. */
function radixOrder(words: Uint32Array, count: number): Int32Array {
  const counts = new Int32Array(STEP_BYTES * RADIX)
  for (let i = 0; i < count; i++) {
    const first = words[2 * i]!
    const second = words[2 * i + 1]!
    for (let digit = 0; digit < WORD_BYTES; digit++) {
      counts[digit * RADIX + ((second >>> (8 * digit)) & 255)]! += 1
      counts[(WORD_BYTES + digit) * RADIX + ((first >>> (8 * digit)) & 255)]! += 1
    }
  }
  let order = new Int32Array(count)
  let sorted = new Int32Array(count)
  for (let i = 0; i < count; i++) order[i] = i
  for (let digit = 0; digit < STEP_BYTES; digit++) {
    const word = digit < WORD_BYTES ? 1 : 0
    const shift = 8 * (digit % WORD_BYTES)
    const base = digit * RADIX
    if (counts[base + ((words[word]! >>> shift) & 255)] === count) continue
    for (let value = 0, sum = 0; value < RADIX; value++) {
      const here = counts[base + value]!
      counts[base + value] = sum
      sum += here
    }
    for (let i = 0; i < count; i++) {
      const place = order[i]!
      const bucket = base + ((words[2 * place + word]! >>> shift) & 255)
      sorted[counts[bucket]!] = place
      counts[bucket]! += 1
    }
    const swapped = order
    order = sorted
    sorted = swapped
  }
  return order
}

/** Puts those that end before `depth` first, by length; the others are still to do. */
function splitEnded(
  bytes: Uint8Array,
  starts: Int32Array,
  from: number,
  to: number,
  depth: number,
  pending: number[],
): void {
  if (to - from <= INSERTION_MAX) return insertionSort(bytes, starts, from, to, depth - STEP_BYTES)
  const before = starts.slice(from, to)
  let next = from
  for (let length = depth - STEP_BYTES; length <= depth; length++) {
    for (const start of before) if (1 + entryKeyBytes(bytes, start) === length) starts[next++] = start
  }
  if (next === to) return
  pending.push(next, to, depth)
  for (const start of before) if (1 + entryKeyBytes(bytes, start) > depth) starts[next++] = start
}

/** The four bytes from this depth on as an unsigned number. */
function wordAt(bytes: Uint8Array, start: number, depth: number): number {
  const keyStart = entryKeyStart(bytes, start)
  const keyEnd = keyStart + entryKeyBytes(bytes, start)
  const at = keyStart + depth - 1
  if (depth > 0 && at + WORD_BYTES <= keyEnd) {
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  }
  let word = 0
  for (let i = at; i < at + WORD_BYTES; i++) {
    word = word * 256 + (i < keyStart ? bytes[start + 2]! : i < keyEnd ? bytes[i]! : 0)
  }
  return word
}

/** The depth up to which all in the range are alike; at least `depth`. */
function commonDepth(bytes: Uint8Array, starts: Int32Array, from: number, to: number, depth: number): number {
  const first = starts[from]!
  const firstKey = entryKeyStart(bytes, first)
  let common = 1 + entryKeyBytes(bytes, first)
  for (let i = from + 1; i < to && common > depth; i++) {
    const start = starts[i]!
    if (depth === 0 && bytes[start + 2] !== bytes[first + 2]) return 0
    const key = entryKeyStart(bytes, start)
    const end = Math.min(common, 1 + entryKeyBytes(bytes, start))
    let same = Math.max(depth, 1)
    while (same < end && bytes[key + same - 1] === bytes[firstKey + same - 1]) same += 1
    common = same
  }
  return Math.max(common, depth)
}

function insertionSort(bytes: Uint8Array, starts: Int32Array, from: number, to: number, depth: number): void {
  for (let i = from + 1; i < to; i++) {
    const start = starts[i]!
    let hole = i
    while (hole > from && compareFrom(bytes, starts[hole - 1]!, start, depth) > 0) {
      starts[hole] = starts[hole - 1]!
      hole -= 1
    }
    starts[hole] = start
  }
}

/** Compares two that are alike up to `depth`. */
function compareFrom(bytes: Uint8Array, a: number, b: number, depth: number): number {
  const skip = depth > 0 ? depth - 1 : 0
  const keyA = entryKeyStart(bytes, a)
  const keyB = entryKeyStart(bytes, b)
  return compareKeys(
    bytes[a + 2]!,
    bytes,
    keyA + skip,
    keyA + entryKeyBytes(bytes, a),
    bytes[b + 2]!,
    bytes,
    keyB + skip,
    keyB + entryKeyBytes(bytes, b),
  )
}
