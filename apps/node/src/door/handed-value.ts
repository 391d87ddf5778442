/**
 * A value as a binary client hands it over: raw or compressed, bytes or a JSON text. What does not decompress
 * within the limit, or is not the JSON it says it is, is refused before anything is done with it.
 */
import { type Codec, decompress, rawBytesBound } from '@minivault/codec'
import { ERROR, type ErrorNumber, isJsonText, VALUE_BYTES_MAX } from '@minivault/protocol'
import { VALUE_TYPE, type ValueType } from '@minivault/storage'
import type { Operation } from '../key-value.ts'
import { UNPACKED_AT_ONCE_BYTES_MAX } from '../limits.ts'

/**
 * The codecs have the same numbers on the wire as in the store; the documented opcodes know the first two. A
 * value that becomes large is left as it is, `operation.codec` says how: it is for `Unpackings`.
 */
export function takeValue(
  operation: Operation,
  bytes: Uint8Array,
  start: number,
  end: number,
  codec: number,
  codecMax: Codec,
  type: ValueType,
): ErrorNumber {
  operation.setValue(bytes, start, end, type)
  if (codec > codecMax) return ERROR.BAD_COMPRESSION
  if (codec !== 0) {
    const packed = bytes.subarray(start, end)
    if (rawBytesBound(codec as Codec, packed) > UNPACKED_AT_ONCE_BYTES_MAX) {
      operation.codec = codec as Codec
      return ERROR.NONE
    }
    try {
      const raw = decompress(codec as Codec, packed, VALUE_BYTES_MAX)
      operation.setValue(raw, 0, raw.length, type)
      operation.setPacked(bytes, start, end, codec as Codec)
    } catch {
      return ERROR.BAD_COMPRESSION
    }
  }
  if (type === VALUE_TYPE.raw) return ERROR.NONE
  const { value, valueStart, valueEnd } = operation
  return isJsonText(value, valueStart, valueEnd) ? ERROR.NONE : ERROR.BAD_JSON
}
