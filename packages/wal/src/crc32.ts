/**
 * CRC-32 (IEEE 802.3, reflected, polynomial 0xEDB88320), as zlib's `crc32(bytes, seed)`; results are int32.
 *
 * Three ways by length, since leaving JavaScript costs more than the arithmetic of a short piece: eight bytes
 * a step through eight tables here (slicing-by-8, Kounavis and Berry 2005), sixteen a step in WebAssembly
 * (`crc32.wat`) on a copy in its memory, and zlib's. All entries of a block are taken by one call, see
 * entry-checksums.ts. Measured: docs/decisions/0005-checksum-in-webassembly.md.
 */
import { crc32 as nativeCrc32 } from 'node:zlib'
import { CRC32_MODULE } from './crc32-module.ts'

/** Up to here nothing leaves JavaScript. */
const SLICED_BYTES_MAX = 80
/** From here on zlib's is the fastest. */
export const NATIVE_BYTES_MIN = 1200

interface Module {
  memory: { buffer: ArrayBuffer }
  crc(at: number, end: number, seed: number): number
  seal(at: number, end: number, seed: number): void
}

// TypeScript declares WebAssembly only together with the browser's DOM.
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    Module: new (bytes: Uint8Array) => object
    Instance: new (module: object) => { exports: unknown }
  }
}

const module = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(CRC32_MODULE, 'base64')))
  .exports as Module

/** Where the module's input lies in its memory, behind the tables. */
const INPUT = 16_384
const table = new Int32Array(module.memory.buffer, 0, INPUT / 4)
const input = new Uint8Array(module.memory.buffer, INPUT)
const taken = new DataView(module.memory.buffer, INPUT)

for (let i = 0; i < 256; i++) {
  let crc = i
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  table[i] = crc
}
for (let i = 256; i < table.length; i++) {
  const before = table[i - 256]!
  table[i] = (before >>> 8) ^ table[before & 0xff]!
}

/** Checksum of bytes[start, end); `seed` stands for the checksum of what came before. */
export function crc32(bytes: Uint8Array, start: number, end: number, seed: number): number {
  const length = end - start
  if (length <= SLICED_BYTES_MAX) return crc32Sliced(bytes, start, end, seed)
  if (length >= NATIVE_BYTES_MIN) return nativeCrc32(bytes.subarray(start, end), seed >>> 0) | 0
  input.set(bytes.subarray(start, end))
  return module.crc(INPUT, INPUT + length, seed)
}

export function crc32Sliced(bytes: Uint8Array, start: number, end: number, seed: number): number {
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

/** Most bytes that `sumEntries` takes at once: they stay in the processor's cache. */
export const SUM_BYTES_MAX = 64 << 10

/**
 * Takes the checksums of the entries in bytes[start, end), all of them whole and together SUM_BYTES_MAX at
 * most; `seed` is that of the first, each next one's is higher by the bytes between. Returns a view that has
 * each checksum where its entry lies relative to `start`; it is valid until the next call.
 */
export function sumEntries(bytes: Uint8Array, start: number, end: number, seed: number): DataView {
  input.set(bytes.subarray(start, end))
  module.seal(INPUT, INPUT + end - start, seed)
  return taken
}
