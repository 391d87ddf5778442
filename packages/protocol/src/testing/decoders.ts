/**
 * The decoders behind one interface, each with the object it fills. They are taken from a module that the
 * caller hands over, so that a changed copy of this package can stand in for it.
 */
import type { Version } from '@minivault/clock'
import type * as Protocol from '../index.ts'

export const FORM_NAMES = ['documented', 'documentedReply', 'frameRequest', 'frameReply'] as const
export type FormName = (typeof FORM_NAMES)[number]

export interface Decoder {
  /** What `decode` has filled last. */
  readonly into: object
  /** Returns the bytes consumed, 0 for incomplete, an error's number below 0. */
  decode(bytes: Uint8Array, start: number, end: number): number
}

export function decodersOf(protocol: typeof Protocol): Readonly<Record<FormName, Decoder>> {
  const documented = new protocol.DocumentedRequest()
  const documentedReply = new protocol.DocumentedReply()
  const frameRequest = new protocol.FrameRequest()
  const frameReply = new protocol.FrameReply()
  return {
    documented: {
      into: documented,
      decode: (bytes, start, end) => protocol.decodeDocumented(bytes, start, end, documented),
    },
    documentedReply: {
      into: documentedReply,
      decode: (bytes, start, end) => protocol.decodeDocumentedReply(bytes, start, end, documentedReply),
    },
    frameRequest: {
      into: frameRequest,
      decode: (bytes, start, end) => protocol.decodeFrameRequest(bytes, start, end, frameRequest),
    },
    frameReply: {
      into: frameReply,
      decode: (bytes, start, end) => protocol.decodeFrameReply(bytes, start, end, frameReply),
    },
  }
}

/** Fields by name; those left out have their defaults. Key and value are texts of one byte a character. */
export type Message = Readonly<Record<string, number | string>>

const PLACES = new Set(['keyStart', 'keyEnd', 'valueStart', 'valueEnd', 'needed', 'headerComplete'])

/** The fields of a whole message; its places, which point into `bytes`, become key and value. */
export function messageOf({ into }: Pick<Decoder, 'into'>, bytes: Uint8Array): Message {
  const message: Record<string, number | string> = {}
  const fields = into as Record<string, number | string | Version>
  for (const name in fields) {
    const field = fields[name]!
    if (!PLACES.has(name)) message[name] = typeof field === 'object' ? field.toString() : field
  }
  const text = (start: unknown, end: unknown) =>
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(
      'latin1',
      start as number,
      end as number,
    )
  if ('keyStart' in fields) message['key'] = text(fields['keyStart'], fields['keyEnd'])
  message['value'] = text(fields['valueStart'], fields['valueEnd'])
  return message
}
