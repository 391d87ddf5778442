import { createRequire } from 'node:module'
import fc from 'fast-check'
import t from 'tap'
import { assemble } from '../bench/assemble.ts'
import { hashByLimbs } from '../bench/xxhash64-limbs.ts'
import { Checksum64, checksum64, copyBytes, hashKey, KeyHash } from '../src/index.ts'
import { XXHASH64_MODULE } from '../src/xxhash64-module.ts'

const { XXHash64 } = createRequire(import.meta.url)('xxhash-addon') as {
  XXHash64: { hash(bytes: Uint8Array): Uint8Array }
}

function hexOf(hash: KeyHash): string {
  return [hash.high, hash.low].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
}

function ours(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return hexOf(hashKey(bytes, start, end, new KeyHash()))
}

function theirs(bytes: Uint8Array): string {
  return Buffer.from(XXHash64.hash(bytes)).toString('hex')
}

/** Bytes that look random and are the same each time. */
function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) | 0
    bytes[i] = state >>> 16
  }
  return bytes
}

t.test('the module is what the source assembles to', async (t) => {
  t.equal(Buffer.from(await assemble()).toString('base64'), XXHASH64_MODULE)
})

t.test('published and frozen vectors', (t) => {
  const vectors: [string, string][] = [
    ['', 'ef46db3751d8e999'],
    ['a', 'd24ec4f1a98c6e5b'],
    ['as', '1c330fb2d66be179'],
    ['asd', '631c37ce72a97393'],
    ['asdf', '415872f599cea71e'],
    ['abc', '44bc2cf5ad770999'],
    ['Call me Ishmael. Some years ago--never mind how long precisely-', '02a2e85470d6fd96'],
  ]
  for (const [text, expected] of vectors) t.equal(ours(Buffer.from(text)), expected, JSON.stringify(text))
  const into = new KeyHash()
  t.equal(hashKey(Buffer.from('abc'), 0, 3, into), into, 'fills what it is given')
  t.same([into.high, into.low], [0x44bc2cf5, 0xad770999 | 0], 'two int32')
  t.end()
})

t.test(
  'every length from 0 to 300 and the long ones, at any offset, equals xxhash-addon and the limbs',
  (t) => {
    const bytes = noise(200_000)
    const lengths = [...Array(301).keys(), 4095, 65_535, 65_536, 65_537, 65_599, 131_072, 150_001]
    const wrong = lengths.filter((length) => {
      const start = length % 13
      const expected = theirs(bytes.slice(start, start + length))
      const limbs = hexOf(hashByLimbs(bytes, start, start + length, new KeyHash()))
      return ours(bytes, start, start + length) !== expected || limbs !== expected
    })
    t.same(wrong, [])
    t.end()
  },
)

t.test('checksum64: one piece or many, with and without the addon, several at a time', (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 200 }), { maxLength: 12 }), fc.boolean(), (cuts, own) => {
      const bytes = noise(cuts.reduce((sum, cut) => sum + cut, 0))
      const sums = [new Checksum64({ own }), new Checksum64({ own: true })]
      const beside = new Checksum64({ own: true }).update(noise(77, 5))
      let at = 0
      for (const cut of cuts) {
        for (const sum of sums) {
          sum.update(bytes.subarray(at, at + cut))
          sum.digest()
        }
        beside.digest()
        at += cut
      }
      return sums.every((sum) => sum.digest() === theirs(bytes)) && beside.digest() === theirs(noise(77, 5))
    }),
  )
  for (const length of [0, 31, 100_000, 262_143, 262_144, 1_000_000]) {
    const bytes = noise(length)
    t.equal(checksum64(bytes), theirs(bytes), `${length} bytes`)
  }
  for (const bad of ['text', 5, null, { length: 300_000 }, new Float64Array(4096)]) {
    t.throws(() => checksum64(bad as Uint8Array), TypeError, 'and not a crash of the process')
    t.throws(() => new Checksum64().update(bad as Uint8Array), TypeError)
  }
  const big = noise(300_000)
  t.equal(
    new Checksum64({ own: true }).update(big.subarray(0, 5)).update(big.subarray(5)).digest(),
    theirs(big),
  )
  t.end()
})

t.test('copyBytes copies exactly that, overlapping or not', (t) => {
  fc.assert(
    fc.property(
      fc.nat({ max: 400 }),
      fc.nat({ max: 400 }),
      fc.nat({ max: 400 }),
      fc.constantFrom('apart', 'same', 'views'),
      (start, length, at, layout) => {
        const source = noise(1000)
        const target = layout === 'apart' ? noise(1000, 9) : layout === 'same' ? source : source.subarray(0)
        const expected = Uint8Array.from(target)
        expected.set(source.slice(start, start + length), at)
        copyBytes(source, start, start + length, target, at)
        return Buffer.compare(target, expected) === 0
      },
    ),
    { numRuns: 1500 },
  )
  t.end()
})
