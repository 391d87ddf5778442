/**
 * HELLO and AUTH of the frame form: what both sides say of themselves first, and the proof that a client
 * knows the key. The key never crosses the wire: AUTH carries HMAC-SHA-256(key, "minivault auth 0" · server
 * nonce · client nonce). Cold path, so plain objects.
 *
 *   HELLO        key: member name (empty: a client)
 *                value: 0 version min u16 · 2 version max u16 · 4 capabilities u32 · 8 nonce (16)
 *   HELLO reply  value: 0 version u16 · 2 durability u8 · 3 zero · 4 capabilities u32 · 8 node id (16)
 *                · 24 nonce (16) · 40 value bytes max u32 · 44 frame bytes max u32 · 48 time in ms u48
 *                     · 54 zero (2)
 *
 * Either may be longer: what a later program adds behind is not looked at. The label of the proof has a
 * number of its own.
 */

import { createHmac, timingSafeEqual } from 'node:crypto'
import { ProtocolError } from './errors.ts'
import { PROTOCOL_VERSION } from './frame-form.ts'
import { FRAME_BYTES_MAX, VALUE_BYTES_MAX } from './limits.ts'
import { readI32, readLength, readU16, readU48, writeU16, writeU32, writeU48 } from './little-endian.ts'

export const NONCE_BYTES = 16
export const NODE_ID_BYTES = 16
export const HELLO_BODY_BYTES = 24
export const HELLO_REPLY_BODY_BYTES = 56
export const PROOF_BYTES = 32

/** What a server has beyond the operations of the beginning; `conditions`: ttl, TOUCH and INCREMENT, too. */
export const CAPABILITY = { scan: 1, batch: 2, conditions: 4, streams: 8, layout: 16 } as const

/** What every server of today has; a member of a cluster has `layout` as well. */
export const CAPABILITIES_OF_ALL =
  CAPABILITY.scan | CAPABILITY.batch | CAPABILITY.conditions | CAPABILITY.streams

export interface Hello {
  versionMin: number
  versionMax: number
  capabilities: number
  nonce: Uint8Array
}

export interface HelloReply {
  version: number
  durability: number
  /** CAPABILITY bits */
  capabilities: number
  nodeId: Uint8Array
  nonce: Uint8Array
  valueBytesMax: number
  frameBytesMax: number
  timeMs: number
}

export function encodeHello(nonce: Uint8Array): Uint8Array {
  const body = new Uint8Array(HELLO_BODY_BYTES)
  writeU16(PROTOCOL_VERSION, body, 0)
  writeU16(PROTOCOL_VERSION, body, 2)
  body.set(nonce, 8)
  return body
}

/** Throws BAD_REQUEST where it is too short, PROTOCOL_VERSION where no common version exists. */
export function decodeHello(body: Uint8Array): Hello {
  if (body.length < HELLO_BODY_BYTES) throw new ProtocolError('BAD_REQUEST', 'a HELLO that is too short')
  const versionMin = readU16(body, 0)
  const versionMax = readU16(body, 2)
  if (versionMin > PROTOCOL_VERSION || versionMax < PROTOCOL_VERSION) {
    const theirs = versionMin === versionMax ? versionMin : `${versionMin} to ${versionMax}`
    const what = `this server speaks version ${PROTOCOL_VERSION}, the client ${theirs}`
    throw new ProtocolError('PROTOCOL_VERSION', `${what}: update the older of both`)
  }
  return { versionMin, versionMax, capabilities: readI32(body, 4) >>> 0, nonce: copyOf(body, 8, NONCE_BYTES) }
}

export function encodeHelloReply(
  reply: Pick<HelloReply, 'durability' | 'capabilities' | 'nodeId' | 'nonce' | 'timeMs'>,
): Uint8Array {
  const body = new Uint8Array(HELLO_REPLY_BODY_BYTES)
  writeU16(PROTOCOL_VERSION, body, 0)
  body[2] = reply.durability
  writeU32(reply.capabilities, body, 4)
  body.set(reply.nodeId, 8)
  body.set(reply.nonce, 24)
  writeU32(VALUE_BYTES_MAX, body, 40)
  writeU32(FRAME_BYTES_MAX, body, 44)
  writeU48(reply.timeMs, body, 48)
  return body
}

/** Throws BAD_REQUEST where it is too short, PROTOCOL_VERSION for a version that was not offered. */
export function decodeHelloReply(body: Uint8Array): HelloReply {
  if (body.length < HELLO_REPLY_BODY_BYTES) {
    throw new ProtocolError('BAD_REQUEST', 'a HELLO reply that is too short')
  }
  const version = readU16(body, 0)
  if (version !== PROTOCOL_VERSION) {
    throw new ProtocolError(
      'PROTOCOL_VERSION',
      `the server chose version ${version}, offered was ${PROTOCOL_VERSION}`,
    )
  }
  return {
    version,
    durability: body[2]!,
    capabilities: readI32(body, 4) >>> 0,
    nodeId: copyOf(body, 8, NODE_ID_BYTES),
    nonce: copyOf(body, 24, NONCE_BYTES),
    valueBytesMax: readLength(body, 40),
    frameBytesMax: readLength(body, 44),
    timeMs: readU48(body, 48),
  }
}

/** `slice` of a Buffer is a view, and a socket's buffer is soon written over. */
function copyOf(body: Uint8Array, at: number, length: number): Uint8Array {
  return new Uint8Array(body.subarray(at, at + length))
}

const PROOF_LABEL = 'minivault auth 0'

/** What AUTH carries. */
export function authProof(key: Uint8Array, serverNonce: Uint8Array, clientNonce: Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(PROOF_LABEL).update(serverNonce).update(clientNonce).digest()
}

/** Constant time for proofs of the right length. */
export function isAuthProof(
  proof: Uint8Array,
  key: Uint8Array,
  serverNonce: Uint8Array,
  clientNonce: Uint8Array,
): boolean {
  return proof.length === PROOF_BYTES && timingSafeEqual(proof, authProof(key, serverNonce, clientNonce))
}
