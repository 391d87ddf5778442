/**
 * The frame form: vectors, splits, a slow reference beside the decoders, round trips, the lock on the layout.
 */
import { createHash } from 'node:crypto'
import { Version } from '@minivault/clock'
import fc from 'fast-check'
import t from 'tap'
import { REPLY_AT, REPLY_BIT, REQUEST_AT } from '../src/frame-form.ts'
import {
  authProof,
  decodeFrameReply,
  decodeFrameRequest,
  decodeHello,
  decodeHelloReply,
  ERROR,
  ERROR_KINDS,
  encodeFrameRequest,
  encodeHello,
  encodeHelloReply,
  errorKind,
  FRAME_BYTES_MAX,
  FRAME_FLAG,
  FRAME_OPCODE,
  FRAME_REPLY_HEAD_BYTES,
  FRAME_REQUEST_HEAD_BYTES,
  FrameReply,
  FrameRequest,
  frameReplyHeader,
  isAuthProof,
  PROTOCOL_VERSION,
} from '../src/index.ts'
import { framesOf, vector, vectorNames } from './support/vectors.ts'

const LAYOUT_HASH = '3e9e5e579d164c0f'

const isReply = (name: string) => name.includes('reply')
const requestNames = vectorNames('frame-').filter((name) => !isReply(name))
const replyNames = vectorNames('frame-').filter(isReply)
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

function fieldsOf(request: FrameRequest) {
  const { opcode, flags, consistency, durability, frameId, attempt, codec, deadlineMs } = request
  const { totalBytes, chunkOffset, ttlMs, keyStart, keyEnd, valueStart, valueEnd } = request
  return {
    ...{ opcode, flags, consistency, durability, frameId, attempt, codec, deadlineMs },
    ...{ totalBytes, chunkOffset, ttlMs, keyStart, keyEnd, valueStart, valueEnd },
    requestId: request.requestId.toString(),
    expectedVersion: request.expectedVersion.toString(),
  }
}

/** Written from docs/PROTOCOL.md alone. */
function reference(bytes: Uint8Array): { consumed: number; fields?: ReturnType<typeof fieldsOf> } {
  const b = Buffer.from(bytes)
  if (b.length < 56) return { consumed: 0 }
  const length = b.readUInt32LE(4)
  const keyBytes = b.readUInt16LE(26)
  if (length > 262_144) return { consumed: -ERROR.FRAME_TOO_LARGE }
  if (length < 56 + keyBytes || b.readUInt8(1) > 31) return { consumed: -ERROR.BAD_REQUEST }
  if (b.length < length) return { consumed: 0 }
  const u32 = (at: number) => Math.min(b.readUInt32LE(at), 0x3fff_ffff)
  return {
    consumed: length,
    fields: {
      opcode: b.readUInt8(0),
      flags: b.readUInt8(1),
      consistency: b.readUInt8(2) as 0 | 1 | 2,
      durability: b.readUInt8(3),
      frameId: b.readInt32LE(8),
      requestId: b.toString('hex', 12, 24),
      attempt: b.readUInt8(24),
      codec: b.readUInt8(25),
      deadlineMs: u32(28),
      expectedVersion: b.toString('hex', 32, 44),
      totalBytes: u32(44),
      chunkOffset: u32(48),
      ttlMs: u32(52),
      keyStart: 56,
      keyEnd: 56 + keyBytes,
      valueStart: 56 + keyBytes,
      valueEnd: length,
    },
  }
}

function encoded(request: FrameRequest, bytes: Uint8Array): Uint8Array {
  const { keyStart, keyEnd, valueStart, valueEnd } = request
  const target = new Uint8Array(FRAME_REQUEST_HEAD_BYTES + keyEnd - keyStart + valueEnd - valueStart)
  const next = encodeFrameRequest(
    request,
    bytes.subarray(keyStart, keyEnd),
    bytes,
    valueStart,
    valueEnd,
    target,
    0,
  )
  if (next !== target.length) throw new Error('the encoder wrote another length')
  return target
}

t.test('requests: vectors, both ways, cut at every byte', async (t) => {
  const request = new FrameRequest()
  const split = (bytes: Uint8Array) => decodeFrameRequest(bytes, 0, bytes.length, request)
  const frames = requestNames.flatMap((name) => framesOf(name, split).map((bytes) => [name, bytes] as const))
  for (const [name, bytes] of frames) {
    for (let cut = 0; cut < bytes.length; cut++) {
      const consumed = decodeFrameRequest(bytes, 0, cut, request)
      if (consumed !== 0 || request.needed <= cut || request.needed > bytes.length)
        t.fail(`${name} cut at ${cut}`)
    }
    t.equal(decodeFrameRequest(bytes, 0, bytes.length, request), bytes.length, name)
    t.same(fieldsOf(request), reference(bytes).fields)
    t.equal(hex(encoded(request, bytes)), hex(bytes))
  }
})

t.test('the meaning of the vectors', async (t) => {
  const request = new FrameRequest()
  const set = vector('frame-set')
  decodeFrameRequest(set, 0, set.length, request)
  t.match(fieldsOf(request), {
    opcode: FRAME_OPCODE.set,
    flags: FRAME_FLAG.ifAbsent | FRAME_FLAG.json,
    durability: 2,
    frameId: -2,
    requestId: '018c2f3a4b5c0001decade01',
    attempt: 1,
    totalBytes: 5,
  })
  t.equal(Buffer.from(set).toString('utf8', request.keyStart), 'user:1"Ada"')
  const hello = vector('frame-hello')
  decodeFrameRequest(hello, 0, hello.length, request)
  const body = hello.subarray(request.valueStart, request.valueEnd)
  t.same(encodeHello(decodeHello(body).nonce), body)
})

t.test('replies: vectors, both ways, cut at every byte', async (t) => {
  const reply = new FrameReply()
  const split = (bytes: Uint8Array) => decodeFrameReply(bytes, 0, bytes.length, reply)
  const frames = replyNames.flatMap((name) => framesOf(name, split).map((bytes) => [name, bytes] as const))
  for (const [name, bytes] of frames) {
    for (let cut = 0; cut < bytes.length; cut++) {
      if (decodeFrameReply(bytes, 0, cut, reply) !== 0 || reply.needed <= cut) t.fail(`${name} cut at ${cut}`)
    }
    t.equal(decodeFrameReply(bytes, 0, bytes.length, reply), bytes.length, name)
    const again = new Uint8Array(bytes)
    again.fill(0xee, 0, FRAME_REPLY_HEAD_BYTES)
    frameReplyHeader(reply, reply.valueEnd - reply.valueStart, again, 0)
    t.equal(hex(again), hex(bytes))
  }
})

t.test('frames that cannot be followed', async (t) => {
  const request = new FrameRequest()
  const reply = new FrameReply()
  const changed = (name: string, at: number, ...values: number[]) => {
    const bytes = vector(name)
    bytes.set(values, at)
    return bytes
  }
  const asRequest = (bytes: Uint8Array) => decodeFrameRequest(bytes, 0, bytes.length, request)
  const asReply = (bytes: Uint8Array) => decodeFrameReply(bytes, 0, bytes.length, reply)
  t.equal(asRequest(changed('frame-set', REQUEST_AT.length, 1, 0, 4, 0)), -ERROR.FRAME_TOO_LARGE)
  t.equal(asRequest(changed('frame-set', REQUEST_AT.length, 255, 255, 255, 255)), -ERROR.FRAME_TOO_LARGE)
  t.equal(
    asRequest(changed('frame-set', REQUEST_AT.length, 58, 0, 0, 0)),
    -ERROR.BAD_REQUEST,
    'no room for the key',
  )
  t.equal(asRequest(changed('frame-set', REQUEST_AT.length, 0, 0, 0, 0)), -ERROR.BAD_REQUEST)
  t.equal(asRequest(changed('frame-set', REQUEST_AT.flags, 0x20)), -ERROR.BAD_REQUEST)
  t.equal(asReply(changed('frame-reply-value', REPLY_AT.opcode, 0x13)), -ERROR.BAD_REQUEST, 'not a reply')
  t.equal(asReply(changed('frame-reply-value', REPLY_AT.length, 39)), -ERROR.BAD_REQUEST)
  t.equal(asReply(changed('frame-reply-value', REPLY_AT.length, 1, 0, 4)), -ERROR.FRAME_TOO_LARGE)
  t.equal(asReply(changed('frame-reply-value', REPLY_AT.outcome, 4)), -ERROR.BAD_REQUEST)
  t.equal(asRequest(changed('frame-set', REQUEST_AT.length, 0, 0, 4, 0)), 0, 'the limit itself is a frame')
  t.equal(request.needed, FRAME_BYTES_MAX)
})

t.test('random requests survive the way there', async () => {
  const u8 = fc.nat(255)
  const bits = fc.integer()
  const arbitrary = fc.record({
    ...{ opcode: u8, flags: fc.nat(31), durability: u8, frameId: bits, attempt: u8, codec: u8 },
    ...{ deadlineMs: fc.nat(0x3fff_ffff), totalBytes: fc.nat(0x3fff_ffff), chunkOffset: fc.nat(0x3fff_ffff) },
    id: fc.tuple(bits, bits, bits),
    key: fc.uint8Array({ maxLength: 300 }),
    value: fc.uint8Array({ maxLength: 600 }),
  })
  const request = new FrameRequest()
  const read = new FrameRequest()
  fc.assert(
    fc.property(arbitrary, ({ id, key, value, ...fields }) => {
      request.begin(fields.opcode, fields.frameId)
      Object.assign(request, fields)
      request.requestId.set(...id)
      const target = new Uint8Array(56 + key.length + value.length + 7)
      const next = encodeFrameRequest(request, key, value, 0, value.length, target, 7)
      if (decodeFrameRequest(target, 7, next, read) !== next - 7) return false
      return (
        read.requestId.toString() === new Version(...id).toString() &&
        Object.entries(fields).every(([name, field]) => read[name as keyof FrameRequest] === field) &&
        hex(target.subarray(read.keyStart, read.keyEnd)) === hex(key) &&
        hex(target.subarray(read.valueStart, read.valueEnd)) === hex(value)
      )
    }),
    { numRuns: 3_000 },
  )
})

t.test('the same as the reference on mutated frames; random bytes never throw', async () => {
  const seeds = fc.constantFrom(...requestNames.map(vector))
  const mutated = fc
    .tuple(seeds, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat())
    .map(([seed, changes, cut]) => {
      const bytes = new Uint8Array([...seed, ...seed])
      for (const [at, value] of changes) bytes[at % bytes.length] = value
      return bytes.subarray(0, bytes.length - (cut % 8))
    })
  const request = new FrameRequest()
  const reply = new FrameReply()
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 120 })), (bytes) => {
      const asReply = decodeFrameReply(bytes, 0, bytes.length, reply)
      if (asReply > bytes.length) return false
      const expected = reference(bytes)
      const consumed = decodeFrameRequest(bytes, 0, bytes.length, request)
      if (consumed !== expected.consumed) return false
      return (
        consumed <= 0 ||
        JSON.stringify(sorted(fieldsOf(request))) === JSON.stringify(sorted(expected.fields!))
      )
    }),
    { numRuns: 20_000 },
  )
})

function sorted(fields: object): [string, unknown][] {
  return Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))
}

t.test('HELLO and the proof', async (t) => {
  const [nonce, other, nodeId] = [1, 2, 3].map((fill) => new Uint8Array(16).fill(fill)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  const socketBuffer = Buffer.from(encodeHello(nonce))
  const hello = decodeHello(socketBuffer)
  socketBuffer.fill(0)
  t.equal(hex(hello.nonce), hex(nonce), 'a copy: the bytes it came from are written over')
  const timeMs = 1_795_000_000_123
  const replyBuffer = Buffer.from(encodeHelloReply({ durability: 1, nodeId, nonce: other, timeMs }))
  const reply = decodeHelloReply(replyBuffer)
  replyBuffer.fill(0)
  t.match(reply, { version: PROTOCOL_VERSION, durability: 1, timeMs, frameBytesMax: FRAME_BYTES_MAX })
  t.same([hex(reply.nodeId), hex(reply.nonce)], [hex(nodeId), hex(other)])
  t.throws(() => decodeHello(new Uint8Array(23)), { code: 'BAD_REQUEST' })
  t.throws(() => decodeHelloReply(new Uint8Array(55)), { code: 'BAD_REQUEST' })
  const newer = encodeHello(nonce)
  newer[0] = newer[2] = 1
  t.throws(() => decodeHello(newer), { code: 'PROTOCOL_VERSION' })

  const key = Buffer.from('secret')
  const proof = authProof(key, nonce, other)
  t.ok(isAuthProof(proof, key, nonce, other))
  t.notOk(isAuthProof(proof, key, other, nonce))
  t.notOk(isAuthProof(proof, Buffer.from('wrong'), nonce, other))
  t.notOk(isAuthProof(proof.subarray(1), key, nonce, other))
  t.notOk(isAuthProof(key, key, nonce, other), 'the key itself is no proof')
})

t.test('the table of errors is closed and its numbers are for ever', async (t) => {
  const numbers = Object.values(ERROR)
  t.same(new Set(numbers).size, numbers.length)
  t.equal(ERROR_KINDS.length, numbers.length - 1)
  for (const kind of ERROR_KINDS) t.equal(errorKind(ERROR[kind.name]), kind)
  t.equal(errorKind(65_535).name, 'INTERNAL')
})

t.test('a change of the layout is a new version', async (t) => {
  const layout = { FRAME_OPCODE, FRAME_FLAG, REQUEST_AT, REPLY_AT, REPLY_BIT, PROTOCOL_VERSION }
  // New error codes may follow these; these stay.
  const errors = Object.entries(ERROR).slice(0, 29)
  const sizes = { FRAME_REQUEST_HEAD_BYTES, FRAME_REPLY_HEAD_BYTES, FRAME_BYTES_MAX }
  const hash = createHash('sha256')
    .update(JSON.stringify({ ...layout, ...sizes, errors }))
    .digest('hex')
    .slice(0, 16)
  t.equal(hash, LAYOUT_HASH, 'raise PROTOCOL_VERSION and add a line to the history in docs/PROTOCOL.md')
})
