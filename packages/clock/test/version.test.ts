import fc from 'fast-check'
import t from 'tap'
import {
  ClockError,
  compareVersions,
  readVersion,
  successor,
  VERSION_BYTES,
  Version,
  writeVersion,
} from '../src/index.ts'

const edges = fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff)
const word = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), edges, fc.integer({ min: 0, max: 3 }))
const version = fc.tuple(word, word, word).map(([high, middle, low]) => new Version(high, middle, low))
// Pairs that often share their first or first two words, so that every word gets to decide.
const pair = fc
  .tuple(version, version, fc.integer({ min: 0, max: 3 }))
  .map(([a, b, shared]): [Version, Version] => [
    a,
    new Version(shared > 0 ? a.high : b.high, shared > 1 ? a.middle : b.middle, shared > 2 ? a.low : b.low),
  ])

function bytesOf(v: Version): Uint8Array {
  const bytes = new Uint8Array(VERSION_BYTES)
  writeVersion(v, bytes, 0)
  return bytes
}

t.test('the parts lie where the format says', (t) => {
  const v = Version.of(0x0123456789ab, 0xcdef, 0xfedcba98)
  t.equal(v.toString(), '0123456789abcdeffedcba98')
  t.equal(Buffer.from(bytesOf(v)).toString('hex'), '0123456789abcdeffedcba98')
  t.same([v.wallMs, v.counter, v.writerId], [0x0123456789ab, 0xcdef, 0xfedcba98])
  t.same([v.high, v.middle, v.low], [0x01234567, 0x89abcdef | 0, 0xfedcba98 | 0], 'int32 fields')
  t.equal(Version.of(2 ** 48 - 1, 0xffff, 0xffffffff).toString(), 'f'.repeat(24))
  t.ok(new Version().isZero())
  t.notOk(new Version(0, 0, 1).isZero())
  t.ok(new Version(1, 2, 3).clear().isZero())
  t.equal(compareVersions(new Version().copy(v), v), 0)
  t.end()
})

t.test('order is byte order and text order', (t) => {
  fc.assert(
    fc.property(pair, ([a, b]) => {
      const order = Math.sign(compareVersions(a, b))
      const text = a.toString() < b.toString() ? -1 : a.toString() > b.toString() ? 1 : 0
      return (
        order === Buffer.compare(bytesOf(a), bytesOf(b)) &&
        order === text &&
        order === -Math.sign(compareVersions(b, a))
      )
    }),
    { numRuns: 5000 },
  )
  t.end()
})

t.test('bytes, text and parts come back', (t) => {
  fc.assert(
    fc.property(version, fc.integer({ min: 0, max: 5 }), (v, at) => {
      const bytes = new Uint8Array(at + VERSION_BYTES + 1).fill(0xaa)
      writeVersion(v, bytes, at)
      const back = readVersion(bytes, at, new Version(9, 9, 9))
      const untouched = bytes.every((byte, i) => (i >= at && i < at + VERSION_BYTES) || byte === 0xaa)
      return (
        untouched &&
        compareVersions(back, v) === 0 &&
        compareVersions(Version.parse(v.toString()), v) === 0 &&
        compareVersions(Version.parse(v.toString().toUpperCase()), v) === 0 &&
        compareVersions(Version.of(v.wallMs, v.counter, v.writerId), v) === 0
      )
    }),
  )
  t.end()
})

t.test('what is no version is refused', (t) => {
  const bad = [
    '',
    '0',
    'g'.repeat(24),
    '0'.repeat(23),
    '0'.repeat(25),
    `${'0'.repeat(24)}\n`,
    `0x${'0'.repeat(22)}`,
  ]
  for (const text of bad)
    t.throws(() => Version.parse(text), { code: 'CLOCK_BAD_VERSION' }, JSON.stringify(text))
  const parts = [
    [-1, 0, 0],
    [2 ** 48, 0, 0],
    [Number.NaN, 0, 0],
    [1.5, 0, 0],
    [0, 0x10000, 0],
    [0, -1, 0],
    [0, 0, 2 ** 32],
    [0, 0, -1],
  ]
  for (const [ms, counter, writer] of parts) {
    t.throws(
      () => Version.of(ms!, counter!, writer!),
      { code: 'CLOCK_BAD_VERSION' },
      `${ms} ${counter} ${writer}`,
    )
  }
  t.end()
})

t.test('successor is the smallest version above the ballot with that writerId', (t) => {
  fc.assert(
    fc.property(version, word, fc.boolean(), (ballot, writerId, inPlace) => {
      fc.pre(ballot.high !== -1 || ballot.middle !== -1)
      const below = BigInt(`0x${ballot}`)
      const next = BigInt(`0x${successor(ballot, writerId, inPlace ? ballot : new Version())}`)
      // The instants with this writerId are 2^32 apart: above the ballot, and one step down is not.
      return (next & 0xffffffffn) === BigInt(writerId) && next > below && next - (1n << 32n) <= below
    }),
    { numRuns: 3000 },
  )
  t.equal(
    String(successor(Version.of(5, 0xffff, 9), 9, new Version())),
    String(Version.of(6, 0, 9)),
    'counter overflow',
  )
  t.equal(String(successor(Version.of(5, 7, 8), 9, new Version())), String(Version.of(5, 7, 9)))
  t.equal(
    String(successor(Version.of(5, 7, 0x80000000), 1, new Version())),
    String(Version.of(5, 8, 1)),
    'unsigned',
  )
  const last = Version.of(2 ** 48 - 1, 0xffff, 5)
  t.equal(String(successor(last, 6, new Version())), 'ffffffffffff' + 'ffff' + '00000006')
  t.throws(() => successor(last, 5, new Version()), { code: 'CLOCK_EXHAUSTED' })
  t.ok(new ClockError('CLOCK_EXHAUSTED', 'x') instanceof Error)
  t.end()
})
