/**
 * Compressed values that become far larger than they are, written byte by byte: a run-length block of zstd
 * takes four bytes for 128 KiB, a long match of lz4 one byte for 255.
 */
const ZSTD_MAGIC = [0x28, 0xb5, 0x2f, 0xfd]
const ZSTD_BLOCK_BYTES = 128 * 1024
/** Window 8 MiB, no size, no checksum. */
const WINDOW_DESCRIPTOR = 13 << 3

/** One frame of `bytes` equal bytes. Without `announced` it does not say how large it becomes. */
export function zstdBomb(bytes: number, announced?: number): Buffer {
  const head = Buffer.from(
    announced === undefined ? [...ZSTD_MAGIC, 0, WINDOW_DESCRIPTOR] : [...ZSTD_MAGIC, 0xa0, 0, 0, 0, 0],
  )
  if (announced !== undefined) head.writeUInt32LE(announced, 5)
  const count = Math.ceil(bytes / ZSTD_BLOCK_BYTES)
  const blocks = Buffer.alloc(4 * count, 0x41)
  for (let index = 0, left = bytes; index < count; index++, left -= ZSTD_BLOCK_BYTES) {
    const isLast = index === count - 1 ? 1 : 0
    blocks.writeUIntLE((Math.min(left, ZSTD_BLOCK_BYTES) << 3) | (1 << 1) | isLast, index * 4, 3)
  }
  return Buffer.concat([head, blocks])
}

/** Many frames, each within any bound. */
export function zstdBombInFrames(bytes: number, frames: number): Buffer {
  const each = zstdBomb(bytes / frames, bytes / frames)
  return Buffer.concat(Array.from({ length: frames }, () => each))
}

/** As the node stores and takes it: the raw length, then one lz4 block; all of it one literal repeated. */
export function lz4Bomb(bytes: number): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt32LE(bytes)
  const matched = bytes - 1 - 5
  const extra = matched - 19
  const lengths = Buffer.alloc(Math.floor(extra / 255) + 1, 255)
  lengths[lengths.length - 1] = extra % 255
  const match = Buffer.concat([Buffer.from([0x1f, 0x41, 1, 0]), lengths])
  return Buffer.concat([head, match, Buffer.from([0x50, 0x41, 0x41, 0x41, 0x41, 0x41])])
}
