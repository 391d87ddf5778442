/**
 * The operations of a BATCH, the value of its request, and the versions of its reply.
 *
 *   operation: 0 opcode u8 (SET or DELETE) · 1 flags u8 · 2 key length u16 · 4 value length u32 · 8 ttl u48
 *              14 zero u16 · 16 key · value
 */

import { readVersion, VERSION_BYTES, Version, writeVersion } from '@minivault/clock'
import { appendBytes } from './append-bytes.ts'
import { ERROR } from './errors.ts'
import { FRAME_FLAG, FRAME_OPCODE } from './frame-form.ts'
import { BATCH_OPERATIONS_MAX } from './limits.ts'
import { readLength, readU16, readU48, writeU16, writeU32, writeU48 } from './little-endian.ts'

export const BATCH_OPERATION_HEAD_BYTES = 16

/** A decoded operation: spans of the bytes it came from. Reused. */
export class BatchOperation {
  opcode: typeof FRAME_OPCODE.set | typeof FRAME_OPCODE.delete = FRAME_OPCODE.set
  isJson = false
  /** 0: for ever. */
  ttlMs = 0
  keyStart = 0
  keyEnd = 0
  valueStart = 0
  valueEnd = 0
}

/**
 * Reads the operations bytes[start, end). Returns their number, or -ERROR.BAD_REQUEST (they do not add up,
 * more than BATCH_OPERATIONS_MAX, or one of them is none) or -ERROR.KEY_MISSING; then none was given. The
 * operation is one object, reused.
 */
export function decodeBatch(
  bytes: Uint8Array,
  start: number,
  end: number,
  onOperation: (operation: BatchOperation) => void,
): number {
  const operation = new BatchOperation()
  let count = 0
  for (let at = start; at < end; count++) {
    at = readOperation(bytes, at, end, operation)
    if (at < 0) return at
    if (count === BATCH_OPERATIONS_MAX) return -ERROR.BAD_REQUEST
  }
  for (let at = start; at < end; ) {
    at = readOperation(bytes, at, end, operation)
    onOperation(operation)
  }
  return count
}

/** Returns the offset behind the operation, or an error below 0. */
function readOperation(bytes: Uint8Array, at: number, end: number, into: BatchOperation): number {
  if (end - at < BATCH_OPERATION_HEAD_BYTES) return -ERROR.BAD_REQUEST
  const opcode = bytes[at]!
  const flags = bytes[at + 1]!
  const keyBytes = readU16(bytes, at + 2)
  const valueBytes = readLength(bytes, at + 4)
  const ttlMs = readU48(bytes, at + 8)
  if (readU16(bytes, at + 14) !== 0) return -ERROR.BAD_REQUEST
  if (opcode === FRAME_OPCODE.set) {
    if ((flags & ~FRAME_FLAG.json) !== 0) return -ERROR.BAD_REQUEST
  } else if (opcode !== FRAME_OPCODE.delete || (flags | valueBytes) !== 0 || ttlMs !== 0) {
    return -ERROR.BAD_REQUEST
  }
  into.opcode = opcode
  into.isJson = flags !== 0
  into.ttlMs = ttlMs
  into.keyStart = at + BATCH_OPERATION_HEAD_BYTES
  into.keyEnd = into.valueStart = into.keyStart + keyBytes
  into.valueEnd = into.valueStart + valueBytes
  if (into.valueEnd > end) return -ERROR.BAD_REQUEST
  return keyBytes === 0 ? -ERROR.KEY_MISSING : into.valueEnd
}

/** A SET, or with the value null a DELETE. */
export interface BatchWrite {
  key: Uint8Array
  value: Uint8Array | null
  isJson?: boolean
  /** 0 or left out: for ever. */
  ttlMs?: number
}

/** The value of a BATCH's request. */
export function encodeBatch(writes: readonly BatchWrite[]): Uint8Array {
  let length = 0
  for (const { key, value } of writes) {
    length += BATCH_OPERATION_HEAD_BYTES + key.length + (value === null ? 0 : value.length)
  }
  const body = new Uint8Array(length)
  let at = 0
  for (const { key, value, isJson = false, ttlMs = 0 } of writes) {
    const valueBytes = value === null ? 0 : value.length
    body[at] = value === null ? FRAME_OPCODE.delete : FRAME_OPCODE.set
    body[at + 1] = isJson ? FRAME_FLAG.json : 0
    writeU16(key.length, body, at + 2)
    writeU32(valueBytes, body, at + 4)
    writeU48(ttlMs, body, at + 8)
    at = appendBytes(key, 0, key.length, body, at + BATCH_OPERATION_HEAD_BYTES)
    if (value !== null) at = appendBytes(value, 0, valueBytes, body, at)
  }
  return body
}

/** The value of a BATCH's reply; versions as 24 hex digits. */
export function encodeVersions(versions: readonly string[]): Uint8Array {
  const body = new Uint8Array(versions.length * VERSION_BYTES)
  for (const [index, text] of versions.entries()) {
    writeVersion(Version.parse(text), body, index * VERSION_BYTES)
  }
  return body
}

/** As 24 hex digits each; null where bytes[start, end) are not so many whole versions. */
export function decodeVersions(
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
): string[] | null {
  if (end - start !== count * VERSION_BYTES) return null
  const version = new Version()
  const versions: string[] = []
  for (let at = start; at < end; at += VERSION_BYTES)
    versions.push(readVersion(bytes, at, version).toString())
  return versions
}
