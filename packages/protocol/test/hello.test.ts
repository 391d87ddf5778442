/** The beginning of a connection in the frame form: HELLO, its reply, and the proof of AUTH. */
import t from 'tap'
import {
  authProof,
  decodeHello,
  decodeHelloReply,
  encodeHello,
  encodeHelloReply,
  FRAME_BYTES_MAX,
  FRAME_REPLY_HEAD_BYTES,
  FRAME_REQUEST_HEAD_BYTES,
  isAuthProof,
  PROTOCOL_VERSION,
  VALUE_BYTES_MAX,
} from '../src/index.ts'
import { vector } from './support/vectors.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const filled = (byte: number, length = 16) => new Uint8Array(length).fill(byte)
const helloBody = () => vector('frame-hello').subarray(FRAME_REQUEST_HEAD_BYTES)
const replyBody = () => vector('frame-hello-reply').subarray(FRAME_REPLY_HEAD_BYTES)
const TIME_MS = 0x18c2f3a4b5c

t.test('HELLO: the vector both ways, and any nonce', async (t) => {
  const hello = decodeHello(helloBody())
  t.match(hello, { versionMin: 1, versionMax: 1, capabilities: 0 })
  t.equal(hex(hello.nonce), 'c0c1c2c3c4c5c6c7c8c9cacbcccdcecf')
  t.equal(hex(encodeHello(hello.nonce)), hex(helloBody()))
  t.equal(hex(decodeHello(encodeHello(filled(0xff))).nonce), 'f'.repeat(32))
})

t.test('the reply to HELLO: the vector both ways, and any time', async (t) => {
  const reply = decodeHelloReply(replyBody())
  t.match(reply, { version: PROTOCOL_VERSION, durability: 1, capabilities: 15, timeMs: TIME_MS })
  t.match(reply, { valueBytesMax: VALUE_BYTES_MAX, frameBytesMax: FRAME_BYTES_MAX })
  t.equal(hex(reply.nodeId), '101112131415161718191a1b1c1d1e1f')
  t.equal(hex(reply.nonce), '505152535455565758595a5b5c5d5e5f')
  t.equal(hex(encodeHelloReply(reply)), hex(replyBody()))
  for (const timeMs of [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 47 + 1, 2 ** 48 - 1]) {
    const body = encodeHelloReply({
      durability: 2,
      capabilities: 31,
      nodeId: filled(1),
      nonce: filled(2),
      timeMs,
    })
    t.equal(decodeHelloReply(body).timeMs, timeMs)
  }
})

t.test('what was read is a copy: a socket writes over its buffer', async (t) => {
  const body = Buffer.from(helloBody())
  const hello = decodeHello(body)
  const answer = Buffer.from(replyBody())
  const reply = decodeHelloReply(answer)
  body.fill(0)
  answer.fill(0)
  t.equal(hex(hello.nonce).slice(0, 4), 'c0c1')
  t.equal(hex(reply.nonce).slice(0, 4), '5051')
  t.equal(hex(reply.nodeId).slice(0, 4), '1011')
})

t.test('capabilities are 32 bits, not a length', async (t) => {
  for (const bits of [1, 2 ** 30, 2 ** 31, 2 ** 32 - 1]) {
    const hello = Buffer.from(helloBody())
    hello.writeUInt32LE(bits, 4)
    t.equal(decodeHello(hello).capabilities, bits)
    const reply = Buffer.from(replyBody())
    reply.writeUInt32LE(bits, 4)
    t.equal(decodeHelloReply(reply).capabilities, bits)
  }
})

t.test('other lengths and other versions are refused', async (t) => {
  for (const length of [0, 1, 23]) {
    t.throws(() => decodeHello(new Uint8Array(length)), { code: 'BAD_REQUEST' }, `HELLO of ${length}`)
  }
  for (const length of [0, 24, 55]) {
    t.throws(() => decodeHelloReply(new Uint8Array(length)), { code: 'BAD_REQUEST' }, `reply of ${length}`)
  }
  for (const more of [1, 24, 4000]) {
    t.same(decodeHello(Buffer.concat([helloBody(), filled(9, more)])), decodeHello(helloBody()))
    t.same(decodeHelloReply(Buffer.concat([replyBody(), filled(9, more)])), decodeHelloReply(replyBody()))
  }
  const offering = (versionMin: number, versionMax: number) => {
    const body = Buffer.from(helloBody())
    body.writeUInt16LE(versionMin, 0)
    body.writeUInt16LE(versionMax, 2)
    return () => decodeHello(body)
  }
  const next = PROTOCOL_VERSION + 1
  const refusal = (theirs: string) => ({
    code: 'PROTOCOL_VERSION',
    message: `this server speaks version ${PROTOCOL_VERSION}, the client ${theirs}: update the older of both`,
  })
  t.throws(offering(next, next), refusal('2'))
  t.throws(offering(next, 65_535), refusal('2 to 65535'))
  t.throws(offering(0, 0), refusal('0'), 'the one before the first release')
  t.throws(offering(next, PROTOCOL_VERSION), refusal('2 to 1'), 'from above to below')
  t.match(offering(0, PROTOCOL_VERSION)(), { versionMin: 0, versionMax: PROTOCOL_VERSION })
  t.match(offering(PROTOCOL_VERSION, 65_535)(), { versionMin: PROTOCOL_VERSION, versionMax: 65_535 })
  const chosen = Buffer.from(replyBody())
  chosen.writeUInt16LE(next, 0)
  t.throws(() => decodeHelloReply(chosen), { code: 'PROTOCOL_VERSION' }, 'a version nobody offered')
})

t.test('the proof: the vector, and nothing beside it', async (t) => {
  const key = Buffer.from('sesame')
  const clientNonce = decodeHello(helloBody()).nonce
  const serverNonce = decodeHelloReply(replyBody()).nonce
  const proof = vector('frame-auth').subarray(FRAME_REQUEST_HEAD_BYTES)
  t.equal(hex(authProof(key, serverNonce, clientNonce)), hex(proof))
  t.ok(isAuthProof(proof, key, serverNonce, clientNonce))
  t.notOk(isAuthProof(proof, key, clientNonce, serverNonce), 'swapped nonces')
  t.notOk(isAuthProof(proof, key, filled(0), clientNonce), "another connection's nonce")
  t.notOk(isAuthProof(proof, key, serverNonce, filled(0)))
  for (const wrong of ['', 'sesam', 'sesame ', 'Sesame']) {
    t.notOk(isAuthProof(proof, Buffer.from(wrong), serverNonce, clientNonce), `key "${wrong}"`)
  }
  for (const length of [0, 1, 31]) {
    t.notOk(isAuthProof(proof.subarray(0, length), key, serverNonce, clientNonce), `cut to ${length}`)
  }
  t.notOk(isAuthProof(Buffer.concat([proof, filled(0, 1)]), key, serverNonce, clientNonce), 'longer')
  t.notOk(isAuthProof(filled(0, 32), key, serverNonce, clientNonce), 'zeros')
  t.notOk(isAuthProof(key, key, serverNonce, clientNonce), 'the key itself')
  for (let bit = 0; bit < 256; bit++) {
    const flipped = new Uint8Array(proof)
    flipped[bit >>> 3]! ^= 1 << (bit & 7)
    if (isAuthProof(flipped, key, serverNonce, clientNonce)) t.fail(`accepted with bit ${bit} flipped`)
  }
})
