/**
 * CRC-32 (IEEE 802.3, reflected) over a few bytes, as zlib computes it: what placement hashes and what ends
 * a layout. The log has its own, made for megabytes; this package may import nothing of ours.
 */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let word = byte
  for (let bit = 0; bit < 8; bit++) word = word & 1 ? (word >>> 1) ^ 0xedb88320 : word >>> 1
  return word
})

/** Unsigned. `before` is the checksum of the bytes that come first. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let word = ~before
  for (let i = 0; i < bytes.length; i++) word = TABLE[(word ^ bytes[i]!) & 255]! ^ (word >>> 8)
  return ~word >>> 0
}
