/**
 * CRC-32 by slicing tables in plain TypeScript, 4, 8 and 16 bytes a step, from bytes and from words: the
 * rivals of the WebAssembly module in bench/crc32.ts.
 */
const tables = new Int32Array(16 * 256)
for (let i = 0; i < 256; i++) {
  let crc = i
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  tables[i] = crc
}
for (let i = 256; i < tables.length; i++) {
  const before = tables[i - 256]!
  tables[i] = (before >>> 8) ^ tables[before & 0xff]!
}

/** What a word contributes that `behind` further words of the same step follow. */
function folded(word: number, behind: number): number {
  const t = behind << 10
  return (
    tables[t + 768 + (word & 0xff)]! ^
    tables[t + 512 + ((word >>> 8) & 0xff)]! ^
    tables[t + 256 + ((word >>> 16) & 0xff)]! ^
    tables[t + (word >>> 24)]!
  )
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

function rest(bytes: Uint8Array, start: number, end: number, crc: number): number {
  let sum = crc
  for (let at = start; at < end; at++) sum = (sum >>> 8) ^ tables[(sum ^ bytes[at]!) & 0xff]!
  return ~sum
}

export function slicingBy4(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let crc = ~seed
  let at = start
  for (; at + 4 <= end; at += 4) crc = folded(crc ^ wordAt(bytes, at), 0)
  return rest(bytes, at, end, crc)
}

export function slicingBy8(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let crc = ~seed
  let at = start
  for (; at + 8 <= end; at += 8) crc = folded(crc ^ wordAt(bytes, at), 1) ^ folded(wordAt(bytes, at + 4), 0)
  return rest(bytes, at, end, crc)
}

export function slicingBy16(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let crc = ~seed
  let at = start
  for (; at + 16 <= end; at += 16)
    crc =
      folded(crc ^ wordAt(bytes, at), 3) ^
      folded(wordAt(bytes, at + 4), 2) ^
      folded(wordAt(bytes, at + 8), 1) ^
      folded(wordAt(bytes, at + 12), 0)
  return rest(bytes, at, end, crc)
}

/** By 16 from words of the same memory; `start` is a multiple of four, as in the log's window. */
export function slicingWords(
  words: Int32Array,
  bytes: Uint8Array,
  start: number,
  end: number,
  seed: number,
): number {
  let crc = ~seed
  let word = start >>> 2
  for (const last = (end >>> 2) - 4; word <= last; word += 4)
    crc =
      folded(crc ^ words[word]!, 3) ^
      folded(words[word + 1]!, 2) ^
      folded(words[word + 2]!, 1) ^
      folded(words[word + 3]!, 0)
  for (const last = (end >>> 2) - 1; word <= last; word++) crc = folded(crc ^ words[word]!, 0)
  return rest(bytes, word << 2, end, crc)
}
