/**
 * The way back from a compressed value in pieces, for values whose whole would stop everything else for too
 * long, or take too much memory at once. The same input is refused for the same reasons as by `decompress`;
 * what is wrong with its inside is found on the way, so nothing may be done with the pieces before the last
 * one came.
 */
import { CODEC, type Codec } from './codec.ts'
import { decompress } from './decompress.ts'
import { VALUE_PIECE_BYTES } from './limits.ts'
import { Lz4Pieces } from './lz4-pieces.ts'
import { ZstdPieces, zstdStreams } from './zstd-pieces.ts'

export interface ValuePieces {
  /** As announced, and checked when the last piece was made; -1: it is not announced. */
  readonly rawBytes: number
  /**
   * The next piece, valid until the next call; null when there is none. Throws CodecError CODEC_TOO_LARGE or
   * CODEC_CORRUPT.
   */
  next(): Uint8Array | null
}

/** `bytes` must not change before the last piece. Throws CodecError like `decompress`. */
export function valuePieces(codec: Codec, bytes: Uint8Array, rawBytesMax: number): ValuePieces {
  if (codec === CODEC.lz4) return new Lz4Pieces(bytes, rawBytesMax, VALUE_PIECE_BYTES)
  const streams = codec === CODEC.zstd ? zstdStreams() : undefined
  if (streams !== undefined) return new ZstdPieces(bytes, rawBytesMax, VALUE_PIECE_BYTES, streams)
  // fzstd and node:zlib give it whole: one piece.
  return new WholeValue(decompress(codec, bytes, rawBytesMax))
}

class WholeValue implements ValuePieces {
  readonly rawBytes: number
  #value: Uint8Array | null

  constructor(value: Uint8Array) {
    this.#value = value.length > 0 ? value : null
    this.rawBytes = value.length
  }

  next(): Uint8Array | null {
    const value = this.#value
    this.#value = null
    return value
  }
}
