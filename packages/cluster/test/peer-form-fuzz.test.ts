/** Any message comes back; of anything else nothing comes but messages, and no more than it has bytes for. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { MALFORMED, type Message, MessageWriter, readMessages, readStarts } from '../src/index.ts'
import { anyMessage } from './support/any-message.ts'
import { forms, tables } from './support/peer-forms.ts'

const HEADER_BYTES = 32
const LENGTH_AT = 4

function write(messages: readonly Message[]): Buffer {
  const writer = new MessageWriter(forms)
  for (const message of messages) writer.add(message)
  return Buffer.from(writer.bytes.subarray(0, writer.length))
}

function read(bytes: Uint8Array): { messages: Message[]; count: number } {
  const messages: Message[] = []
  const count = readMessages(bytes, 0, bytes.length, forms, (message) => messages.push(message))
  return { messages, count }
}

t.test('any messages come back as they were, in their order, and are written alike again', async (t) => {
  fc.assert(
    fc.property(fc.array(anyMessage, { minLength: 1, maxLength: 4 }), (sent) => {
      const bytes = write(sent)
      const { messages, count } = read(bytes)
      return count === sent.length && isDeepStrictEqual(messages, sent) && write(messages).equals(bytes)
    }),
    { numRuns: 1500 },
  )
  t.end()
})

type Change = (bytes: Buffer, at: number, byte: number) => Buffer

/** Where a change hits, and with what. */
const CHANGES: readonly Change[] = [
  (bytes, at, byte) => {
    bytes[at]! ^= 1 << (byte & 7)
    return bytes
  },
  (bytes, at) => bytes.subarray(0, at),
  (bytes, at, byte) => Buffer.concat([bytes.subarray(0, at), Buffer.of(byte), bytes.subarray(at)]),
  (bytes, at, byte) => bytes.fill(byte & 1 ? 0xff : 0x7f, at, Math.min(at + (byte & 7), bytes.length)),
  (bytes, at, byte) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + byte)]),
  (bytes, at) => Buffer.concat([bytes, bytes.subarray(at)]),
]

/** The frame of what was changed is right again, so that the inside is what is looked at. */
function mend(bytes: Buffer): Buffer {
  if (bytes.length >= HEADER_BYTES) bytes.writeUInt32LE(bytes.length, LENGTH_AT)
  return bytes
}

t.test('changed bytes: nothing is thrown, nothing comes that has no bytes', async (t) => {
  const change = fc.record({ which: fc.nat(CHANGES.length - 1), at: fc.nat(), byte: fc.nat(255) })
  let refused = 0
  fc.assert(
    fc.property(
      anyMessage,
      fc.array(change, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      (sent, all, mends) => {
        let bytes = write([sent])
        for (const { which, at, byte } of all) {
          bytes = Buffer.from(CHANGES[which]!(bytes, bytes.length === 0 ? 0 : at % bytes.length, byte))
        }
        if (mends) bytes = mend(bytes)
        const { messages, count } = read(bytes)
        if (count === MALFORMED) refused += 1
        // What was made of it takes no more bytes than it had.
        return messages.length * HEADER_BYTES <= bytes.length && write(messages).length <= bytes.length
      },
    ),
    { numRuns: 6000 },
  )
  t.ok(refused > 2000 && refused < 6000, `${refused} are refused`)
})

t.test('any bytes', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(23), (all, kind) => {
      const bytes = mend(Buffer.from(all))
      if (bytes.length >= HEADER_BYTES) bytes.set([kind, 0, 0, 0])
      const { messages } = read(bytes)
      readStarts(bytes, 0, bytes.length, tables, () => {})
      return messages.length * HEADER_BYTES <= bytes.length
    }),
    { numRuns: 3000 },
  )
  t.end()
})

t.test('counts and lengths that announce what is not there cost nothing', async (t) => {
  const before = process.memoryUsage.rss()
  for (let kind = 1; kind <= 22; kind++) {
    for (let at = 0; at < 40; at++) {
      const bytes = Buffer.alloc(80)
      bytes[0] = kind
      bytes.fill(0xff, HEADER_BYTES + at, HEADER_BYTES + at + 4)
      for (let again = 0; again < 50; again++) read(mend(bytes))
    }
  }
  t.ok(process.memoryUsage.rss() - before < 64 * 1024 * 1024)
})
