/**
 * The wire as docs/PROTOCOL.md tells it, read with a DataView and without a thought for speed. Each function
 * gives what a decoder must return and the fields it must fill in by then: numbers, and versions as text.
 * Lengths above 2^30 - 1 read as that.
 */
import { ERROR } from '../errors.ts'

export interface Reading {
  consumed: number
  fields: Record<string, number | string | boolean>
}

const CLAMP = 2 ** 30 - 1
const FRAME_MAX = 262_144

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

function clamped(length: number): number {
  return Math.min(length, CLAMP)
}

function version(bytes: Uint8Array, at: number): string {
  return Buffer.from(bytes.slice(at, at + 12)).toString('hex')
}

/** `offset` is added to every place in the bytes. */
export function readDocumented(bytes: Uint8Array, offset: number): Reading {
  if (bytes.length === 0) return { consumed: 0, fields: { opcode: -1, needed: 3, headerComplete: false } }
  const view = viewOf(bytes)
  const opcode = bytes[0]!
  if (![1, 2, 3, 5, 6].includes(opcode)) return { consumed: -ERROR.UNSUPPORTED, fields: { opcode } }
  if (bytes.length < 3) return { consumed: 0, fields: { opcode, needed: 3, headerComplete: false } }
  const keyStart = 3
  const keyEnd = 3 + view.getUint16(1, true)
  const fields = { opcode, keyStart: keyStart + offset, keyEnd: keyEnd + offset, compressed: 0 }
  if (opcode !== 2) {
    const places = { valueStart: keyEnd + offset, valueEnd: keyEnd + offset }
    const consumed = bytes.length < keyEnd ? 0 : keyEnd
    return { consumed, fields: { ...fields, ...places, needed: keyEnd, headerComplete: true } }
  }
  const valueStart = keyEnd + 5
  if (bytes.length < valueStart) {
    return { consumed: 0, fields: { ...fields, needed: valueStart, headerComplete: false } }
  }
  const valueEnd = valueStart + clamped(view.getUint32(keyEnd, true))
  const places = { valueStart: valueStart + offset, valueEnd: valueEnd + offset }
  const rest = { compressed: bytes[keyEnd + 4]!, needed: clamped(valueEnd), headerComplete: true }
  return { consumed: bytes.length < valueEnd ? 0 : valueEnd, fields: { ...fields, ...places, ...rest } }
}

export function readDocumentedReply(bytes: Uint8Array, offset: number): Reading {
  if (bytes.length === 0) return { consumed: 0, fields: { needed: 5, headerComplete: false } }
  const status = bytes[0]!
  if (status !== 0 && status !== 0xff) return { consumed: -ERROR.BAD_REQUEST, fields: {} }
  if (bytes.length < 5) return { consumed: 0, fields: { status, needed: 5, headerComplete: false } }
  const valueEnd = 5 + clamped(viewOf(bytes).getUint32(1, true))
  const places = { valueStart: 5 + offset, valueEnd: valueEnd + offset }
  const fields = { status, ...places, needed: clamped(valueEnd), headerComplete: true }
  return { consumed: bytes.length < valueEnd ? 0 : valueEnd, fields }
}

export function readFrameRequest(bytes: Uint8Array, offset: number): Reading {
  if (bytes.length < 60) return { consumed: 0, fields: { needed: 60 } }
  const view = viewOf(bytes)
  const length = view.getUint32(4, true)
  const keyBytes = view.getUint16(26, true)
  if (length > FRAME_MAX) return { consumed: -ERROR.FRAME_TOO_LARGE, fields: {} }
  if (length < 60 + keyBytes) return { consumed: -ERROR.BAD_REQUEST, fields: {} }
  const keyStart = 60 + offset
  const fields = {
    opcode: bytes[0]!,
    flags: bytes[1]!,
    consistency: bytes[2]!,
    durability: bytes[3]!,
    frameId: view.getInt32(8, true),
    requestId: version(bytes, 12),
    attempt: bytes[24]!,
    codec: bytes[25]!,
    deadlineMs: clamped(view.getUint32(28, true)),
    expectedVersion: version(bytes, 32),
    totalBytes: clamped(view.getUint32(44, true)),
    chunkOffset: clamped(view.getUint32(48, true)),
    ttlMs: view.getUint32(52, true) + view.getUint16(56, true) * 2 ** 32,
    keyStart,
    keyEnd: keyStart + keyBytes,
    valueStart: keyStart + keyBytes,
    valueEnd: length + offset,
    needed: length,
  }
  return { consumed: bytes.length < length ? 0 : length, fields }
}

export function readFrameReply(bytes: Uint8Array, offset: number): Reading {
  if (bytes.length < 40) return { consumed: 0, fields: { needed: 40 } }
  const view = viewOf(bytes)
  const length = view.getUint32(4, true)
  if (length > FRAME_MAX) return { consumed: -ERROR.FRAME_TOO_LARGE, fields: {} }
  const knownFlags = 1 + 2 + 16 + 32
  const isFrame = length >= 40 && bytes[0]! >= 0x80 && bytes[2]! <= 3
  if (!isFrame || (bytes[1]! | knownFlags) !== knownFlags) {
    return { consumed: -ERROR.BAD_REQUEST, fields: {} }
  }
  const endsHigh = view.getUint16(14, true)
  const isOfEnd = endsHigh > 0
  const fields = {
    opcode: bytes[0]! - 0x80,
    flags: bytes[1]!,
    outcome: bytes[2]!,
    codec: bytes[3]!,
    frameId: view.getInt32(8, true),
    error: view.getUint16(12, true),
    version: version(bytes, 16),
    retryAfterMs: isOfEnd ? 0 : clamped(view.getUint32(28, true)),
    expiresAtMs: isOfEnd ? endsHigh * 0x1_0000_0000 + view.getUint32(28, true) : 0,
    totalBytes: clamped(view.getUint32(32, true)),
    chunkOffset: clamped(view.getUint32(36, true)),
    valueStart: 40 + offset,
    valueEnd: length + offset,
    needed: length,
  }
  return { consumed: bytes.length < length ? 0 : length, fields }
}
