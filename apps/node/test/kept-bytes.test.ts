/** Copies that share slabs: each its own bytes, whatever comes behind it. */
import t from 'tap'
import { keepBytes } from '../src/cluster/kept-bytes.ts'

t.test('every copy keeps what it was made of, of any length', async (t) => {
  const source = Uint8Array.from({ length: 20_000 }, (_, index) => index * 7)
  const lengths = [0, 1, 48, 49, 50, 63, 64, 65, 1024, 1031, 8191, 8192, 8193, 20_000]
  const copies = Array.from({ length: 300 }, (_, round) => {
    const length = lengths[round % lengths.length]!
    const start = Math.min(round, source.length - length)
    return { start, end: start + length, copy: keepBytes(source, start, start + length) }
  })
  const whole = source.slice()
  source.fill(1)
  for (const { start, end, copy } of copies) t.same(copy, whole.subarray(start, end))
})
