/*
 * A short value that comes from a source, or one of unknown size: read to its end, and from then on a value
 * like any other.
 */

import { STREAM_GATHER_BYTES_MAX } from './limits.ts'
import type { Time } from './node-time.ts'
import { sourceError } from './pieces.ts'
import type { Request } from './request.ts'

/** `request.pieces` becomes `request.value`. Throws CLIENT_SOURCE. */
export async function gather(request: Request, time: Time): Promise<void> {
  const { pieces, size, timeoutMs } = request.pieces!
  const gathered: Uint8Array[] = []
  let length = 0
  for (let piece = await pieces.next(); piece !== null; piece = await pieces.next()) {
    length += piece.length
    if (size !== undefined && length > size) {
      throw sourceError(`the source gave more than the ${size} bytes announced`)
    }
    if (length > STREAM_GATHER_BYTES_MAX) {
      throw sourceError(`a value above ${STREAM_GATHER_BYTES_MAX} bytes needs its size: { size }`)
    }
    gathered.push(new Uint8Array(piece))
    request.deadline = time.now() + timeoutMs
  }
  if (request.settled) return
  if (size !== undefined && length < size) {
    throw sourceError(`the source ended after ${length} of ${size} bytes`)
  }
  request.value = new Uint8Array(Buffer.concat(gathered))
  request.pieces = null
}
