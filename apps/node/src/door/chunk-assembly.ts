/**
 * Values that arrive in chunks. Chunks of one frame id come in order; several values may be on their way at
 * once, within bounds. Memory grows with what has arrived, never with what was announced. The refused ones
 * are remembered until their last chunk, so that the chunks still to come are passed over and the refusal is
 * sent once.
 */
import { cloneBytes } from '@minivault/codec'
import { ERROR, type ErrorNumber, FRAME_FLAG, type FrameRequest, VALUE_BYTES_MAX } from '@minivault/protocol'
import { CHUNKED_VALUES_MAX } from '../limits.ts'

interface Assembly {
  refused: boolean
  pieces: Uint8Array[]
  received: number
  totalBytes: number
  key: Uint8Array
}

export class ChunkAssembly {
  readonly #assemblies = new Map<number, Assembly>()

  /** Keeps one chunk. Anything but ERROR.NONE: call `refuse`. */
  take(request: FrameRequest, bytes: Uint8Array): ErrorNumber {
    let assembly = this.#assemblies.get(request.frameId)
    if (assembly?.refused) return ERROR.BAD_REQUEST
    if (assembly === undefined) {
      if (request.chunkOffset !== 0) return ERROR.BAD_REQUEST
      if (request.totalBytes > VALUE_BYTES_MAX) return ERROR.VALUE_TOO_LARGE
      if (this.#assemblies.size >= CHUNKED_VALUES_MAX) return ERROR.OVERLOADED
      const key = cloneBytes(bytes, request.keyStart, request.keyEnd)
      assembly = { refused: false, pieces: [], received: 0, totalBytes: request.totalBytes, key }
      this.#assemblies.set(request.frameId, assembly)
    }
    const length = request.valueEnd - request.valueStart
    const isLast = (request.flags & FRAME_FLAG.more) === 0
    const received = assembly.received + length
    if (request.chunkOffset !== assembly.received || received > assembly.totalBytes) return ERROR.BAD_REQUEST
    if (isLast !== (received === assembly.totalBytes)) return ERROR.BAD_REQUEST
    assembly.pieces.push(cloneBytes(bytes, request.valueStart, request.valueEnd))
    assembly.received = received
    return ERROR.NONE
  }

  /** Drops the value; true when that is to be told, which it is once. */
  refuse(request: FrameRequest): boolean {
    const known = this.#assemblies.get(request.frameId)
    const isLast = (request.flags & FRAME_FLAG.more) === 0
    if (isLast) this.#assemblies.delete(request.frameId)
    else
      this.#assemblies.set(request.frameId, {
        refused: true,
        pieces: [],
        received: 0,
        totalBytes: 0,
        key: EMPTY,
      })
    return known?.refused !== true
  }

  /** After the last chunk: key and value in bytes of their own, to which the request's spans then point. */
  finish(request: FrameRequest): Uint8Array | null {
    if ((request.flags & FRAME_FLAG.more) !== 0) return null
    const { key, pieces } = this.#assemblies.get(request.frameId)!
    this.#assemblies.delete(request.frameId)
    const whole = Buffer.concat([key, ...pieces])
    request.keyStart = 0
    request.keyEnd = request.valueStart = key.length
    request.valueEnd = whole.length
    return whole
  }
}

const EMPTY = new Uint8Array(0)
