/**
 * Requests of the frame form, written and read in place. A decoder judges the frame, not its meaning: lengths
 * that do not add up are errors after which the stream cannot be followed; everything else is the server's to
 * refuse: flags that do not belong to the opcode (`flagsFit`), too.
 */

import { readVersion, VERSION_BYTES, Version, writeVersion } from '@minivault/clock'
import { appendBytes } from './append-bytes.ts'
import { ERROR } from './errors.ts'
import {
  CONSISTENCY,
  type Consistency,
  DURABILITY_OF_SERVER,
  FRAME_FLAG,
  FRAME_OPCODE,
  FRAME_REQUEST_HEAD_BYTES,
  REQUEST_AT,
} from './frame-form.ts'
import { FRAME_BYTES_MAX } from './limits.ts'
import { readI32, readLength, readU16, readU48, writeU16, writeU32, writeU48 } from './little-endian.ts'

/** A request: decoded (spans of the bytes it came from) or to be encoded. Mutable and reused. */
export class FrameRequest {
  opcode: number = FRAME_OPCODE.get
  /** FRAME_FLAG bits */
  flags = 0
  consistency: Consistency = CONSISTENCY.server
  /** 0 memory, 1 os, 2 fsync, 255 the server's */
  durability = DURABILITY_OF_SERVER
  /** Pairs the reply with the request; 32 bits as int32. */
  frameId = 0
  /** Zero: the first coordinator stamps it. */
  readonly requestId = new Version()
  attempt = 0
  /** 0 raw, 1 zstd, 2 lz4 */
  codec = 0
  /** Milliseconds from receipt; 0: the server's time-out. */
  deadlineMs = 0
  /** With the flag `ifVersion`. */
  readonly expectedVersion = new Version()
  /** Of the whole value, where it travels in chunks; bytes wanted, with the flag `range` (0: to the end). */
  totalBytes = 0
  /** The piece's place in the value; with the flag `range`: the first byte wanted. */
  chunkOffset = 0
  /** 48 bits; 0: for ever. */
  ttlMs = 0
  keyStart = 0
  keyEnd = 0
  valueStart = 0
  valueEnd = 0
  /** Bytes of the frame, as far as known. */
  needed: number = FRAME_REQUEST_HEAD_BYTES

  /** A new request to be encoded: everything at its default. */
  begin(opcode: number, frameId: number): this {
    this.opcode = opcode
    this.frameId = frameId
    this.flags = 0
    this.consistency = CONSISTENCY.server
    this.durability = DURABILITY_OF_SERVER
    this.requestId.clear()
    this.attempt = 0
    this.codec = 0
    this.deadlineMs = 0
    this.expectedVersion.clear()
    this.totalBytes = 0
    this.chunkOffset = 0
    this.ttlMs = 0
    return this
  }
}

/**
 * Decodes the request at `start`. Returns the bytes consumed; 0 when incomplete (`into.needed`);
 * -ERROR.FRAME_TOO_LARGE or
 * -ERROR.BAD_REQUEST when the stream cannot be followed any more.
 */
export function decodeFrameRequest(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: FrameRequest,
): number {
  into.needed = FRAME_REQUEST_HEAD_BYTES
  if (end - start < FRAME_REQUEST_HEAD_BYTES) return 0
  const length = readLength(bytes, start + REQUEST_AT.length)
  const keyBytes = readU16(bytes, start + REQUEST_AT.keyBytes)
  if (length > FRAME_BYTES_MAX) return -ERROR.FRAME_TOO_LARGE
  if (length < FRAME_REQUEST_HEAD_BYTES + keyBytes) return -ERROR.BAD_REQUEST
  into.needed = length
  into.opcode = bytes[start + REQUEST_AT.opcode]!
  into.flags = bytes[start + REQUEST_AT.flags]!
  into.consistency = bytes[start + REQUEST_AT.consistency] as Consistency
  into.durability = bytes[start + REQUEST_AT.durability]!
  into.frameId = readI32(bytes, start + REQUEST_AT.frameId)
  readVersion(bytes, start + REQUEST_AT.requestId, into.requestId)
  into.attempt = bytes[start + REQUEST_AT.attempt]!
  into.codec = bytes[start + REQUEST_AT.codec]!
  into.deadlineMs = readLength(bytes, start + REQUEST_AT.deadlineMs)
  readVersion(bytes, start + REQUEST_AT.expectedVersion, into.expectedVersion)
  into.totalBytes = readLength(bytes, start + REQUEST_AT.totalBytes)
  into.chunkOffset = readLength(bytes, start + REQUEST_AT.chunkOffset)
  into.ttlMs = readU48(bytes, start + REQUEST_AT.ttlMs)
  into.keyStart = start + FRAME_REQUEST_HEAD_BYTES
  into.keyEnd = into.valueStart = into.keyStart + keyBytes
  into.valueEnd = start + length
  return end - start < length ? 0 : length
}

/** Bytes of the request with a key and a value of these lengths. */
export function frameRequestBytes(keyBytes: number, valueBytes: number): number {
  return FRAME_REQUEST_HEAD_BYTES + keyBytes + valueBytes
}

/** Writes header, key and value[valueStart, valueEnd); the target has the room. Returns the next offset. */
export function encodeFrameRequest(
  request: FrameRequest,
  key: Uint8Array,
  value: Uint8Array,
  valueStart: number,
  valueEnd: number,
  target: Uint8Array,
  at: number,
): number {
  target[at + REQUEST_AT.opcode] = request.opcode
  target[at + REQUEST_AT.flags] = request.flags
  target[at + REQUEST_AT.consistency] = request.consistency
  target[at + REQUEST_AT.durability] = request.durability
  writeU32(frameRequestBytes(key.length, valueEnd - valueStart), target, at + REQUEST_AT.length)
  writeU32(request.frameId, target, at + REQUEST_AT.frameId)
  writeVersion(request.requestId, target, at + REQUEST_AT.requestId)
  target[at + REQUEST_AT.attempt] = request.attempt
  target[at + REQUEST_AT.codec] = request.codec
  writeU16(key.length, target, at + REQUEST_AT.keyBytes)
  writeU32(request.deadlineMs, target, at + REQUEST_AT.deadlineMs)
  if ((request.flags & FRAME_FLAG.ifVersion) !== 0) {
    writeVersion(request.expectedVersion, target, at + REQUEST_AT.expectedVersion)
  } else {
    target.fill(0, at + REQUEST_AT.expectedVersion, at + REQUEST_AT.expectedVersion + VERSION_BYTES)
  }
  writeU32(request.totalBytes, target, at + REQUEST_AT.totalBytes)
  writeU32(request.chunkOffset, target, at + REQUEST_AT.chunkOffset)
  writeU48(request.ttlMs, target, at + REQUEST_AT.ttlMs)
  writeU16(0, target, at + REQUEST_AT.zero)
  const next = appendBytes(key, 0, key.length, target, at + FRAME_REQUEST_HEAD_BYTES)
  return appendBytes(value, valueStart, valueEnd, target, next)
}
