/**
 * Values that arrive in chunks. Chunks of one frame id come in order; several values may be on their way at
 * once, within bounds. A large raw value goes to a file as it comes; any other is kept, and memory grows with
 * what has arrived, never with what was announced, and is counted over all connections. The refused ones are
 * remembered until their last chunk, so that the chunks still to come are passed over and the refusal is sent
 * once; a connection that collects refusals is not listened to any more.
 */
import { cloneBytes } from '@minivault/codec'
import { ERROR, type ErrorNumber, FRAME_FLAG, type FrameRequest, VALUE_BYTES_MAX } from '@minivault/protocol'
import { CHUNK_BYTES_MIN, CHUNKED_REFUSALS_MAX, CHUNKED_VALUES_MAX } from '../limits.ts'
import type { HeldBytes } from './held-bytes.ts'
import type { IncomingValue } from './incoming-value.ts'

interface Assembly {
  pieces: Uint8Array[]
  received: number
  /** Of what was received, in `pieces`. */
  heldBytes: number
  totalBytes: number
  key: Uint8Array
  /** Where the chunks go instead of `pieces`. */
  incoming: IncomingValue | null
}

export class ChunkAssembly {
  readonly #assemblies = new Map<number, Assembly>()
  readonly #refused = new Set<number>()
  readonly #held: HeldBytes

  constructor(held: HeldBytes) {
    this.#held = held
  }

  /** Some value has begun and not ended. */
  get isUnfinished(): boolean {
    return this.#assemblies.size > 0
  }

  get isFlooded(): boolean {
    return this.#refused.size > CHUNKED_REFUSALS_MAX
  }

  /** Whether a chunk is the first of its value. */
  isFirst({ frameId }: FrameRequest): boolean {
    return !this.#assemblies.has(frameId) && !this.#refused.has(frameId)
  }

  /** Whether the chunk is one that may come now, and counts it. Anything but ERROR.NONE: call `refuse`. */
  admit(request: FrameRequest, bytes: Uint8Array): ErrorNumber {
    if (this.#refused.has(request.frameId)) return ERROR.BAD_REQUEST
    let assembly = this.#assemblies.get(request.frameId)
    if (assembly === undefined) {
      if (request.chunkOffset !== 0) return ERROR.BAD_REQUEST
      if (request.totalBytes > VALUE_BYTES_MAX) return ERROR.VALUE_TOO_LARGE
      if (this.#assemblies.size >= CHUNKED_VALUES_MAX) return ERROR.OVERLOADED
      const key = cloneBytes(bytes, request.keyStart, request.keyEnd)
      const { totalBytes } = request
      assembly = { pieces: [], received: 0, heldBytes: 0, totalBytes, key, incoming: null }
      this.#assemblies.set(request.frameId, assembly)
    }
    const length = request.valueEnd - request.valueStart
    const isLast = (request.flags & FRAME_FLAG.more) === 0
    const received = assembly.received + length
    if (request.chunkOffset !== assembly.received || received > assembly.totalBytes) return ERROR.BAD_REQUEST
    if (isLast !== (received === assembly.totalBytes)) return ERROR.BAD_REQUEST
    if (!isLast && length < CHUNK_BYTES_MIN) return ERROR.BAD_REQUEST
    assembly.received = received
    return ERROR.NONE
  }

  /** The admitted value goes there. */
  direct({ frameId }: FrameRequest, incoming: IncomingValue): void {
    this.#assemblies.get(frameId)!.incoming = incoming
  }

  /** Where the admitted chunk's value goes; null: it is to be kept. */
  incomingOf({ frameId }: FrameRequest): IncomingValue | null {
    return this.#assemblies.get(frameId)!.incoming
  }

  /** Keeps the admitted chunk. Anything but ERROR.NONE: call `refuse`. */
  keep({ frameId, valueStart, valueEnd }: FrameRequest, bytes: Uint8Array): ErrorNumber {
    if (!this.#held.take(valueEnd - valueStart)) return ERROR.OVERLOADED
    const assembly = this.#assemblies.get(frameId)!
    assembly.pieces.push(cloneBytes(bytes, valueStart, valueEnd))
    assembly.heldBytes += valueEnd - valueStart
    return ERROR.NONE
  }

  /** Drops the value; true when that is to be told, which it is once. */
  refuse(request: FrameRequest): boolean {
    const { frameId, flags } = request
    const isFirst = !this.#refused.has(frameId)
    this.#assemblies.get(frameId)?.incoming?.abort()
    this.#forget(frameId)
    if ((flags & FRAME_FLAG.more) === 0) this.#refused.delete(frameId)
    else this.#refused.add(frameId)
    return isFirst
  }

  /** After the last chunk: key and value in bytes of their own, to which the request's spans then point. */
  finish(request: FrameRequest): Uint8Array | null {
    if ((request.flags & FRAME_FLAG.more) !== 0) return null
    const { key, pieces } = this.#assemblies.get(request.frameId)!
    this.#forget(request.frameId)
    const whole = Buffer.concat([key, ...pieces])
    request.keyStart = 0
    request.keyEnd = request.valueStart = key.length
    request.valueEnd = whole.length
    return whole
  }

  /** After the last chunk of a value that goes elsewhere. */
  leave({ frameId }: FrameRequest): void {
    this.#forget(frameId)
  }

  /** Lets all of them go. */
  close(): void {
    for (const [frameId, { incoming }] of this.#assemblies) {
      incoming?.abort()
      this.#forget(frameId)
    }
  }

  #forget(frameId: number): void {
    const assembly = this.#assemblies.get(frameId)
    if (assembly === undefined) return
    this.#assemblies.delete(frameId)
    this.#held.give(assembly.heldBytes)
  }
}
