/** Any message that the core can send. */
import { Version } from '@minivault/clock'
import { createLayout, nextLayout } from '@minivault/topology'
import fc from 'fast-check'
import {
  firstState,
  type HeldRecord,
  jointState,
  MESSAGE,
  type Message,
  settledState,
} from '../../src/index.ts'
import { hexValue, keyOf } from './peer-forms.ts'

/** As literals make them. */
const recordOf: typeof fc.record = (parts: object) =>
  fc.record(parts as never, { noNullPrototype: true }) as never
const word = fc.oneof(fc.nat(0xffffffff), fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff))
const version = fc.tuple(word, word, word).map(([high, middle, low]) => new Version(high, middle, low))
const u16 = fc.nat(0xffff)
const number = fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, 1, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER))
const sum = fc.option(
  fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.constantFrom(-1n, 2n ** 32n, -(2n ** 63n))),
)
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc.nat(3000).map((length) => new Uint8Array(length).fill(length)),
)
const key = bytes.map((all) => keyOf(Buffer.from(all).toString('latin1')))
/** One that begins with ff is none: see `forms`. */
const value = bytes.map((all) => hexValue(`00${Buffer.from(all).toString('hex')}`))
const record: fc.Arbitrary<HeldRecord> = fc.oneof(
  recordOf({
    ballot: version,
    version,
    request: version,
    value: fc.oneof(value, fc.constant(null), fc.constant(undefined)),
    expiresAtMs: fc.oneof(fc.constant(0), fc.nat(2 ** 48 - 1)),
    sum,
  }),
  // Of a plain write all three are one.
  fc.tuple(version, value).map(([one, held]) => {
    return { ballot: one, version: one, request: one, value: held, expiresAtMs: 0, sum: null }
  }),
)
const few = { maxLength: 5 }
const floorParts = { partition: u16, leaf: fc.nat(255), upTo: version, expiredBeforeMs: number }
const floors = fc.array(recordOf(floorParts), few)
const lives = fc.array(recordOf({ member: word, life: number }), few)
const words = (count: number) =>
  fc.int32Array({ minLength: count, maxLength: count }).map((all) => Int32Array.from(all))
const verdict = fc.nat(4) as fc.Arbitrary<0 | 1 | 2 | 3 | 4>
const durability = fc.nat(2) as fc.Arbitrary<0 | 1 | 2>

const alone = createLayout([{ name: 'localhost:3001' }])
const pair = nextLayout(alone, [{ name: 'localhost:3001' }, { name: 'localhost:3002' }])
const joint = jointState(firstState(alone), pair)
const states = fc.constantFrom(firstState(alone), joint, settledState(joint))

const head = { exchange: number, epoch: word, time: version }
const counted = { ...head, votes: fc.boolean(), lives }
const kind = <Kind extends number>(one: Kind) => ({ kind: fc.constant(one) })
const roots = fc.array(fc.tuple(u16, words(2)), few).map((all) => ({
  partitions: all.map(([partition]) => partition),
  roots: Int32Array.from(all.flatMap(([, root]) => [...root])),
}))
const introduced = fc.array(fc.tuple(fc.boolean(), version), few).map((all) => ({
  votes: all.map(([votes]) => votes),
  promised: all.map(([, promised]) => promised),
}))
const evidence = fc.array(recordOf({ ballot: version, version, sum }), few)
const entries = fc.array(recordOf({ key, ballot: version }), few)
const records = fc.array(recordOf({ key, record }), few)

export const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  recordOf({ ...kind(MESSAGE.offer), ...head, key, record, durability, cause: verdict }),
  recordOf({ ...kind(MESSAGE.offered), ...counted, verdict, above: version }),
  recordOf({ ...kind(MESSAGE.prepare), ...head, key, ballot: version, request: version, attempt: word }),
  recordOf({
    ...kind(MESSAGE.promised),
    ...counted,
    verdict,
    above: version,
    record,
    evidence,
    isForgetful: fc.boolean(),
    isHeld: fc.boolean(),
  }),
  recordOf({ ...kind(MESSAGE.read), ...head, key, wantsValue: fc.boolean() }),
  recordOf({ ...kind(MESSAGE.state), ...counted, record, isHeld: fc.boolean() }),
  fc
    .tuple(recordOf({ ...kind(MESSAGE.roots), ...head }), roots)
    .map(([message, parts]) => ({ ...message, ...parts })),
  recordOf({ ...kind(MESSAGE.rootsDiffer), ...head, partitions: fc.array(u16, few) }),
  recordOf({
    ...kind(MESSAGE.leaves),
    ...head,
    partition: u16,
    digests: words(514),
    from: fc.nat(256),
    floors,
    wantsRecords: fc.boolean(),
  }),
  recordOf({
    ...kind(MESSAGE.entries),
    ...head,
    leaves: fc.array(fc.nat(255)),
    entries,
    next: fc.nat(256),
    floors,
  }),
  recordOf({
    ...kind(MESSAGE.copied),
    ...head,
    leaves: fc.array(fc.nat(255)),
    entries,
    next: fc.nat(256),
    floors,
    records,
  }),
  recordOf({ ...kind(MESSAGE.fetch), ...head, keys: fc.array(key, few) }),
  recordOf({ ...kind(MESSAGE.fetched), ...head, records, answered: u16 }),
  recordOf({ ...kind(MESSAGE.introduce), ...head, life: number, partitions: fc.array(u16, few) }),
  fc
    .tuple(recordOf({ ...kind(MESSAGE.introduced), ...head, lives, floors }), introduced)
    .map(([message, parts]) => ({ ...message, ...parts })),
  recordOf({ ...kind(MESSAGE.fence), ...head, ...floorParts }),
  recordOf({ ...kind(MESSAGE.fenced), ...head, lives, digest: fc.option(words(2)) }),
  recordOf({ ...kind(MESSAGE.release), ...head, ...floorParts }),
  recordOf({ ...kind(MESSAGE.released), ...head, partition: u16, leaf: fc.nat(255) }),
  recordOf({ ...kind(MESSAGE.hello), ...head, lives, votes: fc.boolean() }),
  recordOf({ ...kind(MESSAGE.learn), ...head }),
  recordOf({ ...kind(MESSAGE.layout), ...head, state: states }),
  recordOf({ ...kind(MESSAGE.ready), ...head }),
)
