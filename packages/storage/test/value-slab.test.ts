/**
 * Copies that share slabs: each holds its own bytes and nobody else's, and cannot be taken away with its
 * neighbours.
 */
import { randomBytes } from 'node:crypto'
import t from 'tap'
import { copyValue } from '../src/value-slab.ts'

const SIZES = [0, 1, 7, 63, 64, 65, 66, 100, 1000, 1023, 4095, 4096, 4097, 70_000]

t.test('a copy holds its bytes however many are made, and none overlaps another', async (t) => {
  const source = new Uint8Array(randomBytes(80_000))
  const kept: { copy: Uint8Array; start: number; end: number }[] = []
  for (let i = 0; i < 700; i++) {
    const start = (i * 131) % 9000
    const end = start + SIZES[i % SIZES.length]!
    kept.push({ copy: copyValue(source, start, end), start, end })
  }
  const wrong = kept.filter(({ copy, start, end }) => Buffer.compare(copy, source.subarray(start, end)) !== 0)
  t.equal(wrong.length, 0, 'as copied')
  kept.forEach(({ copy }, i) => {
    copy.fill(i)
  })
  t.equal(kept.filter(({ copy }, i) => copy.some((byte) => byte !== (i & 255))).length, 0, 'no overlap')
  t.ok(
    kept.every(({ copy }) => copy.byteOffset % 8 === 0),
    'a copy may be read as numbers',
  )
})

t.test('a copy of a Buffer is a plain Uint8Array, and no view of it', async (t) => {
  for (const size of SIZES) {
    const source = Buffer.alloc(size, 1)
    const copy = copyValue(source, 0, size)
    source.fill(0)
    t.notOk(Buffer.isBuffer(copy))
    t.equal(Buffer.compare(copy, Buffer.alloc(size, 1)), 0)
  }
})

t.test('small copies share memory, large ones hold nothing else', async (t) => {
  const source = new Uint8Array(10_000)
  const slabs = new Set<ArrayBufferLike>()
  for (let i = 0; i < 640; i++) slabs.add(copyValue(source, 0, 1000).buffer)
  t.ok(slabs.size >= 19 && slabs.size <= 22, `${slabs.size} slabs for 640 copies of 1,000 bytes`)
  t.equal(copyValue(source, 0, 4097).buffer.byteLength, 4097)
  t.equal(copyValue(source, 0, 64).buffer.byteLength, 64)
})

t.test('a transfer leaves the slab and its other copies where they are', async (t) => {
  const source = new Uint8Array(1000).fill(7)
  const copy = copyValue(source, 0, 1000)
  try {
    structuredClone(copy, { transfer: [copy.buffer] })
  } catch {
    // Later versions of Node refuse; Node 20 copies instead.
  }
  t.equal(copy[999], 7)
  t.equal(Buffer.compare(copyValue(source, 0, 1000), source), 0)
})
