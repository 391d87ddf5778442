/**
 * The four kinds of message behind one interface, so that one test serves all: the decoder under test with
 * the object it fills, the plain reference, and an encoder from fields that are told by name.
 */
import { Version } from '@minivault/clock'
import {
  DocumentedReply,
  DocumentedRequest,
  type DocumentedStatus,
  decodeDocumented,
  decodeDocumentedReply,
  decodeFrameReply,
  decodeFrameRequest,
  encodeDocumentedReply,
  encodeDocumentedRequest,
  encodeDocumentedSet,
  encodeFrameRequest,
  FrameReply,
  FrameRequest,
  frameReplyHeader,
} from '../../src/index.ts'
import {
  type Decoder,
  type Message,
  type Reading,
  readDocumented,
  readDocumentedReply,
  readFrameReply,
  readFrameRequest,
} from '../../src/testing/index.ts'

export interface Form extends Decoder {
  reference(bytes: Uint8Array, offset: number): Reading
  /** Writes at `at`, returns the next offset. */
  encode(message: Message, target: Uint8Array, at: number): number
}

const latin1 = (text: string | number | undefined) => Buffer.from(String(text ?? ''), 'latin1')

function assign(into: object, message: Message): void {
  const fields = into as Record<string, unknown>
  for (const [name, field] of Object.entries(message)) {
    if (name === 'key' || name === 'value') continue
    if (!(name in fields)) throw new Error(`there is no field ${name}`)
    if (fields[name] instanceof Version) fields[name].copy(Version.parse(String(field)))
    else fields[name] = field
  }
}

const documented = new DocumentedRequest()
const documentedReply = new DocumentedReply()
const frameRequest = new FrameRequest()
const frameReply = new FrameReply()

export const FORMS = {
  documented: {
    into: documented,
    decode: (bytes, start, end) => decodeDocumented(bytes, start, end, documented),
    reference: readDocumented,
    encode({ opcode, key, value, compressed }, target, at) {
      if (opcode !== 2) return encodeDocumentedRequest(opcode as 1, latin1(key), target, at)
      const bytes = latin1(value)
      return encodeDocumentedSet(latin1(key), bytes, 0, bytes.length, (compressed ?? 0) as 0, target, at)
    },
  },
  documentedReply: {
    into: documentedReply,
    decode: (bytes, start, end) => decodeDocumentedReply(bytes, start, end, documentedReply),
    reference: readDocumentedReply,
    encode({ status, value }, target, at) {
      const bytes = latin1(value)
      return encodeDocumentedReply(status as DocumentedStatus, bytes, 0, bytes.length, target, at)
    },
  },
  frameRequest: {
    into: frameRequest,
    decode: (bytes, start, end) => decodeFrameRequest(bytes, start, end, frameRequest),
    reference: readFrameRequest,
    encode(message, target, at) {
      const request = new FrameRequest()
      assign(request, message)
      const value = latin1(message['value'])
      return encodeFrameRequest(request, latin1(message['key']), value, 0, value.length, target, at)
    },
  },
  frameReply: {
    into: frameReply,
    decode: (bytes, start, end) => decodeFrameReply(bytes, start, end, frameReply),
    reference: readFrameReply,
    encode(message, target, at) {
      const reply = new FrameReply()
      assign(reply, message)
      const value = latin1(message['value'])
      const next = frameReplyHeader(reply, value.length, target, at)
      target.set(value, next)
      return next + value.length
    },
  },
} as const satisfies Record<string, Form>

/**
 * Decodes bytes[start, end) with both; the name of the first field in which they differ, or null. Nothing
 * outside of the range may be read, which `isFenced` checks.
 */
export function difference(
  form: Form,
  bytes: Uint8Array,
  start: number,
  end: number,
  isFenced = true,
): string | null {
  const consumed = form.decode(isFenced ? fenced(bytes, start, end) : bytes, start, end)
  const expected = form.reference(bytes.subarray(start, end), start)
  if (consumed !== expected.consumed) return `consumed ${consumed}, not ${expected.consumed}`
  if (consumed > end - start) return 'more consumed than there is'
  const fields = form.into as Record<string, unknown>
  for (const name in expected.fields) {
    const want = expected.fields[name]
    const got = typeof want === 'string' ? String(fields[name]) : fields[name]
    if (got !== want) return `${name} ${got}, not ${want}`
  }
  if (consumed === 0 && (fields['needed'] as number) <= end - start) return 'asks for no more than there is'
  return null
}

/** The bytes, of which only [start, end) may be read. */
function fenced(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Proxy(bytes, {
    get(target, name) {
      const at = Number(name)
      if (!(at >= start && at < end)) throw new Error(`reads ${String(name)} outside of [${start}, ${end})`)
      return target[at]
    },
  })
}
