/**
 * Copies of keys and values for as long as an operation lasts. Memory of its own costs a value of 1 KB four
 * microseconds on Node 20, and the collector as much again; what is carved out of a slab a tenth of that. A
 * slab lives as long as the last of what lies in it, and that is a fraction of a second.
 */
import { cloneBytes } from '@minivault/codec'

/** Shorter ones are made on V8's own heap. */
const OWN_HEAP_BYTES_MAX = 48
/** Longer ones have memory of their own. */
const CARVED_BYTES_MAX = 8 * 1024
const SLAB_BYTES = 64 * 1024

let slab = new ArrayBuffer(0)
let used = SLAB_BYTES

/** A copy of bytes[start, end), whose `buffer` may hold others, too. */
export function keepBytes(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const length = end - start
  if (length <= OWN_HEAP_BYTES_MAX || length > CARVED_BYTES_MAX) return cloneBytes(bytes, start, end)
  if (used + length > SLAB_BYTES) {
    slab = new ArrayBuffer(SLAB_BYTES)
    used = 0
  }
  const copy = new Uint8Array(slab, used, length)
  copy.set(length === bytes.length ? bytes : bytes.subarray(start, end))
  used = (used + length + 7) & ~7
  return copy
}
