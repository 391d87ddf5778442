/**
 * Values that arrive in chunks. Chunks of one frame id come in order; several values may be on their way at
 * once, within bounds. Memory grows with what has arrived, never with what was announced. The refused ones
 * are remembered until their last chunk, so that the chunks still to come are passed over and the refusal is
 * sent once; a connection that collects refusals is not listened to any more.
 */
import { cloneBytes } from '@minivault/codec'
import { ERROR, type ErrorNumber, FRAME_FLAG, type FrameRequest, VALUE_BYTES_MAX } from '@minivault/protocol'
import { CHUNK_BYTES_MIN, CHUNKED_REFUSALS_MAX, CHUNKED_VALUES_MAX } from '../limits.ts'

interface Assembly {
  pieces: Uint8Array[]
  received: number
  totalBytes: number
  key: Uint8Array
}

export class ChunkAssembly {
  readonly #assemblies = new Map<number, Assembly>()
  readonly #refused = new Set<number>()

  /** Some value has begun and not ended. */
  get isUnfinished(): boolean {
    return this.#assemblies.size > 0
  }

  get isFlooded(): boolean {
    return this.#refused.size > CHUNKED_REFUSALS_MAX
  }

  /** Keeps one chunk. Anything but ERROR.NONE: call `refuse`. */
  take(request: FrameRequest, bytes: Uint8Array): ErrorNumber {
    if (this.#refused.has(request.frameId)) return ERROR.BAD_REQUEST
    let assembly = this.#assemblies.get(request.frameId)
    if (assembly === undefined) {
      if (request.chunkOffset !== 0) return ERROR.BAD_REQUEST
      if (request.totalBytes > VALUE_BYTES_MAX) return ERROR.VALUE_TOO_LARGE
      if (this.#assemblies.size >= CHUNKED_VALUES_MAX) return ERROR.OVERLOADED
      const key = cloneBytes(bytes, request.keyStart, request.keyEnd)
      assembly = { pieces: [], received: 0, totalBytes: request.totalBytes, key }
      this.#assemblies.set(request.frameId, assembly)
    }
    const length = request.valueEnd - request.valueStart
    const isLast = (request.flags & FRAME_FLAG.more) === 0
    const received = assembly.received + length
    if (request.chunkOffset !== assembly.received || received > assembly.totalBytes) return ERROR.BAD_REQUEST
    if (isLast !== (received === assembly.totalBytes)) return ERROR.BAD_REQUEST
    if (!isLast && length < CHUNK_BYTES_MIN) return ERROR.BAD_REQUEST
    assembly.pieces.push(cloneBytes(bytes, request.valueStart, request.valueEnd))
    assembly.received = received
    return ERROR.NONE
  }

  /** Drops the value; true when that is to be told, which it is once. */
  refuse(request: FrameRequest): boolean {
    const isFirst = !this.#refused.has(request.frameId)
    this.#assemblies.delete(request.frameId)
    if ((request.flags & FRAME_FLAG.more) === 0) this.#refused.delete(request.frameId)
    else this.#refused.add(request.frameId)
    return isFirst
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
