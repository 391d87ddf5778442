/*
 * The documented opcodes: the binary protocol as published, byte for byte, little-endian, for ever.
 *
 *   request  [opcode u8][keylen u16][key]                              GET 01, DELETE 03, HEALTH 05, AUTH 06
 *            [02][keylen u16][key][vallen u32][compressed u8][value]   SET 02; compressed: 0 raw, 1 zstd
 *   reply    [status u8][len u32][data]                                00 success, FF error (then len is 0)
 *
 * There is no request id: replies come in request order. AUTH's key stands where the key does; HEALTH takes
 * any key. The decoder judges nothing but the opcode: key length zero, a value above the limit or an unknown
 * `compressed` are well-formed frames that the server refuses, in step with the requests around them. It
 * fills in what it knows even when the frame is incomplete, so that such a frame can be refused, and its
 * remaining bytes skipped, before they arrive.
 */

import { appendBytes } from './append-bytes.ts'
import { ERROR } from './errors.ts'
import { LENGTH_CLAMP } from './limits.ts'
import { readLength, readU16, writeU16, writeU32 } from './little-endian.ts'

/** First bytes of requests. 0x01-0x0f open the documented form, 0x10 the second one. */
export const OPCODE = { get: 1, set: 2, delete: 3, health: 5, auth: 6, hello: 0x10 } as const
export type Opcode = (typeof OPCODE)[keyof typeof OPCODE]

export const DOCUMENTED_STATUS = { success: 0x00, error: 0xff } as const
export type DocumentedStatus = (typeof DOCUMENTED_STATUS)[keyof typeof DOCUMENTED_STATUS]

/** opcode and key length */
export const DOCUMENTED_HEAD_BYTES = 3
/** value length and `compressed`, between key and value of a SET */
export const DOCUMENTED_VALUE_HEAD_BYTES = 5
export const DOCUMENTED_REPLY_HEAD_BYTES = 5

/** A decoded request: offsets into the bytes it was decoded from. Reused. */
export class DocumentedRequest {
  /** -1 while not a single byte is there */
  opcode = -1
  keyStart = 0
  /** as announced: may lie beyond the bytes that are there */
  keyEnd = 0
  valueStart = 0
  /** as announced; a length above 2^30 - 1 reads as that (no such length is legal) */
  valueEnd = 0
  /** 0 raw, 1 zstd, anything else is the sender's error; 0 for all but SET */
  compressed = 0
  /** bytes this frame needs in all, as far as known; at most 2^30 - 1 */
  needed = 0
  /**
   * every length of the frame is known; before that key and value read as empty as long as their length is
   * unknown
   */
  headerComplete = false
}

/**
 * Decodes the request at `start`. Returns the bytes consumed; 0 when incomplete (see `into.needed`);
 * `-ERROR.UNSUPPORTED` for an unknown opcode, after which the stream is out of step.
 */
export function decodeDocumented(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: DocumentedRequest,
): number {
  const available = end - start
  const keyStart = start + DOCUMENTED_HEAD_BYTES
  into.keyStart = into.keyEnd = into.valueStart = into.valueEnd = keyStart
  into.compressed = 0
  into.headerComplete = false
  into.needed = DOCUMENTED_HEAD_BYTES
  if (available < 1) {
    into.opcode = -1
    return 0
  }
  const opcode = bytes[start]!
  into.opcode = opcode
  if (opcode < OPCODE.get || opcode > OPCODE.auth || opcode === 4) return -ERROR.UNSUPPORTED
  if (available < DOCUMENTED_HEAD_BYTES) return 0

  const keyEnd = keyStart + readU16(bytes, start + 1)
  into.keyEnd = into.valueStart = into.valueEnd = keyEnd
  if (opcode === OPCODE.set) return decodeValue(bytes, start, end, into)
  into.headerComplete = true
  into.needed = keyEnd - start
  return available < into.needed ? 0 : into.needed
}

function decodeValue(bytes: Uint8Array, start: number, end: number, into: DocumentedRequest): number {
  const keyEnd = into.keyEnd
  const valueStart = keyEnd + DOCUMENTED_VALUE_HEAD_BYTES
  into.valueStart = into.valueEnd = valueStart
  into.needed = valueStart - start
  if (end < valueStart) return 0
  const valueBytes = readLength(bytes, keyEnd)
  into.compressed = bytes[keyEnd + 4]!
  into.headerComplete = true
  const needed = valueStart - start + valueBytes
  into.valueEnd = valueStart + valueBytes
  into.needed = Math.min(needed, LENGTH_CLAMP)
  return end - start < needed ? 0 : needed
}

/** Writes `[status][len]`; the payload follows by other means. Returns the next offset. */
export function documentedReplyHeader(
  status: DocumentedStatus,
  length: number,
  target: Uint8Array,
  at: number,
): number {
  target[at] = status
  writeU32(length, target, at + 1)
  return at + DOCUMENTED_REPLY_HEAD_BYTES
}

/**
 * Writes a whole reply with `payload[start, end)`, or none. Returns the next offset. An error carries no
 * payload.
 */
export function encodeDocumentedReply(
  status: DocumentedStatus,
  payload: Uint8Array | null,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  const empty = payload === null || status !== DOCUMENTED_STATUS.success
  const next = documentedReplyHeader(status, empty ? 0 : end - start, target, at)
  return empty ? next : appendBytes(payload, start, end, target, next)
}

/** Writes GET, DELETE, HEALTH or AUTH; AUTH's key stands in `key`. Returns the next offset. */
export function encodeDocumentedRequest(
  opcode: 1 | 3 | 5 | 6,
  key: Uint8Array,
  target: Uint8Array,
  at: number,
): number {
  target[at] = opcode
  writeU16(key.length, target, at + 1)
  target.set(key, at + DOCUMENTED_HEAD_BYTES)
  return at + DOCUMENTED_HEAD_BYTES + key.length
}

/** Writes a SET up to and without its value of `valueBytes` bytes. Returns the next offset. */
export function documentedSetHeader(
  key: Uint8Array,
  valueBytes: number,
  compressed: 0 | 1,
  target: Uint8Array,
  at: number,
): number {
  target[at] = OPCODE.set
  writeU16(key.length, target, at + 1)
  target.set(key, at + DOCUMENTED_HEAD_BYTES)
  const next = at + DOCUMENTED_HEAD_BYTES + key.length
  writeU32(valueBytes, target, next)
  target[next + 4] = compressed
  return next + DOCUMENTED_VALUE_HEAD_BYTES
}

/** Writes a whole SET with `value[start, end)`. Returns the next offset. */
export function encodeDocumentedSet(
  key: Uint8Array,
  value: Uint8Array,
  start: number,
  end: number,
  compressed: 0 | 1,
  target: Uint8Array,
  at: number,
): number {
  const next = documentedSetHeader(key, end - start, compressed, target, at)
  return appendBytes(value, start, end, target, next)
}

/** A decoded reply: offsets into the bytes it was decoded from. Reused. */
export class DocumentedReply {
  status: DocumentedStatus = DOCUMENTED_STATUS.success
  valueStart = 0
  /** as announced: may lie beyond the bytes that are there */
  valueEnd = 0
  /** bytes this reply needs in all, as far as known */
  needed = 0
  headerComplete = false
}

/**
 * Decodes the reply at `start`. Returns the bytes consumed; 0 when incomplete (see `into.needed`);
 * `-ERROR.BAD_REQUEST` for a status that does not exist, after which the stream is out of step. The data of
 * an error reply is passed over.
 */
export function decodeDocumentedReply(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: DocumentedReply,
): number {
  const available = end - start
  const valueStart = start + DOCUMENTED_REPLY_HEAD_BYTES
  into.valueStart = into.valueEnd = valueStart
  into.needed = DOCUMENTED_REPLY_HEAD_BYTES
  into.headerComplete = false
  if (available < 1) return 0
  const status = bytes[start]!
  if (status !== DOCUMENTED_STATUS.success && status !== DOCUMENTED_STATUS.error) return -ERROR.BAD_REQUEST
  into.status = status
  if (available < DOCUMENTED_REPLY_HEAD_BYTES) return 0
  const valueBytes = readLength(bytes, start + 1)
  into.headerComplete = true
  into.valueEnd = valueStart + valueBytes
  const needed = DOCUMENTED_REPLY_HEAD_BYTES + valueBytes
  into.needed = Math.min(needed, LENGTH_CLAMP)
  return available < needed ? 0 : needed
}
