/** The bytes of marks: vectors, there and back, and what is refused. */
import { readFileSync } from 'node:fs'
import { Version } from '@minivault/clock'
import { createLayout, decodeLayout, encodeLayout, type Layout, nextLayout } from '@minivault/topology'
import fc from 'fast-check'
import t from 'tap'
import {
  afterMark,
  decodeMark,
  encodeMark,
  firstState,
  jointState,
  type Mark,
  MarkError,
  MEMBERSHIP,
  type Membership,
  settledState,
  type TableForm,
} from '../src/index.ts'

const form: TableForm = {
  encode: (table) => encodeLayout(table as Layout),
  decode: decodeLayout,
}

const ballot = Version.of(0x010203040506, 1, 7)
const alone = createLayout([{ name: 'localhost:3001' }])
const pair = nextLayout(alone, [{ name: 'localhost:3001' }, { name: 'localhost:3002' }])

/** What each vector in test/vectors/ says. */
const VECTORS: Readonly<Record<string, Mark>> = {
  'mark-membership': { kind: 'membership', partition: 0x3ff, membership: MEMBERSHIP.arriving },
  'mark-promise': { kind: 'promise', partition: 7, ballot },
  'mark-fence': { kind: 'fence', partition: 7, leaf: 0x1a, ballot },
  'mark-floor': { kind: 'floor', partition: 7, leaf: 0xff, upTo: ballot, expiredBeforeMs: 0x01a2b3c4d5e6 },
  'mark-life': { kind: 'life', member: 2, life: 0x1_89abcdef },
  'mark-layout': { kind: 'layout', state: firstState(alone) },
}

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytesOf = (text: string) => Buffer.from(text.replace(/#.*/g, '').replace(/\s/g, ''), 'hex')
const same = (mark: Mark) => JSON.stringify(mark)

/** Key and value of a vector: two blocks of hex, an empty line between them. */
function readVector(name: string): { key: string; value: Buffer } {
  const text = readFileSync(new URL(`vectors/${name}.hex`, import.meta.url), 'utf8')
  const [key = '', value = ''] = text.split('\n\n')
  return { key: bytesOf(key).toString('latin1'), value: bytesOf(value) }
}

t.test('the vectors, both ways', async (t) => {
  for (const [name, mark] of Object.entries(VECTORS)) {
    const { key, value } = encodeMark(mark, form)
    const vector = readVector(name)
    t.same([key, hexOf(value)], [vector.key, hexOf(vector.value)], name)
    t.equal(same(decodeMark(vector, form)!), same(mark), name)
  }
})

const versions = fc
  .tuple(fc.nat(0xffffffff), fc.nat(0xffffffff), fc.nat(0xffffffff))
  .map(([high, middle, low]) => new Version(high, middle, low))
const place = { partition: fc.nat(0xffff), leaf: fc.nat(0xff) }
const states = [firstState(alone), jointState(firstState(alone), pair)]
states.push(settledState(states[1]!))
const marks: fc.Arbitrary<Mark> = fc.oneof(
  fc.record({
    kind: fc.constant('membership' as const),
    partition: place.partition,
    membership: fc.nat(3) as fc.Arbitrary<Membership>,
  }),
  fc.record({ kind: fc.constant('promise' as const), partition: place.partition, ballot: versions }),
  fc.record({ kind: fc.constant('fence' as const), ...place, ballot: versions }),
  fc.record({
    kind: fc.constant('floor' as const),
    ...place,
    upTo: versions,
    expiredBeforeMs: fc.maxSafeNat(),
  }),
  fc.record({ kind: fc.constant('life' as const), member: fc.nat(0xffffffff), life: fc.maxSafeNat() }),
  fc.record({ kind: fc.constant('layout' as const), state: fc.constantFrom(...states) }),
)

t.test('any mark is read back as it was, from its own key', async (t) => {
  const keys = new Map<string, string>()
  fc.assert(
    fc.property(marks, (mark) => {
      const entry = encodeMark(mark, form)
      const { kind, partition, leaf, member } = mark as Mark & Record<string, unknown>
      const owner = [kind, partition, leaf, member].join()
      if ((keys.get(entry.key) ?? owner) !== owner) return false
      keys.set(entry.key, owner)
      return same(decodeMark(entry, form)!) === same(mark)
    }),
    { numRuns: 500 },
  )
  t.ok(keys.size > 300)
})

t.test('the order of the keys is that of their places', async (t) => {
  const keyOf = (partition: number, leaf: number) =>
    encodeMark({ kind: 'fence', partition, leaf, ballot }, form).key
  const keys = [keyOf(0, 0), keyOf(0, 255), keyOf(9, 1), keyOf(16, 0), keyOf(1023, 2), keyOf(1023, 16)]
  t.same(keys.toSorted(), keys)
})

t.test('keys of others are passed over', async (t) => {
  const value = new Uint8Array(3)
  for (const key of ['writer', 'clock-bound', 'cluster-id', 'next-layout', 'fences/0001', 'promised', '']) {
    t.equal(decodeMark({ key, value }, form), null, key)
  }
})

t.test('what is cut, longer, or not of the form is refused by name', async (t) => {
  const refuses = (key: string, value: Uint8Array, why: RegExp) => {
    t.throws(() => decodeMark({ key, value }, form), { code: 'CLUSTER_BAD_MARK', key, message: why }, key)
  }
  for (const name of Object.keys(VECTORS)) {
    const { key, value } = readVector(name)
    const cuts = value.length < 100 ? [...value.keys()] : [0, 1, 2, 10, 30, value.length - 1]
    for (const cut of cuts) refuses(key, value.subarray(0, cut), /is cut/)
    refuses(key, Buffer.concat([value, Buffer.of(0)]), /bytes, not/)
  }
  const version = new Uint8Array(12)
  for (const key of ['promise', 'promise/', 'promise/7', 'promise/000G', 'promise/00FF', 'promise/0007/01']) {
    refuses(key, version, /^the mark promise.* its place is not one$/)
  }
  for (const key of ['fence/0007', 'fence/0007/1', 'fence/00000007/01', 'layout/0001', 'life/0001']) {
    refuses(key, version, /place/)
  }
  refuses('membership/0001', Uint8Array.of(4), /4 is no membership/)
  refuses('life/00000001', new Uint8Array(8).fill(255), /too large/)
  const { key, value } = readVector('mark-layout')
  const damaged = Buffer.from(value)
  damaged[40]! ^= 1
  refuses(key, damaged, /these bytes are no layout: /)
  refuses(key, Buffer.concat([Buffer.of(0, 0), value.subarray(17)]), /localhost:3001 is not in its roster/)
  const twice = Buffer.concat([Buffer.of(2, 0), value.subarray(2, 17), value.subarray(2)])
  refuses(key, twice, /twice/)
  refuses(key, Buffer.from([1, 0, 1, 0xff, 0, 0, 0, 0]), /no text/)
  refuses(key, Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), /no layout/)
})

t.test('what no mark can hold is not written', async (t) => {
  const bad: Mark[] = [
    { kind: 'promise', partition: 0x10000, ballot },
    { kind: 'fence', partition: 1, leaf: 256, ballot },
    { kind: 'fence', partition: 1, leaf: 0.5, ballot },
    { kind: 'life', member: 1, life: 2 ** 53 },
    { kind: 'life', member: -1, life: 1 },
    { kind: 'layout', state: { ...firstState(alone), roster: ['x'.repeat(256)] } },
  ]
  for (const mark of bad) t.throws(() => encodeMark(mark, form), RangeError)
})

t.test('after a mark, one that says all that was said', async (t) => {
  const [low, high] = [Version.of(1, 0, 1), Version.of(2, 0, 1)]
  const check = (before: Mark, mark: Mark, after: Mark) => t.equal(same(afterMark(before, mark)), same(after))
  const at = { partition: 1, leaf: 2 }
  check(
    { kind: 'floor', ...at, upTo: high, expiredBeforeMs: 7 },
    { kind: 'floor', ...at, upTo: low, expiredBeforeMs: 9 },
    { kind: 'floor', ...at, upTo: high, expiredBeforeMs: 9 },
  )
  for (const kind of ['promise', 'fence'] as const) {
    const of = (one: Version) => ({ kind, ...at, ballot: one }) as Mark
    check(of(high), of(low), of(high))
    check(of(low), of(high), of(high))
  }
  check({ kind: 'life', member: 1, life: 9 }, { kind: 'life', member: 1, life: 8 }, {
    ...{ kind: 'life', member: 1, life: 9 },
  } as Mark)
  const [settled, joint] = states.map((state): Mark => ({ kind: 'layout', state }))
  check(joint!, settled!, joint!)
  check(settled!, joint!, joint!)
  const [voting, joining] = [MEMBERSHIP.voting, MEMBERSHIP.joining].map(
    (membership): Mark => ({ kind: 'membership', partition: 1, membership }),
  )
  check(joining!, voting!, voting!)
  check(voting!, joining!, joining!)
  t.ok(new MarkError('k', 'why') instanceof Error)
})
