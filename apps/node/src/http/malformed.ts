/** What `node:http` could not read: the answer that can still be given, and then the end. */
import type { Socket } from 'node:net'
import { ERROR, type ErrorNumber } from '@minivault/protocol'
import { HTTP_HEADER_BYTES_MAX } from '../limits.ts'
import { errorBody } from './reply-body.ts'
import { ReplyHead } from './reply-head.ts'

export interface Refusal {
  readonly status: number
  readonly error: ErrorNumber
  readonly message: string | null
}

/** Too long a head is 431, silence 408, anything else 400. */
export function refusalOf(error: NodeJS.ErrnoException): Refusal {
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    const message = `a head has at most ${HTTP_HEADER_BYTES_MAX} bytes`
    return { status: 431, error: ERROR.BAD_REQUEST, message }
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { status: 408, error: ERROR.TIMEOUT, message: 'the request did not arrive in time' }
  }
  const { reason } = error as { reason?: string }
  const message = reason ? `the request is malformed: ${reason}` : null
  return { status: 400, error: ERROR.BAD_REQUEST, message }
}

/** The last bytes of a connection, if it has not had them. */
export function endWith(socket: Socket, { status, error, message }: Refusal): void {
  if (!socket.writable) return
  const head = new ReplyHead()
  const body = errorBody(error, message)
  head.status = status
  head.contentLength = body.length
  socket.end(head.text(new Date().toUTCString(), true) + body.toString())
}
