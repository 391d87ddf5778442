/**
 * decompress: the way back from a stored or sent value to its bytes, for input that nobody has vouched for.
 * The output limit holds before anything is allocated: announced sizes are added up first, and where a zstd
 * frame announces none, its blocks tell what it can become at most, and the engine is stopped at the limit.
 */
import { CODEC, type Codec } from './codec.ts'
import { CodecError } from './codec-error.ts'
import { decompressLz4 } from './lz4.ts'
import { type ZstdEngine, zstdEngine } from './zstd-engine.ts'
import { readZstdFrames, type ZstdFrame } from './zstd-frame.ts'

/**
 * The raw bytes, at most `rawBytesMax` of them; with CODEC.none that is `bytes` itself.
 * Throws CodecError CODEC_TOO_LARGE, CODEC_CORRUPT or CODEC_UNKNOWN, and nothing else.
 */
export function decompress(codec: Codec, bytes: Uint8Array, rawBytesMax: number): Uint8Array {
  if (codec === CODEC.zstd) return decompressZstd(bytes, rawBytesMax, zstdEngine())
  if (codec === CODEC.lz4) return decompressLz4(bytes, rawBytesMax)
  if (codec !== CODEC.none) throw new CodecError('CODEC_UNKNOWN', `there is no codec ${codec}`)
  if (bytes.length > rawBytesMax) throw tooLarge(bytes.length, rawBytesMax)
  return bytes
}

/** The same for one engine, so that tests can try each. */
export function decompressZstd(bytes: Uint8Array, rawBytesMax: number, engine: ZstdEngine): Uint8Array {
  const frames = readZstdFrames(bytes)
  let announced = 0
  for (const frame of frames) announced += Math.max(0, frame.contentBytes)
  if (announced > rawBytesMax) throw tooLarge(announced, rawBytesMax)
  if (frames.length === 1) return decodeFrame(bytes, frames[0]!, rawBytesMax, engine)
  const values: Uint8Array[] = []
  let left = rawBytesMax
  for (const frame of frames) {
    const value = decodeFrame(bytes, frame, left, engine)
    left -= value.length
    values.push(value)
  }
  return Buffer.concat(values)
}

function decodeFrame(bytes: Uint8Array, frame: ZstdFrame, allowed: number, engine: ZstdEngine): Uint8Array {
  const { contentBytes, bytesMax } = frame
  if (contentBytes > allowed) throw tooLarge(contentBytes, allowed)
  const capacity = contentBytes >= 0 ? contentBytes : Math.min(bytesMax, allowed)
  let value: Uint8Array
  try {
    value = engine.decodeFrame(bytes, frame, capacity)
  } catch (error) {
    if (error instanceof CodecError) throw error
    // More than was announced is a lie, more than was allowed is too much.
    if (contentBytes < 0 && capacity < bytesMax && engine.tooLarge(error)) throw tooLarge(bytesMax, allowed)
    throw new CodecError('CODEC_CORRUPT', 'the zstd data is damaged', error)
  }
  if (contentBytes < 0 || value.length === contentBytes) return value
  throw new CodecError(
    'CODEC_CORRUPT',
    `the zstd data holds ${value.length} bytes and announces ${contentBytes}`,
  )
}

function tooLarge(bytes: number, allowed: number): CodecError {
  return new CodecError(
    'CODEC_TOO_LARGE',
    `the value would take up to ${bytes} bytes, allowed are ${allowed}`,
  )
}
