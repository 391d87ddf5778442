/**
 * Requests of the Redis protocol, whole and in pieces of any size: the cutter finds what the plain reader
 * finds in the whole, keeps no more than has come, and asks for no byte too many.
 */
import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import {
  encodeRespRequest,
  InlineRequest,
  RESP_ARGUMENTS_MAX,
  RESP_FAILED,
  RESP_INLINE_BYTES_MAX,
  RespRequest,
  VALUE_BYTES_MAX,
} from '../src/index.ts'
import { type RespStream, readRespRequests } from '../src/testing/index.ts'
import { vector } from './support/vectors.ts'

const RUNS = 4000
const MARGIN = 5
const latin1 = (text: string) => Buffer.from(text, 'latin1')

/** The stream as a connection sees it: what is there grows by pieces, and lies elsewhere each time. */
function readPieces(bytes: Uint8Array, sizes: readonly number[]): RespStream {
  const request = new RespRequest()
  const requests: string[][] = []
  let begin = 0
  for (let there = 0, piece = 0; there < bytes.length; piece++) {
    there = Math.min(bytes.length, there + sizes[piece % sizes.length]!)
    const margin = MARGIN + (piece % 3)
    const memory = Buffer.concat([
      Buffer.alloc(margin, '*'),
      bytes.subarray(begin, there),
      Buffer.alloc(MARGIN, 0x0d),
    ])
    const end = margin + there - begin
    let at = margin
    while (at < end) {
      const consumed = request.cut(memory, at, end)
      if (consumed === RESP_FAILED) return { requests, end: begin + at - margin, error: request.error }
      if (consumed === 0) {
        if (request.needed <= end - at) throw new Error(`${request.needed} bytes are there`)
        break
      }
      const args: string[] = []
      for (let index = 0; index < request.count; index++) {
        args.push(memory.toString('latin1', at + request.starts[index]!, at + request.ends[index]!))
      }
      requests.push(args)
      at += consumed
    }
    begin += at - margin
  }
  return { requests, end: begin, error: null }
}

const word = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('GET', 'set', '', '\r\n', '$3\r\n'))
const args = fc.array(word, { maxLength: 5 })
const broken = fc.constantFrom(
  '*',
  '$',
  '*-1\r\n',
  '*0\r\n',
  '*1\r\n$01\r\n',
  '*2\r\n:1\r\n',
  '*+1\r\n',
  '$-1\r\n',
)
const damage = fc.option(
  fc.record({ place: fc.nat(), byte: fc.oneof(fc.constantFrom(42, 36, 13, 10, 45, 48, 57), fc.nat(255)) }),
)
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 })
const piece = fc.oneof(
  { weight: 6, arbitrary: args.map((words) => encodeRespRequest(words.map(latin1))) },
  { weight: 1, arbitrary: broken.map(latin1) },
)

t.test('mutated streams, split anywhere, read as in the whole', async (t) => {
  let failed = 0
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), damage, sizes, (pieces, hurt, lengths) => {
      const bytes = Buffer.concat(pieces)
      if (hurt !== null && bytes.length > 0) bytes[hurt.place % bytes.length] = hurt.byte
      const expected = readRespRequests(bytes)
      if (expected.error !== null) failed++
      for (const split of [[bytes.length + 1], lengths, [1]]) {
        deepStrictEqual(readPieces(bytes, split), expected)
      }
    }),
    { numRuns: RUNS },
  )
  t.ok(failed > RUNS / 20, `${failed} streams end in an error`)
})

t.test('every byte asked for is of the request itself', async (t) => {
  const whole = encodeRespRequest(['MSET', 'a', '1', 'b', 'x'.repeat(300), '', ''].map(latin1))
  for (let length = 0; length < whole.length; length++) {
    const request = new RespRequest()
    t.equal(request.cut(whole, 0, length), 0)
    t.ok(request.needed > length && request.needed <= whole.length, `${length}: needs ${request.needed}`)
  }
})

t.test('the length of an argument is known before its bytes', async (t) => {
  const request = new RespRequest()
  const bytes = latin1('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$70000\r\nabc')
  t.equal(request.cut(bytes, 0, bytes.length), 0)
  t.same([request.announced, request.count, request.isOpen], [3, 2, true])
  t.same([request.starts[2], request.ends[2]], [bytes.length - 3, bytes.length - 3 + 70000])
  t.equal(request.needed, bytes.length - 3 + 70002)
})

t.test('what is announced takes no memory, and has its bounds', async (t) => {
  const request = new RespRequest()
  const cut = (text: string) => {
    request.forget()
    return [request.cut(latin1(text), 0, text.length), request.error]
  }
  t.same(cut(`*${RESP_ARGUMENTS_MAX}\r\n`), [0, ''])
  t.equal(request.starts.length, 8)
  t.same(cut(`*${RESP_ARGUMENTS_MAX + 1}\r\n`), [RESP_FAILED, 'invalid multibulk length'])
  t.same(cut(`*1\r\n$${VALUE_BYTES_MAX}\r\n`), [0, ''])
  t.same(cut(`*1\r\n$${VALUE_BYTES_MAX + 1}\r\n`), [RESP_FAILED, 'invalid bulk length'])
  t.same(cut('*1\r\n$-1\r\n'), [RESP_FAILED, 'invalid bulk length'])
  t.same(cut('*12345678901'), [RESP_FAILED, 'invalid multibulk length'])
  t.same(cut('*1\r\n\x00'), [RESP_FAILED, "expected '$', got '?'"])
})

t.test('a request of many arguments leaves no memory behind', async (t) => {
  const request = new RespRequest()
  const many = Array.from({ length: 5000 }, (_, index) => latin1(String(index)))
  const bytes = encodeRespRequest(many)
  t.equal(request.cut(bytes, 0, bytes.length), bytes.length)
  t.equal(request.count, many.length)
  request.forget()
  t.equal(request.starts.length, 8)
})

t.test('inline requests', async (t) => {
  const inline = new InlineRequest()
  const words = (text: string) => {
    const bytes = latin1(`..${text}`)
    const consumed = inline.cut(bytes, 2, bytes.length)
    return consumed > 0 ? inline.words.map((word) => Buffer.from(word).toString('latin1')) : inline.error
  }
  t.same(words('PING\r\n'), ['PING'])
  t.same(words('  SET\tk  v \n'), ['SET', 'k', 'v'])
  t.same(words('\r\n'), [])
  t.same(words('SET "a b" "\\x41\\n\\"\\q" \'c\\\'d\\n\' ""\r\n'), ['SET', 'a b', 'A\n"q', "c'd\\n", ''])
  t.same(words('GET "open\r\n'), 'unbalanced quotes in request')
  t.same(words('GET "a"b\r\n'), 'unbalanced quotes in request')
  t.equal(inline.cut(latin1('PING\r'), 0, 5), 0)
  const long = Buffer.alloc(RESP_INLINE_BYTES_MAX, 'a')
  t.equal(inline.cut(long, 0, long.length - 1), 0)
  t.equal(inline.cut(long, 0, long.length), RESP_FAILED)
  t.equal(inline.error, 'too big inline request')
})

t.test('an encoded request reads back', async (t) => {
  const bytes = encodeRespRequest([latin1('SET'), latin1('k'), Uint8Array.of(0, 255, 13, 10)])
  t.equal(Buffer.from(bytes).toString('hex'), Buffer.from(vector('resp-set')).toString('hex'))
  t.same(readRespRequests(bytes).requests, [['SET', 'k', '\x00\xff\r\n']])
})
