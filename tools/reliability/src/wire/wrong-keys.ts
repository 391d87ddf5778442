/**
 * Keys and proofs that are nearly right: what a comparison that stops early, trusts a length, or forgets
 * which connection it is on would let through.
 */
import { createHash } from 'node:crypto'
import { authProof } from '@minivault/protocol'

/** All without end: prefixes, more than the key, single bits, other spellings, then random bytes. */
export function* wrongKeys(key: Buffer, random: () => number): Generator<Buffer> {
  for (let length = 0; length < key.length; length++) yield key.subarray(0, length)
  for (const more of ['\0', ' ', '\n', '\r\n', 'x']) yield Buffer.concat([key, Buffer.from(more)])
  yield Buffer.concat([Buffer.from([0]), key])
  yield Buffer.concat([key, key])
  yield Buffer.from(key.toString().toUpperCase())
  yield Buffer.from(key.toString('base64'))
  yield createHash('sha256').update(key).digest()
  for (let bit = 0; bit < key.length * 8; bit++) yield flipped(key, bit)
  for (;;) yield randomBytes(Math.floor(random() * 64), random)
}

/** What each proof is made of. */
export interface Nonces {
  key: Buffer
  server: Buffer
  client: Buffer
  /** That of another connection. */
  otherServer: Buffer
}

export function* wrongProofs({ key, server, client, otherServer }: Nonces, random: () => number) {
  const right = Buffer.from(authProof(key, server, client))
  yield Buffer.from(authProof(key, otherServer, client))
  yield Buffer.from(authProof(key, client, server))
  yield Buffer.from(authProof(Buffer.alloc(0), server, client))
  yield Buffer.from(authProof(key.subarray(1), server, client))
  yield key
  yield Buffer.alloc(32)
  yield Buffer.concat([right, Buffer.from([0])])
  for (let length = 0; length < right.length; length++) yield right.subarray(0, length)
  for (let bit = 0; bit < right.length * 8; bit++) yield flipped(right, bit)
  for (;;) yield randomBytes(32, random)
}

function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[bit >> 3]! ^= 1 << (bit & 7)
  return copy
}

function randomBytes(length: number, random: () => number): Buffer {
  return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)))
}
