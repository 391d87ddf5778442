/**
 * Both forms of the wire against the vectors and against a plain reference: whatever is fed, in whatever
 * pieces, the decoders agree with the document, read nothing outside of what is there, and never fail.
 */
import fc from 'fast-check'
import t from 'tap'
import {
  ERROR,
  FRAME_BYTES_MAX,
  FrameReply,
  FrameRequest,
  KEY_BYTES_MAX,
  LENGTH_CLAMP,
  VALUE_BYTES_MAX,
} from '../src/index.ts'
import { type Message, messageOf } from '../src/testing/index.ts'
import { difference, FORMS, type Form } from './support/forms.ts'
import { MEANINGS } from './support/messages.ts'
import { vector, vectorNames } from './support/vectors.ts'

const NO_VERSION = '0'.repeat(24)
const request = { ...new FrameRequest(), requestId: NO_VERSION, expectedVersion: NO_VERSION }
const DEFAULTS: Readonly<Record<keyof typeof FORMS, Message>> = {
  documented: { key: '', value: '', compressed: 0 },
  documentedReply: { value: '' },
  frameRequest: { ...request, key: '', value: '' },
  frameReply: { ...new FrameReply(), version: NO_VERSION, value: '' },
}
const PLACES = ['keyStart', 'keyEnd', 'valueStart', 'valueEnd', 'needed']

/** The message with every field of its form. */
function whole(form: keyof typeof FORMS, message: Message): Message {
  const fields = Object.entries({ ...DEFAULTS[form], ...message })
  return Object.fromEntries(fields.filter(([name]) => !PLACES.includes(name)))
}

const ALL = Object.entries(MEANINGS).map(([name, { form: formName, messages }]) => {
  const form: Form = FORMS[formName]
  return { name, formName, form, messages, bytes: vector(name) }
})

/** Encoded behind three bytes and before four, which must survive. */
function encodedAlone(form: Form, message: Message): Uint8Array {
  const target = new Uint8Array(1200).fill(0xaa)
  const next = form.encode(message, target, 3)
  const around = [...target.subarray(0, 3), ...target.subarray(next, next + 4)]
  if (around.some((byte) => byte !== 0xaa)) throw new Error('the encoder wrote beside its place')
  return target.slice(3, next)
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

t.test('every vector has a meaning, and reads and writes as it', async (t) => {
  t.same([...vectorNames('documented-'), ...vectorNames('frame-')].sort(), Object.keys(MEANINGS).sort())
  for (const { name, formName, form, messages, bytes } of ALL) {
    let at = 0
    for (const [index, message] of messages.entries()) {
      t.equal(difference(form, bytes, at, bytes.length), null, `${name} ${index}: as the reference`)
      const consumed = form.decode(bytes, at, bytes.length)
      t.same(messageOf(form, bytes), whole(formName, message), `${name} ${index}: fields`)
      const alone = encodedAlone(form, message)
      t.equal(hex(alone), hex(bytes.subarray(at, at + consumed)), `${name} ${index}: bytes`)
      at += consumed
    }
    t.equal(at, bytes.length, `${name}: nothing left`)
  }
})

t.test('cut at every byte: incomplete until the last, then as if whole', async (t) => {
  for (const { name, form, bytes } of ALL) {
    // Elsewhere in a larger array, between bytes that are not the message's.
    const buffer = new Uint8Array(bytes.length + 64).fill(0xff)
    buffer.set(bytes, 7)
    const size = form.decode(bytes, 0, bytes.length)
    let needed = 0
    for (let cut = 0; cut <= size; cut++) {
      const wrong = difference(form, buffer, 7, 7 + cut)
      if (wrong !== null) t.fail(`${name} cut at ${cut}: ${wrong}`)
      const consumed = form.decode(buffer, 7, 7 + cut)
      if (consumed !== (cut < size ? 0 : size)) t.fail(`${name} cut at ${cut}: consumed ${consumed}`)
      const now = (form.into as { needed: number }).needed
      if (now < needed || now > size) t.fail(`${name} cut at ${cut}: needs ${now} after ${needed}`)
      needed = now
    }
    t.equal(needed, size, name)
  }
})

t.test('a stream of messages in pieces of any size', async () => {
  for (const form of Object.values(FORMS)) {
    const known = ALL.filter((one) => one.form === form)
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...known), { minLength: 1, maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 12 }),
        (parts, sizes) => {
          const stream = Buffer.concat(parts.map((part) => part.bytes))
          const expected = parts.flatMap((part) => part.messages.map((one) => whole(part.formName, one)))
          const got: Message[] = []
          let start = 0
          let end = 0
          for (let turn = 0; end < stream.length; turn++) {
            end = Math.min(stream.length, end + sizes[turn % sizes.length]!)
            for (;;) {
              const consumed = form.decode(stream, start, end)
              if (consumed <= 0) break
              got.push(messageOf(form, stream))
              start += consumed
            }
          }
          return start === stream.length && JSON.stringify(sorted(got)) === JSON.stringify(sorted(expected))
        },
      ),
      { numRuns: 200 },
    )
  }
})

function sorted(messages: readonly Message[]): unknown {
  return messages.map((message) => Object.entries(message).sort(([a], [b]) => (a < b ? -1 : 1)))
}

t.test('every change of one byte', async (t) => {
  let changes = 0
  for (const { name, form, bytes } of ALL) {
    const changed = new Uint8Array(bytes)
    for (let at = 0; at < bytes.length; at++) {
      for (let byte = 0; byte < 256; byte++) {
        changed[at] = byte
        const wrong = difference(form, changed, 0, changed.length, false)
        if (wrong !== null) t.fail(`${name}: byte ${at} = ${byte}: ${wrong}`)
        changes++
      }
      changed[at] = bytes[at]!
    }
  }
  t.equal(changes, 256 * ALL.reduce((sum, { bytes }) => sum + bytes.length, 0))
})

t.test('random bytes, changed and cut messages: as the reference, in every form', async () => {
  const changed = fc
    .tuple(fc.constantFrom(...ALL), fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 4 }), fc.nat())
    .map(([{ bytes }, changes, cut]) => {
      const all = new Uint8Array([...bytes, ...bytes])
      for (const [at, byte] of changes) all[at % all.length] = byte
      return all.subarray(0, all.length - (cut % 9))
    })
  fc.assert(
    fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 100 })), (bytes) => {
      for (const form of Object.values(FORMS)) {
        let at = 0
        for (let consumed = 1; consumed > 0; at += consumed) {
          const wrong = difference(form, bytes, at, bytes.length)
          if (wrong !== null) throw new Error(wrong)
          consumed = form.decode(bytes, at, bytes.length)
        }
      }
    }),
    { numRuns: 20_000 },
  )
})

const byte = fc.nat(255)
const length = fc.nat(LENGTH_CLAMP)
const version = fc.stringMatching(/^[0-9a-f]{24}$/)
const text = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString('latin1'))
const RANDOM: Readonly<Record<keyof typeof FORMS, fc.Arbitrary<Message>>> = {
  documented: fc.oneof(
    fc.record({ opcode: fc.constantFrom(1, 3, 5, 6), key: text(300) }),
    fc.record({ opcode: fc.constant(2), key: text(300), value: text(700), compressed: fc.nat(1) }),
  ),
  documentedReply: fc.oneof(
    fc.record({ status: fc.constant(0), value: text(700) }),
    fc.constant({ status: 0xff }),
  ),
  frameRequest: fc
    .record({
      ...{ opcode: byte, flags: byte, consistency: byte, durability: byte, frameId: fc.integer() },
      ...{ requestId: version, attempt: byte, codec: byte, deadlineMs: length, expectedVersion: version },
      ...{
        totalBytes: length,
        chunkOffset: length,
        ttlMs: fc.nat(2 ** 48 - 1),
        key: text(300),
        value: text(700),
      },
    })
    .map((one) => ({ ...one, expectedVersion: (one.flags & 8) === 0 ? NO_VERSION : one.expectedVersion })),
  frameReply: fc.record({
    ...{
      opcode: fc.nat(127),
      flags: fc.nat(63).map((flags) => flags & 0x33),
      outcome: fc.nat(3),
      codec: byte,
    },
    ...{ frameId: fc.integer(), error: fc.nat(65_535), version, retryAfterMs: length, totalBytes: length },
    ...{ chunkOffset: length, value: text(700) },
  }),
}

t.test('random messages survive the way there', async () => {
  for (const [formName, arbitrary] of Object.entries(RANDOM) as [
    keyof typeof FORMS,
    fc.Arbitrary<Message>,
  ][]) {
    const form: Form = FORMS[formName]
    fc.assert(
      fc.property(arbitrary, (message) => {
        const bytes = encodedAlone(form, message)
        const wrong = difference(form, bytes, 0, bytes.length)
        if (wrong !== null) throw new Error(wrong)
        if (form.decode(bytes, 0, bytes.length) !== bytes.length) return false
        const got = messageOf(form, bytes)
        return Object.entries(whole(formName, message)).every(([name, field]) => got[name] === field)
      }),
      { numRuns: 1_000 },
    )
  }
})

t.test('announced lengths at and beyond every limit', async (t) => {
  const lengths = [0, 1, KEY_BYTES_MAX, VALUE_BYTES_MAX, VALUE_BYTES_MAX + 1, LENGTH_CLAMP - 8, LENGTH_CLAMP]
  lengths.push(LENGTH_CLAMP + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1)
  lengths.push(39, 40, 59, 60, 65, 66, FRAME_BYTES_MAX - 1, FRAME_BYTES_MAX, FRAME_BYTES_MAX + 1)
  // Far inside a large array, where adding a clamped length comes nearest to 2^31.
  const far = new Uint8Array(LENGTH_CLAMP >>> 3)
  const announced = [
    ['documented-set', 9],
    ['documented-reply-data', 1],
    ['frame-get', 4],
    ['frame-reply-value', 4],
  ] as const
  for (const [name, place] of announced) {
    const form: Form = FORMS[MEANINGS[name]!.form]
    for (const length of lengths) {
      const bytes = vector(name)
      new DataView(bytes.buffer).setUint32(place, length, true)
      const start = far.length - bytes.length
      far.set(bytes, start)
      t.equal(difference(form, far, start, far.length), null, `${name} announcing ${length}`)
      const { needed, valueEnd } = form.into as { needed: number; valueEnd: number }
      t.ok(needed === (needed | 0) && valueEnd === (valueEnd | 0), 'small integers')
    }
  }
  const get = (size: number) => encodedLarge(FORMS.documented, { opcode: 1, key: 'k'.repeat(size) })
  const largestKey = get(KEY_BYTES_MAX)
  t.equal(FORMS.documented.decode(largestKey, 0, largestKey.length), KEY_BYTES_MAX + 3)
  for (const [form, head] of [[FORMS.frameRequest, 60] as const, [FORMS.frameReply, 40] as const]) {
    const frame = (size: number) => encodedLarge(form, { opcode: 0x14, value: 'v'.repeat(size - head) })
    const largest = frame(FRAME_BYTES_MAX)
    t.equal(form.decode(largest, 0, largest.length), FRAME_BYTES_MAX, 'the limit itself is a frame')
    t.equal(difference(form, largest, 0, largest.length, false), null)
    const larger = frame(FRAME_BYTES_MAX + 1)
    t.equal(form.decode(larger, 0, larger.length), -ERROR.FRAME_TOO_LARGE)
  }
})

function encodedLarge(form: Form, message: Message): Uint8Array {
  const target = new Uint8Array(FRAME_BYTES_MAX * 2)
  return target.slice(0, form.encode(message, target, 0))
}

t.test('an encoder copies right wherever its source lies', async (t) => {
  const { encodeDocumentedReply } = await import('../src/index.ts')
  for (const size of [0, 1, 127, 128, 129, 400]) {
    const arena = new ArrayBuffer(2048)
    const source = new Uint8Array(arena, 100, 700).map((_, index) => index * 7)
    new Uint8Array(arena, 100, 700).set(source)
    const around = [new Uint8Array(source), new Uint8Array(arena, 100, 700), Buffer.from(source)]
    for (const from of around) {
      for (const target of [new Uint8Array(arena, 900, 600), new Uint8Array(arena), new Uint8Array(2048)]) {
        const at = target.length === 2048 ? 950 : 5
        const next = encodeDocumentedReply(0, from, 11, 11 + size, target, at)
        t.equal(next, at + 5 + size)
        t.equal(hex(target.subarray(at + 5, next)), hex(source.subarray(11, 11 + size)))
      }
    }
  }
  const none = new Uint8Array(5)
  t.equal(encodeDocumentedReply(0xff, new Uint8Array(3), 0, 3, none, 0), 5, 'an error carries nothing')
})
