/**
 * What a client may send that has not shown the key its command needs: a short request of few arguments.
 * Judged from as much as has come, so that nothing is held for it; whole or in pieces, the answer is the
 * same.
 */
import { RESP_STRANGER_ARGUMENTS_MAX, type RespRequest, UNAUTHENTICATED_BYTES_MAX } from '@minivault/protocol'

const LINE_END_BYTES = 2

/**
 * - null: short enough, so far
 * - empty: its last argument is too long; where it ends is known
 * - words: what follows the long part is unknown, and the stream cannot be followed
 */
export function breachOf(request: RespRequest): string | null {
  const { announced, count } = request
  if (count > 0 && announced > RESP_STRANGER_ARGUMENTS_MAX) return 'unauthenticated multibulk length'
  const long = longArgument(request)
  if (long < 0) return null
  return long === announced - 1 ? '' : 'unauthenticated bulk length'
}

/** The first argument that ends too late; -1: none. */
function longArgument({ ends, count, isOpen }: RespRequest): number {
  const known = isOpen ? count + 1 : count
  for (let index = 0; index < known; index++) {
    if (ends[index]! + LINE_END_BYTES > UNAUTHENTICATED_BYTES_MAX) return index
  }
  return -1
}
