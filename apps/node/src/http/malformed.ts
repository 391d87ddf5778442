/** What `node:http` could not read: the answer that can still be given, and then the end. */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { ERROR, type ErrorNumber } from '@minivault/protocol'
import { HTTP_HEADER_BYTES_MAX } from '../limits.ts'
import { errorBody } from './reply-body.ts'
import { JSON_TYPE } from './reply-head.ts'

interface WithResponse {
  _httpMessage?: { headersSent: boolean } | null
}

/** Too long a head is 431, silence 408, anything else 400. */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  // A reply that has begun must not get another into it.
  const isAnswering = (socket as WithResponse)._httpMessage?.headersSent === true
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswering) {
    socket.destroy()
    return
  }
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    return end(socket, 431, ERROR.BAD_REQUEST, `a head has at most ${HTTP_HEADER_BYTES_MAX} bytes`)
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return end(socket, 408, ERROR.TIMEOUT, 'the request did not arrive in time')
  }
  const reason = (error as { reason?: string }).reason
  end(socket, 400, ERROR.BAD_REQUEST, reason ? `the request is malformed: ${reason}` : null)
}

function end(socket: Socket, status: number, error: ErrorNumber, message: string | null): void {
  const body = errorBody(error, message)
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${JSON_TYPE}\r\n` +
      `Content-Length: ${body.length}\r\nDate: ${new Date().toUTCString()}\r\n` +
      `Connection: close\r\n\r\n${body.toString()}`,
  )
}
