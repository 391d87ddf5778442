/**
 * What `node:http` lets through and is refused all the same: a request that somebody else on its way could
 * read in another way, or of which it passed something over.
 */
import type { IncomingMessage } from 'node:http'
import { ERROR, type ErrorNumber } from '@minivault/protocol'
import { HTTP_HEADERS_MAX } from '../limits.ts'

export interface ShapeError {
  readonly error: ErrorNumber
  readonly message: string
  readonly status?: number
}

const HEADERS_TOO_LARGE = 431
const VERSION_NOT_SUPPORTED = 505

/** Null: there is nothing wrong with it. */
export function shapeError({ rawHeaders, headers, httpVersion }: IncomingMessage): ShapeError | null {
  if (rawHeaders.length > 2 * HTTP_HEADERS_MAX) {
    const message = `a head has at most ${HTTP_HEADERS_MAX} lines`
    return { error: ERROR.BAD_REQUEST, message, status: HEADERS_TOO_LARGE }
  }
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  if (hosts > 1 || (hosts === 0 && httpVersion !== '1.0')) {
    return { error: ERROR.BAD_REQUEST, message: 'a request has one header Host' }
  }
  if (httpVersion !== '1.0' && httpVersion !== '1.1') {
    const message = 'this is HTTP/1.1'
    return { error: ERROR.UNSUPPORTED, message, status: VERSION_NOT_SUPPORTED }
  }
  const coding = headers['transfer-encoding']
  if (coding === undefined) return null
  if (httpVersion === '1.0') {
    return { error: ERROR.BAD_REQUEST, message: 'HTTP/1.0 has no transfer codings' }
  }
  if (coding.toLowerCase() !== 'chunked') {
    return { error: ERROR.UNSUPPORTED, message: 'the only transfer coding is chunked' }
  }
  return null
}
