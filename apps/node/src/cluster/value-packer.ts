/**
 * Which form a value takes among the members: compressed once, where it is coordinated, as a store would do
 * it for itself; so it travels and is stored as it is.
 */
import { CODEC, Compressor, cloneBytes, decompress } from '@minivault/codec'
import { ProtocolError } from '@minivault/protocol'
import { BLOB_ABOVE_BYTES } from '@minivault/storage'
import type { Operation } from '../key-value.ts'
import type { MemberValue } from './member-value.ts'

export class ValuePacker {
  readonly #compressor = new Compressor({ codec: 'zstd' })

  /** A copy. Throws ProtocolError VALUE_TOO_LARGE, CodecError. */
  valueOf({ value, valueStart, valueEnd, valueType: type, codec, staged }: Operation): MemberValue {
    if (staged !== null) throw tooLarge()
    if (codec !== CODEC.none) {
      const data = cloneBytes(value, valueStart, valueEnd)
      const rawBytes = decompress(codec, data, BLOB_ABOVE_BYTES).length
      return { bytes: data.length, data, codec, rawBytes, type }
    }
    const rawBytes = valueEnd - valueStart
    if (rawBytes > BLOB_ABOVE_BYTES) throw tooLarge()
    const packed = this.#compressor.compress(value, valueStart, valueEnd)
    if (packed !== null) {
      return { bytes: packed.length, data: packed, codec: this.#compressor.codec, rawBytes, type }
    }
    const data = cloneBytes(value, valueStart, valueEnd)
    return { bytes: rawBytes, data, codec: CODEC.none, rawBytes, type }
  }
}

function tooLarge(): ProtocolError {
  const words = `in a cluster a value has at most ${BLOB_ABOVE_BYTES / 1024} KiB in this version`
  return new ProtocolError('VALUE_TOO_LARGE', words)
}
