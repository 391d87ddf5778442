/**
 * lz4 by the package lz4-napi. Its form is a raw lz4 block behind the raw length:
 *
 *     raw length 4, little-endian | block
 *
 * The package allocates by that length and accepts one that is too large, so both ends of it are checked
 * here.
 */
import { CodecError } from './codec-error.ts'
import { LZ4_EXPANSION_MAX } from './limits.ts'
import { load } from './native.ts'

interface Lz4 {
  compressSync(bytes: Uint8Array): Uint8Array
  uncompressSync(bytes: Uint8Array): Uint8Array
}

let loaded: Lz4 | undefined

function lz4(): Lz4 {
  loaded ??= load<Lz4>('lz4-napi')
  if (loaded === undefined) throw new CodecError('CODEC_UNKNOWN', 'lz4-napi does not load on this machine')
  return loaded
}

/** In memory of its own. */
export function compressLz4(bytes: Uint8Array): Uint8Array {
  return lz4().compressSync(bytes)
}

export function decompressLz4(bytes: Uint8Array, rawBytesMax: number): Uint8Array {
  if (bytes.length < 5) throw new CodecError('CODEC_CORRUPT', 'the lz4 data is shorter than its header')
  const rawBytes = (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0
  if (rawBytes > rawBytesMax) {
    throw new CodecError(
      'CODEC_TOO_LARGE',
      `the lz4 data holds ${rawBytes} bytes, allowed are ${rawBytesMax}`,
    )
  }
  if (rawBytes > (bytes.length - 4) * LZ4_EXPANSION_MAX) {
    throw new CodecError('CODEC_CORRUPT', `${bytes.length} bytes of lz4 data cannot hold ${rawBytes}`)
  }
  let value: Uint8Array
  const library = lz4()
  try {
    value = library.uncompressSync(bytes)
  } catch (cause) {
    throw new CodecError('CODEC_CORRUPT', 'the lz4 data is damaged', cause)
  }
  if (value.length === rawBytes) return value
  throw new CodecError('CODEC_CORRUPT', `the lz4 data holds ${value.length} bytes and announces ${rawBytes}`)
}
