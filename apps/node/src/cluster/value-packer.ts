/**
 * Which form a value takes among the members: compressed once, where it is coordinated, as a store would do
 * it for itself; so it travels and is stored as it is.
 */
import { CODEC, Compressor, decompress, rawBytesBound } from '@minivault/codec'
import { BLOB_ABOVE_BYTES, type ValueType } from '@minivault/storage'
import type { Operation } from '../key-value.ts'
import { keepBytes } from './kept-bytes.ts'
import { LargeValue } from './large/large-value.ts'
import type { ValueFiles } from './large/value-files.ts'
import type { MemberValue } from './member-value.ts'

/** An eighth, as `Compressor` of @minivault/codec. */
const SAVED_SHIFT = 3

export class ValuePacker {
  readonly #compressor = new Compressor({ codec: 'zstd' })
  readonly #files: Pick<ValueFiles, 'staged'>

  constructor(files: Pick<ValueFiles, 'staged'>) {
    this.#files = files
  }

  /** A copy; of a value that was staged, its file. A longer one is staged before. Throws CodecError. */
  valueOf(operation: Operation): MemberValue {
    const { value, valueStart, valueEnd, valueType: type, codec, staged } = operation
    if (staged instanceof Uint8Array) return this.#pack(staged, 0, staged.length, type)
    if (staged !== null) return new LargeValue(this.#files.staged(staged), type, true)
    if (codec !== CODEC.none) {
      const data = keepBytes(value, valueStart, valueEnd)
      const rawBytes = decompress(codec, data, BLOB_ABOVE_BYTES).length
      return { bytes: data.length, data, codec, rawBytes, type }
    }
    const data = keptOf(operation)
    if (data === null) return this.#pack(value, valueStart, valueEnd, type)
    return { bytes: data.length, data, codec: operation.packedCodec, rawBytes: valueEnd - valueStart, type }
  }

  #pack(value: Uint8Array, valueStart: number, valueEnd: number, type: ValueType): MemberValue {
    const rawBytes = valueEnd - valueStart
    const packed = this.#compressor.compress(value, valueStart, valueEnd)
    if (packed !== null) {
      return { bytes: packed.length, data: packed, codec: this.#compressor.codec, rawBytes, type }
    }
    const raw = keepBytes(value, valueStart, valueEnd)
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
  const data = keepBytes(packed, packedStart, packedEnd)
  return rawBytesBound(packedCodec, data) === rawBytes ? data : null
}
