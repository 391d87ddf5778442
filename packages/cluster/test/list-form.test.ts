/** What a scan asks the others, and their answers: the vectors both ways, anything there and back. */
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { Version } from '@minivault/clock'
import fc from 'fast-check'
import t from 'tap'
import { encodeList, type ListMessage, readList } from '../src/index.ts'

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))
const number = 0x1_23456789
const LISTS: Readonly<Record<string, ListMessage>> = {
  'list-which': {
    kind: 'which',
    number,
    prefix: bytesOf('user:'),
    from: bytesOf('user:1'),
    fromExclusive: true,
    to: bytesOf('user:9'),
    toInclusive: true,
    reverse: true,
    cursor: 'CURSOR',
    entriesMax: 100,
  },
  'list-these': {
    kind: 'these',
    number,
    epoch: 7,
    votes: true,
    isEnd: true,
    entries: [
      { version: Version.of(0x010203040506, 0, 7).toString(), key: bytesOf('user:1') },
      { version: Version.of(0x010203040505, 3, 0xfffffff0).toString(), key: bytesOf('\xff') },
    ],
  },
}

const read = (bytes: Uint8Array) => readList(bytes, 0, bytes.length)
const vector = (name: string) => {
  const text = readFileSync(new URL(`vectors/peer-${name}.hex`, import.meta.url), 'utf8')
  return Buffer.from(text.replace(/#.*/g, '').replace(/\s/g, ''), 'hex')
}

t.test('the vectors, both ways; cut anywhere they are none', async (t) => {
  for (const [name, message] of Object.entries(LISTS)) {
    const bytes = vector(name)
    t.equal(Buffer.from(encodeList(message)).toString('hex'), bytes.toString('hex'), name)
    t.same(read(bytes), message, name)
    for (let cut = 0; cut < bytes.length; cut++) {
      const short = Buffer.from(bytes.subarray(0, cut))
      t.equal(read(short), null)
      if (cut >= 8) short.writeUInt32LE(cut, 4)
      t.equal(read(short), null, `${name} says ${cut}`)
    }
    t.equal(read(Buffer.concat([Buffer.of(3), bytes.subarray(1)])), null)
  }
})

const bytes = fc.uint8Array({ maxLength: 20 })
const version = fc.tuple(fc.nat(0xffffffff), fc.nat(0xffffffff), fc.nat(0xffffffff)).map((words) => {
  return new Version(...words).toString()
})
const recordOf: typeof fc.record = (parts: object) =>
  fc.record(parts as never, { noNullPrototype: true }) as never
const lists: fc.Arbitrary<ListMessage> = fc.oneof(
  recordOf({
    kind: fc.constant('which' as const),
    number: fc.maxSafeNat(),
    prefix: bytes,
    from: fc.option(bytes),
    fromExclusive: fc.boolean(),
    to: fc.option(bytes),
    toInclusive: fc.boolean(),
    reverse: fc.boolean(),
    cursor: bytes.map((some) => Buffer.from(some).toString('base64url')),
    entriesMax: fc.nat(0xffff),
  }),
  recordOf({
    kind: fc.constant('these' as const),
    number: fc.maxSafeNat(),
    epoch: fc.nat(0xffffffff),
    votes: fc.boolean(),
    isEnd: fc.boolean(),
    entries: fc.array(recordOf({ key: bytes, version })),
  }),
)

t.test('anything comes back; of changed bytes nothing is thrown', async (t) => {
  fc.assert(
    fc.property(lists, fc.nat(), fc.nat(255), (message, at, byte) => {
      const form = encodeList(message)
      const back = read(form)
      form[at % form.length] = byte
      read(form)
      return isDeepStrictEqual({ ...back }, { ...message })
    }),
    { numRuns: 1000 },
  )
  t.end()
})
