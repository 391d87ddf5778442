/** How large a compressed value becomes, told from its outside alone. */
import { CODEC, type Codec } from './codec.ts'
import { readZstdFrames } from './zstd-frame.ts'

/**
 * At most so many bytes come of it: whether it is worth reading in pieces. Never throws: what is malformed
 * is 0, and refused by whoever decompresses it.
 */
export function rawBytesBound(codec: Codec, bytes: Uint8Array): number {
  if (codec === CODEC.lz4) {
    if (bytes.length < 4) return 0
    return (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0
  }
  if (codec !== CODEC.zstd) return bytes.length
  try {
    let sum = 0
    for (const { contentBytes, bytesMax } of readZstdFrames(bytes)) {
      sum += contentBytes < 0 ? bytesMax : contentBytes
    }
    return sum
  } catch {
    return 0
  }
}
