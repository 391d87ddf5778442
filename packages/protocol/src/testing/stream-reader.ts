/**
 * A whole stream of one form in the plainest way: all bytes at once, message after message, until there are
 * no more, the rest is none yet, or it cannot be one.
 */
import { type FormName, type Message, messageOf } from './decoders.ts'
import {
  type Reading,
  readDocumented,
  readDocumentedReply,
  readFrameReply,
  readFrameRequest,
} from './message-reader.ts'

export interface Stream {
  messages: Message[]
  /** `whole`, `incomplete`, or the number of the error that the byte `at` begins. */
  end: 'whole' | 'incomplete' | number
  /** Where the messages end. */
  at: number
  /** Bytes that the incomplete message has, as far as can be known. */
  needed: number
}

const READERS: Readonly<Record<FormName, (bytes: Uint8Array, offset: number) => Reading>> = {
  documented: readDocumented,
  documentedReply: readDocumentedReply,
  frameRequest: readFrameRequest,
  frameReply: readFrameReply,
}

export function readStream(form: FormName, bytes: Uint8Array): Stream {
  const messages: Message[] = []
  let at = 0
  while (at < bytes.length) {
    const { consumed, fields } = READERS[form](bytes.subarray(at), at)
    if (consumed < 0) return { messages, end: -consumed, at, needed: 0 }
    if (consumed === 0) return { messages, end: 'incomplete', at, needed: Number(fields['needed']) }
    messages.push(messageOf({ into: fields }, bytes))
    at += consumed
  }
  return { messages, end: 'whole', at, needed: 0 }
}
