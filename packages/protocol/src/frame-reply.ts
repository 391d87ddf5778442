/**
 * Replies of the frame form, written and read in place. The value of an error reply is its message in UTF-8.
 * A value above CHUNK_BYTES travels in several replies with one frame id, in order, all but the last with the
 * flag `more`.
 */

import { readVersion, Version, writeVersion } from '@minivault/clock'
import { ERROR, OUTCOME, type Outcome } from './errors.ts'
import { FRAME_REPLY_HEAD_BYTES, REPLY_AT, REPLY_BIT, REPLY_FLAGS_KNOWN } from './frame-form.ts'
import { FRAME_BYTES_MAX } from './limits.ts'
import { readI32, readLength, readU16, writeU16, writeU32 } from './little-endian.ts'

/** A reply: decoded (the value a span of the bytes it came from) or to be encoded. Mutable and reused. */
export class FrameReply {
  /** The request's opcode, without REPLY_BIT. */
  opcode = 0
  /** FRAME_FLAG bits */
  flags = 0
  outcome: Outcome = OUTCOME.ok
  codec = 0
  frameId = 0
  /** ERROR number, 0 for none */
  error = 0
  readonly version = new Version()
  /** Of what is refused; of a value `expiresAtMs` stands in its place. */
  retryAfterMs = 0
  /** Of a value that was read: ms since 1970 from which on it is gone; 0: never. */
  expiresAtMs = 0
  /** Of the whole value, also where a range of it or nothing of it was asked for. */
  totalBytes = 0
  /** Where in the whole value this frame's piece begins. */
  chunkOffset = 0
  valueStart = 0
  valueEnd = 0
  /** Bytes of the frame, as far as known. */
  needed: number = FRAME_REPLY_HEAD_BYTES

  begin(opcode: number, frameId: number): this {
    this.opcode = opcode
    this.frameId = frameId
    this.flags = 0
    this.outcome = OUTCOME.ok
    this.codec = 0
    this.error = 0
    this.version.clear()
    this.retryAfterMs = 0
    this.expiresAtMs = 0
    this.totalBytes = 0
    this.chunkOffset = 0
    return this
  }
}

/** Conventions as `decodeFrameRequest`. */
export function decodeFrameReply(bytes: Uint8Array, start: number, end: number, into: FrameReply): number {
  into.needed = FRAME_REPLY_HEAD_BYTES
  if (end - start < FRAME_REPLY_HEAD_BYTES) return 0
  const opcode = bytes[start + REPLY_AT.opcode]!
  const flags = bytes[start + REPLY_AT.flags]!
  const length = readLength(bytes, start + REPLY_AT.length)
  if (length > FRAME_BYTES_MAX) return -ERROR.FRAME_TOO_LARGE
  const outcome = bytes[start + REPLY_AT.outcome]!
  if (length < FRAME_REPLY_HEAD_BYTES || (opcode & REPLY_BIT) === 0) return -ERROR.BAD_REQUEST
  if ((flags & ~REPLY_FLAGS_KNOWN) !== 0 || outcome > OUTCOME.inDoubt) return -ERROR.BAD_REQUEST
  into.needed = length
  into.opcode = opcode & ~REPLY_BIT
  into.flags = flags
  into.outcome = outcome as Outcome
  into.codec = bytes[start + REPLY_AT.codec]!
  into.frameId = readI32(bytes, start + REPLY_AT.frameId)
  into.error = readU16(bytes, start + REPLY_AT.error)
  readVersion(bytes, start + REPLY_AT.version, into.version)
  // When a value ends stands in fields that its reply has no other use for: the upper 16 bits, then 32.
  const high = readU16(bytes, start + REPLY_AT.zero)
  const isExpiry = high !== 0
  into.expiresAtMs = isExpiry ? high * 2 ** 32 + (readI32(bytes, start + REPLY_AT.retryAfterMs) >>> 0) : 0
  into.retryAfterMs = isExpiry ? 0 : readLength(bytes, start + REPLY_AT.retryAfterMs)
  into.totalBytes = readLength(bytes, start + REPLY_AT.totalBytes)
  into.chunkOffset = readLength(bytes, start + REPLY_AT.chunkOffset)
  into.valueStart = start + FRAME_REPLY_HEAD_BYTES
  into.valueEnd = start + length
  return end - start < length ? 0 : length
}

/**
 * Writes the header of a reply whose value of `valueBytes` follows by other means. Returns the next offset.
 */
export function frameReplyHeader(
  reply: FrameReply,
  valueBytes: number,
  target: Uint8Array,
  at: number,
): number {
  target[at + REPLY_AT.opcode] = reply.opcode | REPLY_BIT
  target[at + REPLY_AT.flags] = reply.flags
  target[at + REPLY_AT.outcome] = reply.outcome
  target[at + REPLY_AT.codec] = reply.codec
  writeU32(FRAME_REPLY_HEAD_BYTES + valueBytes, target, at + REPLY_AT.length)
  writeU32(reply.frameId, target, at + REPLY_AT.frameId)
  writeU16(reply.error, target, at + REPLY_AT.error)
  writeU16(reply.expiresAtMs / 2 ** 32, target, at + REPLY_AT.zero)
  writeVersion(reply.version, target, at + REPLY_AT.version)
  const low = reply.expiresAtMs === 0 ? reply.retryAfterMs : reply.expiresAtMs % 2 ** 32
  writeU32(low, target, at + REPLY_AT.retryAfterMs)
  writeU32(reply.totalBytes, target, at + REPLY_AT.totalBytes)
  writeU32(reply.chunkOffset, target, at + REPLY_AT.chunkOffset)
  return at + FRAME_REPLY_HEAD_BYTES
}
