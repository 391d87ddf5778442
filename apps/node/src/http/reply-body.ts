/**
 * The JSON around a value. A stored JSON text goes out as it came in, byte for byte; raw bytes go out as the
 * JSON text they are, else as a JSON string, else as base64 with a word about it. Nothing is parsed and
 * printed again, so numbers beyond 2^53, the order of keys and duplicates survive.
 */
import { isUtf8 } from 'node:buffer'
import { type ErrorNumber, errorKind, isJsonText } from '@minivault/protocol'
import { VALUE_TYPE, type ValueType } from '@minivault/storage'

export const SUCCESS = Buffer.from('{"success":true}')
/** Around a value that is a JSON text. */
export const DATA = Buffer.from('{"success":true,"data":')
export const END = Buffer.from('}')
const BASE64_END = Buffer.from(',"encoding":"base64"}')

/** @returns a buffer of its own: the value is copied */
export function valueBody(value: Uint8Array, start: number, end: number, type: ValueType): Buffer {
  const bytes = value.subarray(start, end)
  if (type === VALUE_TYPE.json || isJsonText(value, start, end)) return Buffer.concat([DATA, bytes, END])
  const plain = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (isUtf8(plain)) return Buffer.concat([DATA, Buffer.from(JSON.stringify(plain.toString('utf8'))), END])
  return Buffer.concat([DATA, Buffer.from(`"${plain.toString('base64')}"`), BASE64_END])
}

export function errorBody(error: ErrorNumber, message: string | null): Buffer {
  const kind = errorKind(error)
  return Buffer.from(JSON.stringify({ success: false, error: message ?? kind.message, code: kind.name }))
}
