/*
 * A short value that comes from a source, or one of unknown size: read to its end, and from then on a value
 * like any other.
 */

import { concat } from './bytes.ts'
import { STREAM_GATHER_BYTES_MAX } from './limits.ts'
import { sourceError } from './pieces.ts'
import type { Request } from './request.ts'
import type { Time } from './time.ts'

/** At most `bytesMax` bytes: `request.pieces` becomes `request.value`. Throws CLIENT_SOURCE. */
export async function gather(
  request: Request,
  time: Time,
  bytesMax = STREAM_GATHER_BYTES_MAX,
): Promise<void> {
  const { pieces, size, timeoutMs } = request.pieces!
  const gathered: Uint8Array[] = []
  let length = 0
  for (let piece = await pieces.next(); piece !== null; piece = await pieces.next()) {
    length += piece.length
    if (size !== undefined && length > size) {
      throw sourceError(`the source gave more than the ${size} bytes announced`)
    }
    if (length > bytesMax) {
      throw sourceError(`a value above ${bytesMax} bytes needs its size: { size }`)
    }
    gathered.push(new Uint8Array(piece))
    request.deadline = time.now() + timeoutMs
  }
  if (request.settled) return
  if (size !== undefined && length < size) {
    throw sourceError(`the source ended after ${length} of ${size} bytes`)
  }
  request.value = concat(gathered)
  request.pieces = null
}
