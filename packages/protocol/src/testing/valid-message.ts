/**
 * Messages as a well-behaved peer sends them, of every kind and, now and then, of every length. All that is
 * random comes from the caller.
 */

import { encodeBatch } from '../batch.ts'
import {
  documentedSetHeader,
  encodeDocumentedReply,
  encodeDocumentedRequest,
  encodeDocumentedSet,
} from '../documented-form.ts'
import { DURABILITY_OF_SERVER, FRAME_FLAG, FRAME_OPCODE, REQUEST_FLAGS } from '../frame-form.ts'
import { FrameReply, frameReplyHeader } from '../frame-reply.ts'
import { encodeFrameRequest, FrameRequest } from '../frame-request.ts'
import { encodeHello, NONCE_BYTES, PROOF_BYTES } from '../hello.ts'
import { ScanPageEntry, ScanPageWriter } from '../scan-page.ts'
import { encodeScanRequest } from '../scan-request.ts'
import type { FormName } from './decoders.ts'

/** From 0 on, below 1. */
export type Random = () => number

const TARGET = new Uint8Array(1024 * 1024)
const KEYS = ['user:1', 'user:2', 'user', 'hits', 'a', '\0', 'ÿ', 'a key that is somewhat longer']
const OPCODES = Object.values(FRAME_OPCODE)
/** So long that it does not end while anybody looks. */
const TTL_MS = 400 * 86_400_000
/** The least a server takes of a chunk that is not the last. */
const CHUNK_BYTES = 1024

export function validMessage(form: FormName, random: Random): Uint8Array {
  return TARGET.slice(0, WRITERS[form](random))
}

const WRITERS: Readonly<Record<FormName, (random: Random) => number>> = {
  documented(random) {
    const opcode = pick([1, 2, 2, 3, 5, 6] as const, random)
    const key = keyOf(random)
    if (opcode !== 2) return encodeDocumentedRequest(opcode, key, TARGET, 0)
    const value = valueBytesOf(random)
    if (random() < 0.02) return documentedSetHeader(key, value.length, 0, TARGET, 0)
    return encodeDocumentedSet(key, value, 0, value.length, random() < 0.1 ? 1 : 0, TARGET, 0)
  },
  documentedReply(random) {
    const value = valueBytesOf(random)
    return encodeDocumentedReply(random() < 0.7 ? 0 : 0xff, value, 0, value.length, TARGET, 0)
  },
  frameRequest(random) {
    if (random() < 0.04) return chunks(random)
    const request = new FrameRequest().begin(pick(OPCODES, random), integer(8, random))
    if (random() < 0.5) request.flags = REQUEST_FLAGS[request.opcode]! & integer(256, random)
    request.durability = pick([DURABILITY_OF_SERVER, DURABILITY_OF_SERVER, 0, 1, 2], random)
    request.consistency = pick([0, 0, 1, 2] as const, random)
    if (random() < 0.2) request.ttlMs = TTL_MS
    if (random() < 0.3) request.requestId.set(0x18c2f3a, integer(2 ** 31, random), 7)
    request.attempt = integer(3, random)
    if ((request.flags & FRAME_FLAG.ifVersion) !== 0) request.expectedVersion.set(1, 2, 3)
    const isKeyless = KEYLESS.includes(request.opcode) || (request.opcode === scan && random() < 0.5)
    const value = requestValue(request.opcode, random)
    request.totalBytes = value.length
    return encodeFrameRequest(request, isKeyless ? NOTHING : keyOf(random), value, 0, value.length, TARGET, 0)
  },
  frameReply(random) {
    const reply = new FrameReply().begin(pick(OPCODES, random), integer(8, random))
    reply.flags = pick([0, 0, FRAME_FLAG.json, FRAME_FLAG.chunk, FRAME_FLAG.chunk | FRAME_FLAG.more], random)
    reply.version.set(1, integer(2 ** 31, random), 3)
    const value = reply.opcode === FRAME_OPCODE.scan ? pageOf(random) : valueBytesOf(random)
    reply.totalBytes = value.length
    const next = frameReplyHeader(reply, value.length, TARGET, 0)
    TARGET.set(value, next)
    return next + value.length
  },
}

const NOTHING = new Uint8Array(0)
const { hello, auth, health, batch, scan, increment, set } = FRAME_OPCODE
const KEYLESS: readonly number[] = [hello, auth, health, batch]

function requestValue(opcode: number, random: Random): Uint8Array {
  if (opcode === hello) return encodeHello(bytesOf(NONCE_BYTES, random))
  if (opcode === auth) return bytesOf(PROOF_BYTES, random)
  if (opcode === increment) return bytesOf(8, random)
  if (opcode === set) return valueBytesOf(random)
  if (opcode === scan) {
    const wanted = {
      entriesMax: integer(5, random),
      fromExclusive: random() < 0.5,
      toInclusive: random() < 0.5,
    }
    return encodeScanRequest(random() < 0.5 ? wanted : { ...wanted, from: keyOf(random), to: keyOf(random) })
  }
  if (opcode !== batch) return NOTHING
  return encodeBatch(
    Array.from({ length: integer(4, random) }, () => {
      return { key: keyOf(random), value: random() < 0.3 ? null : valueBytesOf(random) }
    }),
  )
}

/** A SET in two to four frames, one behind the other. */
function chunks(random: Random): number {
  const request = new FrameRequest().begin(set, integer(8, random))
  const value = bytesOf(CHUNK_BYTES * (1 + integer(3, random)) + 1 + integer(CHUNK_BYTES, random), random)
  request.totalBytes = value.length
  let key: Uint8Array = pickKey(random)
  let at = 0
  for (let offset = 0; offset < value.length; offset += CHUNK_BYTES) {
    const end = Math.min(value.length, offset + CHUNK_BYTES)
    request.flags = FRAME_FLAG.chunk | (end < value.length ? FRAME_FLAG.more : 0)
    request.chunkOffset = offset
    at = encodeFrameRequest(request, key, value, offset, end, TARGET, at)
    key = NOTHING
  }
  return at
}

function pageOf(random: Random): Uint8Array {
  const page = new Uint8Array(64 * 1024)
  const writer = new ScanPageWriter()
  writer.begin(page, 0, page.length)
  const entry = new ScanPageEntry()
  for (let count = integer(4, random); count > 0; count--) {
    const key = pickKey(random)
    const value = bytesOf(integer(40, random), random)
    entry.valueBytes = value.length
    entry.expiresAtMs = integer(2, random) * TTL_MS
    writer.add(entry, key, value)
  }
  return page.slice(0, writer.finish(random() < 0.5 ? NOTHING : bytesOf(20, random)))
}

function keyOf(random: Random): Uint8Array {
  if (random() < 0.004) return bytesOf(integer(65_536, random), random)
  return random() < 0.05 ? NOTHING : pickKey(random)
}

function pickKey(random: Random): Uint8Array {
  return Buffer.from(pick(KEYS, random), 'latin1')
}

function valueBytesOf(random: Random): Uint8Array {
  if (random() < 0.1) return Buffer.from(pick(['41', '"text"', '{"a":[1,2]}', ''], random))
  const longest = random() < 0.01 ? 20_000 : random() < 0.003 ? 90_000 : 120
  return bytesOf(integer(longest, random), random)
}

function bytesOf(length: number, random: Random): Uint8Array {
  const first = integer(256, random)
  return new Uint8Array(length).map((_, index) => first + index * 7)
}

function integer(below: number, random: Random): number {
  return Math.floor(random() * below)
}

function pick<T>(values: readonly T[], random: Random): T {
  return values[integer(values.length, random)]!
}
