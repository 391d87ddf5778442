/**
 * Reads the outside of zstd frames (RFC 8878): how long each is, what it announces, and what it can grow to
 * at most. Every engine is then given one frame at a time together with a bound, so that no engine has to be
 * trusted with an announced size, with a sequence of frames, or with a window.
 *
 *     magic 4 | descriptor 1 | window 0-1 | dictionary 0-4 | content size 0-8 | blocks … | checksum 0-4
 *     block:  last 1 bit, type 2 bits, size 21 bits | size bytes (run-length: 1 byte, `size` times itself)
 *     skippable frame:  0x184D2A5? 4 | size 4 | size bytes
 */
import { CodecError } from './codec-error.ts'
import { ZSTD_BLOCK_BYTES_MAX, ZSTD_WINDOW_BYTES_MAX } from './limits.ts'

const MAGIC = 0xfd2fb528 | 0
const SKIPPABLE = 0x184d2a50
const HEADER_BYTES_MIN = 5
const BLOCK = { raw: 0, runLength: 1, compressed: 2 } as const

export interface ZstdFrame {
  start: number
  /** Where the first block begins. */
  blocks: number
  end: number
  /** Announced; -1 where the frame does not say. */
  contentBytes: number
  /** No decoder can make more of this frame than that. */
  bytesMax: number
  windowBytes: number
  hasChecksum: boolean
}

/**
 * The frames that hold data, in order. Throws CodecError CODEC_CORRUPT, CODEC_UNKNOWN (needs a dictionary),
 * CODEC_TOO_LARGE (window).
 */
export function readZstdFrames(bytes: Uint8Array): ZstdFrame[] {
  const frames: ZstdFrame[] = []
  if (bytes.length === 0) throw corrupt('is empty')
  for (let at = 0; at < bytes.length; ) {
    if (at + 8 > bytes.length) throw corrupt('ends inside a frame header')
    const magic = littleEndian(bytes, at, 4)
    if (((magic | 0) & ~15) === SKIPPABLE) {
      at += 8 + littleEndian(bytes, at + 4, 4)
      if (at > bytes.length) throw corrupt('ends inside a skippable frame')
      continue
    }
    if ((magic | 0) !== MAGIC) throw corrupt('does not start with the magic number')
    const frame = readFrame(bytes, at)
    frames.push(frame)
    at = frame.end
  }
  return frames
}

function readFrame(bytes: Uint8Array, start: number): ZstdFrame {
  const descriptor = bytes[start + 4]!
  if (descriptor & 0x08) throw corrupt('has a reserved bit set')
  const singleSegment = (descriptor & 0x20) !== 0
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!
  const sizeFlag = descriptor >>> 6
  const sizeBytes = sizeFlag === 0 ? (singleSegment ? 1 : 0) : 1 << sizeFlag
  let at = start + HEADER_BYTES_MIN
  if (at + 1 + dictionaryBytes + sizeBytes > bytes.length) throw corrupt('ends inside a frame header')
  const windowDescriptor = singleSegment ? 0 : bytes[at++]!
  if (littleEndian(bytes, at, dictionaryBytes) !== 0) {
    throw new CodecError('CODEC_UNKNOWN', 'the zstd frame needs a dictionary')
  }
  at += dictionaryBytes
  const contentBytes = sizeBytes === 0 ? -1 : littleEndian(bytes, at, sizeBytes) + (sizeBytes === 2 ? 256 : 0)
  at += sizeBytes
  const windowBytes = singleSegment ? contentBytes : windowOf(windowDescriptor)
  if (!singleSegment && windowBytes > ZSTD_WINDOW_BYTES_MAX) {
    throw new CodecError('CODEC_TOO_LARGE', `the zstd frame asks for a window of ${windowBytes} bytes`)
  }
  const hasChecksum = (descriptor & 4) !== 0
  const frame = { start, blocks: at, end: 0, contentBytes, bytesMax: 0, windowBytes, hasChecksum }
  walkBlocks(bytes, frame)
  if (hasChecksum) frame.end += 4
  if (frame.end > bytes.length) throw corrupt('ends inside a checksum')
  if (contentBytes > frame.bytesMax) throw corrupt('announces more than its blocks can hold')
  return frame
}

function walkBlocks(bytes: Uint8Array, frame: ZstdFrame): void {
  let at = frame.blocks
  for (let last = false; !last; ) {
    if (at + 3 > bytes.length) throw corrupt('ends inside a block header')
    const header = littleEndian(bytes, at, 3)
    last = (header & 1) === 1
    const type = (header >>> 1) & 3
    const size = header >>> 3
    if (type > BLOCK.compressed || size > ZSTD_BLOCK_BYTES_MAX) throw corrupt('has an impossible block')
    at += 3 + (type === BLOCK.runLength ? 1 : size)
    frame.bytesMax += type === BLOCK.compressed ? ZSTD_BLOCK_BYTES_MAX : size
    if (at > bytes.length) throw corrupt('ends inside a block')
  }
  frame.end = at
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3))
  return base + (base / 8) * (descriptor & 7)
}

/** Up to 8 bytes as a number; above 2^53 it is inexact, which is far above every limit. */
function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let i = count - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!
  return value
}

function corrupt(what: string): CodecError {
  return new CodecError('CODEC_CORRUPT', `the zstd data ${what}`)
}
