/** How a session writes down a value that leaves piece by piece: what stands before each slice's bytes. */
import type { ErrorNumber } from '@minivault/protocol'
import type { Output } from './output.ts'

/** Room for the longest head. */
export const SLICE_HEAD_BYTES_MAX = 64

export interface PieceReply {
  /**
   * Writes the head of a slice of `length` bytes, the first of which is byte `offset` of what is sent, to the
   * beginning of `target`. Returns its length.
   */
  writeHead(target: Uint8Array, offset: number, length: number): number
  /** What stands behind the last slice. */
  writeEnd?(output: Output): void
  /**
   * The value cannot be read on. False: nothing can be said of it here, the connection has to end.
   */
  writeError(error: ErrorNumber, message: string, isBegun: boolean, output: Output): boolean
}
