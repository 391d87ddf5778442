/** Keys as text and as bytes become the same bytes, whatever was in the scratch before. */
import t from 'tap'
import { KeyScratch } from '../src/key-scratch.ts'
import { KEY_BYTES_MAX } from '../src/limits.ts'

const TEXTS = [
  '',
  'a',
  'key:000000000012',
  'x'.repeat(64),
  'x'.repeat(65),
  'ä',
  `${'x'.repeat(63)}é`,
  '鍵🔑',
  '\ud800',
  '\u0000\u007f\u0080',
  'y'.repeat(KEY_BYTES_MAX),
  'é'.repeat((KEY_BYTES_MAX - 1) / 2),
]

t.test('a text is its UTF-8, bytes are themselves', async (t) => {
  const scratch = new KeyScratch()
  for (const text of [...TEXTS, ...TEXTS]) {
    const expected = new TextEncoder().encode(text)
    const name = `${JSON.stringify(text.slice(0, 10))}, ${expected.length} bytes`
    const length = scratch.take(text)
    t.equal(Buffer.compare(scratch.bytes.subarray(0, length), expected), 0, name)
    t.equal(scratch.take(expected), expected.length)
    t.equal(Buffer.compare(scratch.bytes.subarray(0, expected.length), expected), 0, name)
    scratch.bytes.fill(7)
  }
})

t.test('what is too long says how long it is, what is no key is refused', async (t) => {
  const scratch = new KeyScratch()
  const tooLong = { code: 'STORAGE_KEY_LENGTH', message: /not 65536/ }
  t.throws(() => scratch.take('x'.repeat(65_536)), tooLong)
  t.throws(() => scratch.take('é'.repeat(32_768)), tooLong)
  t.throws(() => scratch.take(new Uint8Array(65_536)), tooLong)
  t.throws(() => scratch.take(7 as unknown as string), { code: 'STORAGE_OPTION' })
})
