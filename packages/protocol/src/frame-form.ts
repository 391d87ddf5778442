/**
 * The second frame form, common to both directions: opcodes, flags and the fixed places of the header.
 * Drawings, rules and vectors are in docs/PROTOCOL.md. Everything a server looks at stands at a fixed place,
 * so that a request costs a few loads.
 *
 *   request  0 opcode · 1 flags · 2 consistency · 3 durability · 4 length · 8 frame id · 12 request id
 *            24 attempt · 25 codec · 26 key length · 28 deadline · 32 expected version · 44 total bytes
 *            48 chunk offset · 52 ttl u48 · 58 zero · 60 key, value
 *
 *   reply    0 opcode | 0x80 · 1 flags · 2 outcome · 3 codec · 4 length · 8 frame id · 12 error · 14 zero
 *            16 version · 28 retry after · 32 total bytes · 36 chunk offset · 40 value
 */

/**
 * 0x16 is left out: a connection that begins with it speaks TLS. 0x30-0x3f are what members of a cluster say
 * to each other.
 */
export const FRAME_OPCODE = {
  hello: 0x10,
  auth: 0x11,
  health: 0x12,
  get: 0x13,
  set: 0x14,
  delete: 0x15,
  scan: 0x20,
  batch: 0x21,
  touch: 0x22,
  increment: 0x23,
  layout: 0x24,
  peer: 0x30,
  peerValue: 0x31,
} as const
export type FrameOpcode = (typeof FRAME_OPCODE)[keyof typeof FRAME_OPCODE]

/** Set in the opcode of every reply. */
export const REPLY_BIT = 0x80

/**
 * `more`: this chunk is not the last; of a page: there is more. `chunk`: the value is a piece of `total
 * bytes` at `chunk offset`. `reverse` is of requests, `exists` of replies.
 */
export const FRAME_FLAG = {
  more: 1,
  chunk: 2,
  ifAbsent: 4,
  ifVersion: 8,
  json: 16,
  exists: 32,
  reverse: 32,
  range: 64,
  noValue: 128,
} as const
export const REPLY_FLAGS_KNOWN = 0x33

const { more, chunk, ifAbsent, ifVersion, json, reverse, range, noValue } = FRAME_FLAG
/** By opcode: the flags that a request of it may have. */
export const REQUEST_FLAGS = new Uint8Array(256)
REQUEST_FLAGS[FRAME_OPCODE.get] = range | noValue
REQUEST_FLAGS[FRAME_OPCODE.set] = more | chunk | ifAbsent | ifVersion | json
REQUEST_FLAGS[FRAME_OPCODE.delete] = ifVersion
REQUEST_FLAGS[FRAME_OPCODE.scan] = reverse | noValue
REQUEST_FLAGS[FRAME_OPCODE.batch] = more | chunk
REQUEST_FLAGS[FRAME_OPCODE.touch] = ifVersion
REQUEST_FLAGS[FRAME_OPCODE.peer] = more | chunk

/** Whether each of the flags belongs to the opcode; one that does not is BAD_REQUEST. */
export function flagsFit(opcode: number, flags: number): boolean {
  return (flags & ~REQUEST_FLAGS[opcode]!) === 0
}

export const CONSISTENCY = { server: 0, one: 1, quorum: 2 } as const
export type Consistency = (typeof CONSISTENCY)[keyof typeof CONSISTENCY]

/** A request that leaves the level to the server. */
export const DURABILITY_OF_SERVER = 255

export const FRAME_REQUEST_HEAD_BYTES = 60
export const FRAME_REPLY_HEAD_BYTES = 40

/** Raise it with any change of the two headers, and add a line to the history in docs/PROTOCOL.md. */
export const PROTOCOL_VERSION = 1

export const REQUEST_AT = {
  opcode: 0,
  flags: 1,
  consistency: 2,
  durability: 3,
  length: 4,
  frameId: 8,
  requestId: 12,
  attempt: 24,
  codec: 25,
  keyBytes: 26,
  deadlineMs: 28,
  expectedVersion: 32,
  totalBytes: 44,
  chunkOffset: 48,
  ttlMs: 52,
  zero: 58,
} as const

export const REPLY_AT = {
  opcode: 0,
  flags: 1,
  outcome: 2,
  codec: 3,
  length: 4,
  frameId: 8,
  error: 12,
  zero: 14,
  version: 16,
  retryAfterMs: 28,
  totalBytes: 32,
  chunkOffset: 36,
} as const
