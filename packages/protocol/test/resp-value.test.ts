/** Replies in both versions, byte for byte, and read back. */
import t from 'tap'
import { type RespValue, type RespVersion, writeRespLength, writeRespValue } from '../src/index.ts'
import { readRespReplies } from '../src/testing/index.ts'
import { vector } from './support/vectors.ts'

function written(value: RespValue, version: RespVersion): string {
  const parts: Buffer[] = []
  const append = (bytes: Uint8Array, start: number, end: number) =>
    void parts.push(Buffer.from(bytes.subarray(start, end)))
  writeRespValue(value, version, { append })
  return Buffer.concat(parts).toString('latin1')
}

const BOTH: readonly (readonly [RespValue, string])[] = [
  [{ simple: 'OK' }, '+OK\r\n'],
  [{ error: 'ERR two\r\nlines' }, '-ERR two  lines\r\n'],
  [-7, ':-7\r\n'],
  [2n ** 63n - 1n, ':9223372036854775807\r\n'],
  [Uint8Array.of(0xff, 0x0d), '$2\r\n\xff\r\r\n'],
  ['ü', '$2\r\n\xc3\xbc\r\n'],
  ['', '$0\r\n\r\n'],
  [[], '*0\r\n'],
  [[1, ['a']], '*2\r\n:1\r\n*1\r\n$1\r\na\r\n'],
]
const APART: readonly (readonly [RespValue, string, string])[] = [
  [null, '$-1\r\n', '_\r\n'],
  [true, ':1\r\n', '#t\r\n'],
  [false, ':0\r\n', '#f\r\n'],
  [{ double: 1.5 }, '$3\r\n1.5\r\n', ',1.5\r\n'],
  [{ double: -Infinity }, '$4\r\n-inf\r\n', ',-inf\r\n'],
  [{ map: [['a', 1]] }, '*2\r\n$1\r\na\r\n:1\r\n', '%1\r\n$1\r\na\r\n:1\r\n'],
  [{ set: ['a'] }, '*1\r\n$1\r\na\r\n', '~1\r\n$1\r\na\r\n'],
  [{ verbatim: 'hi' }, '$2\r\nhi\r\n', '=6\r\ntxt:hi\r\n'],
]

t.test('what both versions write alike', async (t) => {
  for (const [value, bytes] of BOTH) {
    t.equal(written(value, 2), bytes)
    t.equal(written(value, 3), bytes)
  }
})

t.test('what RESP2 has not', async (t) => {
  for (const [value, two, three] of APART) {
    t.equal(written(value, 2), two)
    t.equal(written(value, 3), three)
  }
})

t.test('the vectors', async (t) => {
  const reply: RespValue = [{ simple: 'OK' }, null, 12, 'Ada', { error: 'ERR no' }, { map: [['proto', 3]] }]
  for (const version of [2, 3] as const) {
    const bytes = Buffer.from(vector(`resp-reply-${version}`))
    t.equal(written(reply, version), bytes.toString('latin1'))
    t.equal(readRespReplies(bytes).end, bytes.length)
  }
})

t.test('a length of any number of digits', async (t) => {
  const target = new Uint8Array(40).fill(0xaa)
  for (const length of [0, 9, 10, 99, 100, 101, 65536, 99_999_999, 104_857_600, 2 ** 32 - 1]) {
    const end = writeRespLength(0x24, length, target, 3)
    t.equal(Buffer.from(target).toString('latin1', 3, end), `$${length}\r\n`)
    t.equal(target[end], 0xaa)
    target.fill(0xaa)
  }
})
