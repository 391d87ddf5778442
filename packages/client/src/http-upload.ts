/*
 * The body of a value that comes from a source. Its last piece is held back until the source has ended with
 * as many bytes as were announced: whatever breaks before then, nothing takes effect.
 */

import { wrappingOf } from './http-request.ts'
import { sourceError } from './pieces.ts'
import type { Request } from './request.ts'
import type { Time } from './time.ts'

/** Bytes of the whole body. */
export function uploadBytes(request: Request): number {
  const { head, end } = wrappingOf(request)
  return head.length + request.pieces!.size! + end.length
}

/** Throws CLIENT_SOURCE. */
export async function* uploadBody(request: Request, time: Time): AsyncGenerator<Uint8Array> {
  const { pieces, size, timeoutMs } = request.pieces!
  const { head, end } = wrappingOf(request)
  let held = head
  let received = 0
  for (let piece = await pieces.next(); piece !== null; piece = await pieces.next()) {
    request.deadline = time.now() + timeoutMs
    received += piece.length
    if (received > size!) throw sourceError(`the source gave more than the ${size} bytes announced`)
    if (held.length > 0) yield held
    // The source may use its memory again.
    held = new Uint8Array(piece)
  }
  if (received < size!) throw sourceError(`the source ended after ${received} of ${size} bytes`)
  request.sent++
  request.deadline = time.now() + timeoutMs
  yield held
  if (end.length > 0) yield end
}
