/** The body of a request, as JSON, up to a bound. */
import type { IncomingMessage } from 'node:http'
import { BODY_BYTES_MAX } from '../limits.ts'

/** Nobody reads it: one line. */
export class BodyError extends Error {
  override readonly name = 'BodyError'
}

/** Throws BodyError. */
export async function jsonBodyOf(request: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of request) {
    length += (piece as Buffer).length
    if (length > BODY_BYTES_MAX) throw new BodyError(`the body has more than ${BODY_BYTES_MAX} bytes`)
    pieces.push(piece as Buffer)
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString())
  } catch {
    throw new BodyError('the body is no JSON')
  }
}
