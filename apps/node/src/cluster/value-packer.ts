/**
 * Which form a value takes among the members: compressed once, where it is coordinated, as a store would do
 * it for itself; so it travels and is stored as it is.
 */
import { CODEC, Compressor, cloneBytes, decompress, rawBytesBound } from '@minivault/codec'
import { ProtocolError } from '@minivault/protocol'
import { BLOB_ABOVE_BYTES } from '@minivault/storage'
import type { Operation } from '../key-value.ts'
import type { MemberValue } from './member-value.ts'

/** An eighth, as `Compressor` of @minivault/codec. */
const SAVED_SHIFT = 3

export class ValuePacker {
  readonly #compressor = new Compressor({ codec: 'zstd' })

  /** A copy. Throws ProtocolError VALUE_TOO_LARGE, CodecError. */
  valueOf(operation: Operation): MemberValue {
    const { value, valueStart, valueEnd, valueType: type, codec, staged } = operation
    if (staged !== null) throw tooLarge()
    if (codec !== CODEC.none) {
      const data = cloneBytes(value, valueStart, valueEnd)
      const rawBytes = decompress(codec, data, BLOB_ABOVE_BYTES).length
      return { bytes: data.length, data, codec, rawBytes, type }
    }
    const rawBytes = valueEnd - valueStart
    if (rawBytes > BLOB_ABOVE_BYTES) throw tooLarge()
    const data = keptOf(operation)
    if (data !== null) {
      return { bytes: data.length, data, codec: operation.packedCodec, rawBytes, type }
    }
    const packed = this.#compressor.compress(value, valueStart, valueEnd)
    if (packed !== null) {
      return { bytes: packed.length, data: packed, codec: this.#compressor.codec, rawBytes, type }
    }
    const raw = cloneBytes(value, valueStart, valueEnd)
    return { bytes: rawBytes, data: raw, codec: CODEC.none, rawBytes, type }
  }
}

/**
 * As its client has compressed it, where that saved as much as a store wants, and it says its true length:
 * then whoever reads it needs to know nothing else. Null: it did not.
 */
function keptOf({ packed, packedCodec, packedStart, packedEnd, rawBytes }: Operation): Uint8Array | null {
  if (packedCodec === CODEC.none) return null
  if (packedEnd - packedStart > rawBytes - (rawBytes >>> SAVED_SHIFT)) return null
  const data = cloneBytes(packed, packedStart, packedEnd)
  return rawBytesBound(packedCodec, data) === rawBytes ? data : null
}

function tooLarge(): ProtocolError {
  const words = `in a cluster a value has at most ${BLOB_ABOVE_BYTES / 1024} KiB in this version`
  return new ProtocolError('VALUE_TOO_LARGE', words)
}
