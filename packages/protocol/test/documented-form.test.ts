/** The documented opcodes: vectors, splits, a slow reference beside the decoder, mutations. */
import fc from 'fast-check'
import t from 'tap'
import {
  DocumentedReply,
  DocumentedRequest,
  decodeDocumented,
  decodeDocumentedReply,
  ERROR,
  encodeDocumentedReply,
  encodeDocumentedRequest,
  encodeDocumentedSet,
  LENGTH_CLAMP,
} from '../src/index.ts'
import { vector, vectorNames } from './support/vectors.ts'

const text = (bytes: Uint8Array, start: number, end: number) =>
  Buffer.from(bytes).toString('latin1', start, end)

/** Written from the published table alone, with Node's own readers. */
function reference(bytes: Uint8Array): { consumed: number; key?: string; value?: string } {
  const buffer = Buffer.from(bytes)
  if (buffer.length === 0) return { consumed: 0 }
  const opcode = buffer.readUInt8(0)
  if (![1, 2, 3, 5, 6].includes(opcode)) return { consumed: -ERROR.UNSUPPORTED }
  if (buffer.length < 3) return { consumed: 0 }
  const keyEnd = 3 + buffer.readUInt16LE(1)
  if (buffer.length < keyEnd) return { consumed: 0 }
  const key = text(buffer, 3, keyEnd)
  if (opcode !== 2) return { consumed: keyEnd, key, value: '' }
  if (buffer.length < keyEnd + 5) return { consumed: 0 }
  const end = keyEnd + 5 + buffer.readUInt32LE(keyEnd)
  if (buffer.length < end) return { consumed: 0 }
  return { consumed: end, key, value: text(buffer, keyEnd + 5, end) }
}

const requests = vectorNames('documented-').filter((name) => !name.includes('reply'))

t.test('vectors, both ways, cut at every byte', async (t) => {
  const request = new DocumentedRequest()
  for (const name of requests) {
    const bytes = vector(name)
    for (let cut = 0; cut < bytes.length; cut++) {
      t.equal(decodeDocumented(bytes, 0, cut, request), 0, `${name} cut at ${cut}`)
      t.ok(
        request.needed > cut && request.needed <= bytes.length,
        'needed is more than there is, never too much',
      )
    }
    const shifted = new Uint8Array([9, 9, 9, ...bytes, 9])
    t.equal(decodeDocumented(shifted, 3, shifted.length, request), bytes.length, name)
    const expected = reference(bytes)
    t.equal(text(shifted, request.keyStart, request.keyEnd), expected.key)
    t.equal(text(shifted, request.valueStart, request.valueEnd), expected.value)
    const again = new Uint8Array(bytes.length)
    const key = shifted.subarray(request.keyStart, request.keyEnd)
    const { opcode, valueStart, valueEnd, compressed } = request
    const next =
      opcode === 2
        ? encodeDocumentedSet(key, shifted, valueStart, valueEnd, compressed as 0 | 1, again, 0)
        : encodeDocumentedRequest(opcode as 1 | 3 | 5 | 6, key, again, 0)
    t.equal(next, bytes.length)
    t.same(again, bytes)
  }
})

t.test('replies: vectors, cut at every byte', async (t) => {
  const reply = new DocumentedReply()
  for (const name of vectorNames('documented-reply')) {
    const bytes = vector(name)
    for (let cut = 0; cut < bytes.length; cut++) t.equal(decodeDocumentedReply(bytes, 0, cut, reply), 0)
    t.equal(decodeDocumentedReply(bytes, 0, bytes.length, reply), bytes.length, name)
    const again = new Uint8Array(bytes.length)
    encodeDocumentedReply(reply.status, bytes, reply.valueStart, reply.valueEnd, again, 0)
    t.same(again, bytes)
  }
  const none = new Uint8Array(5)
  t.equal(encodeDocumentedReply(0xff, new Uint8Array(3), 0, 3, none, 0), 5, 'an error carries nothing')
  t.same(none, vector('documented-reply-error'))
  t.equal(decodeDocumentedReply(new Uint8Array([7]), 0, 1, reply), -ERROR.BAD_REQUEST)
})

t.test('what is known early is told early', async (t) => {
  const request = new DocumentedRequest()
  const set = new Uint8Array([2, 1, 0, 0x6b, 0xff, 0xff, 0xff, 0xff, 0])
  t.equal(decodeDocumented(set, 0, 1, request), 0)
  t.match(request, { opcode: 2, headerComplete: false, needed: 3 })
  t.equal(decodeDocumented(set, 0, 3, request), 0)
  t.match(request, { keyStart: 3, keyEnd: 4, headerComplete: false, needed: 9 })
  t.equal(decodeDocumented(set, 0, 9, request), 0)
  t.match(request, { headerComplete: true, needed: LENGTH_CLAMP })
  t.ok(request.valueEnd - request.valueStart >= LENGTH_CLAMP, '4 GiB is more than any limit')
  for (const opcode of [0, 4, 7, 0x10, 0xff]) {
    t.equal(decodeDocumented(new Uint8Array([opcode]), 0, 1, request), -ERROR.UNSUPPORTED, `opcode ${opcode}`)
  }
})

t.test('the same as the reference on mutated requests and random bytes', async () => {
  const seeds = fc.constantFrom(...requests.map(vector))
  const mutated = fc
    .tuple(
      fc.array(seeds, { maxLength: 3 }),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
      fc.nat(),
    )
    .map(([parts, changes, cut]) => {
      const bytes = new Uint8Array(Buffer.concat(parts))
      if (bytes.length > 0) for (const [at, value] of changes) bytes[at % bytes.length] = value
      return bytes.subarray(0, cut % (bytes.length + 1))
    })
  const request = new DocumentedRequest()
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 40 })), (bytes) => {
      const expected = reference(bytes)
      const consumed = decodeDocumented(bytes, 0, bytes.length, request)
      if (consumed !== expected.consumed) return false
      if (consumed <= 0) return consumed < 0 || request.needed > bytes.length
      const { keyStart, keyEnd, valueStart, valueEnd } = request
      return (
        text(bytes, keyStart, keyEnd) === expected.key && text(bytes, valueStart, valueEnd) === expected.value
      )
    }),
    { numRuns: 20_000 },
  )
})
