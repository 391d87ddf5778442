/**
 * CRC-32 (IEEE 802.3, reflected, polynomial 0xEDB88320), as zlib's `crc32(bytes, seed)`; results are int32.
 * Short pieces go eight bytes a step through eight tables (slicing-by-8, Kounavis and Berry 2005): no call
 * out of JavaScript, no allocation. From `NATIVE_ABOVE_BYTES` on the native one is faster though it costs a
 * subarray. Measured: docs/decisions/0002-checksum.md.
 */
import { crc32 as nativeCrc32 } from 'node:zlib'

export const NATIVE_ABOVE_BYTES = 320

const TABLE = makeTables()

function makeTables(): Int32Array {
  const table = new Int32Array(8 * 256)
  for (let i = 0; i < 256; i++) {
    let crc = i
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
    table[i] = crc
  }
  for (let i = 256; i < table.length; i++) {
    const before = table[i - 256]!
    table[i] = (before >>> 8) ^ table[before & 0xff]!
  }
  return table
}

/** Checksum of bytes[start, end); `seed` stands for the checksum of what came before. */
export function crc32(bytes: Uint8Array, start: number, end: number, seed: number): number {
  if (end - start < NATIVE_ABOVE_BYTES) return crc32Sliced(bytes, start, end, seed)
  return nativeCrc32(bytes.subarray(start, end), seed >>> 0) | 0
}

export function crc32Sliced(bytes: Uint8Array, start: number, end: number, seed: number): number {
  const table = TABLE
  let crc = ~seed
  let at = start
  for (const last = end - 8; at <= last; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    crc =
      table[1792 + (crc & 0xff)]! ^
      table[1536 + ((crc >>> 8) & 0xff)]! ^
      table[1280 + ((crc >>> 16) & 0xff)]! ^
      table[1024 + (crc >>> 24)]! ^
      table[768 + bytes[at + 4]!]! ^
      table[512 + bytes[at + 5]!]! ^
      table[256 + bytes[at + 6]!]! ^
      table[bytes[at + 7]!]!
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ table[(crc ^ bytes[at]!) & 0xff]!
  return ~crc
}
