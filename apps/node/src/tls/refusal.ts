/**
 * The end of a connection that may not go on, said in the words of what the client speaks, which its first
 * byte tells: who talks plainly to a port with TLS, or shows no certificate where one is wanted.
 */
import {
  DOCUMENTED_REPLY_HEAD_BYTES,
  DOCUMENTED_STATUS,
  decodeFrameRequest,
  documentedReplyHeader,
  type ErrorNumber,
  errorKind,
  FRAME_OPCODE,
  FRAME_REPLY_HEAD_BYTES,
  FrameReply,
  FrameRequest,
  frameReplyHeader,
} from '@minivault/protocol'
import { errorBody } from '../http/reply-body.ts'
import type { ProtocolName } from '../settings/settings.ts'

export interface Refusal {
  error: ErrorNumber
  message: string
  /** The first word of an error of the Redis protocol. */
  respCode: string
}

/** What a client hears that asks for TLS where there is none: OpenSSL calls it a wrong version number. */
export const NO_TLS = Buffer.from('this port does not speak TLS\r\n')

/**
 * The answer to a client whose first bytes these are, on a port that serves these protocols; empty: there are
 * no words for it.
 */
export function refusalOf(
  refusal: Refusal,
  speaks: ReadonlySet<ProtocolName>,
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array {
  const first = bytes[start]!
  const isOnly = (protocol: ProtocolName) => speaks.size === 1 && speaks.has(protocol)
  if (first === 0x2a || isOnly('resp')) return respRefusal(refusal)
  if ((first >= 0x41 && first <= 0x5a) || isOnly('http')) return httpRefusal(refusal)
  if (first === FRAME_OPCODE.hello) return frameRefusal(refusal, bytes, start, end)
  if (first === 0 || first > FRAME_OPCODE.hello) return new Uint8Array(0)
  const reply = new Uint8Array(DOCUMENTED_REPLY_HEAD_BYTES)
  documentedReplyHeader(DOCUMENTED_STATUS.error, 0, reply, 0)
  return reply
}

function respRefusal({ respCode, message }: Refusal): Uint8Array {
  return Buffer.from(`-${respCode} ${message}\r\n`)
}

function httpRefusal({ error, message }: Refusal): Uint8Array {
  const body = errorBody(error, message)
  const status = errorKind(error).httpStatus === 401 ? '401 Unauthorized' : '400 Bad Request'
  return Buffer.from(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body.toString()}`,
  )
}

/** An error to the HELLO, as far as it has come. */
function frameRefusal(
  { error, message }: Refusal,
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array {
  const request = new FrameRequest()
  decodeFrameRequest(bytes, start, end, request)
  const text = Buffer.from(message)
  const frame = Buffer.alloc(FRAME_REPLY_HEAD_BYTES + text.length)
  const reply = new FrameReply().begin(FRAME_OPCODE.hello, request.frameId)
  reply.outcome = errorKind(error).outcome
  reply.error = error
  frame.set(text, frameReplyHeader(reply, text.length, frame, 0))
  return frame
}
