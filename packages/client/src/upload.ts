/*
 * One value on its way from its source, chunk by chunk, on a connection of its own. Only what the socket has
 * not taken yet is in memory: the source is asked for more when there is room.
 *
 * Nothing takes effect before the last chunk is written, and that is written only when the source has ended
 * with as many bytes as were announced: whatever breaks before then, the call is not in doubt.
 */

import { CHUNK_BYTES, FRAME_REQUEST_HEAD_BYTES } from '@minivault/protocol'
import type { Address } from './address.ts'
import type { ClientError } from './client-error.ts'
import { Connection, type ConnectionOwner } from './connection.ts'
import type { DialedSocket } from './dialed-socket.ts'
import { disconnected } from './disconnected.ts'
import { FrameEncoder, firstBytesMax } from './frame-encoder.ts'
import { FrameWire, type FrameWireOptions } from './frame-wire.ts'
import { UPLOAD_UNSENT_BYTES_MAX } from './limits.ts'
import { type SizedPieces, sourceError } from './pieces.ts'
import type { Request } from './request.ts'
import type { Time } from './time.ts'

export interface UploadOptions {
  request: Request
  address: Address
  time: Time
  wire: FrameWireOptions
}

/** A chunk that is being filled; its header's room comes first. */
interface Chunk {
  bytes: Uint8Array
  head: number
  length: number
  offset: number
}

export class Upload implements ConnectionOwner {
  readonly #options: UploadOptions
  readonly #wire: FrameWire
  readonly #connection: Connection
  readonly #encoder = new FrameEncoder()
  readonly #frameId: number
  readonly #settled: Promise<void>
  #wake: (() => void) | null = null

  constructor(dialed: DialedSocket, options: UploadOptions) {
    const { request, time, wire } = options
    this.#options = options
    this.#wire = new FrameWire(wire)
    this.#connection = new Connection(dialed, this.#wire, time, this)
    this.#frameId = this.#wire.expect(request)
    request.carrier = this.#connection
    this.#settled = new Promise((resolve) => {
      const { onSettled } = request
      request.onSettled = () => {
        onSettled?.()
        this.#wake?.()
        resolve()
      }
    })
  }

  /** Returns when the call is settled. */
  async run(): Promise<void> {
    const { request } = this.#options
    try {
      await this.#send(request.pieces!)
      await this.#settled
    } catch (error) {
      request.reject(error as ClientError)
    }
    // Once all is sent and answered the server is done with it; else it must not wait for the rest.
    if (request.sent > 0 && this.#wire.inFlight === 0) this.#connection.end()
    else this.#connection.destroy()
  }

  async #send(given: SizedPieces): Promise<void> {
    const { request } = this.#options
    const total = given.size!
    let chunk = this.#begin(0, total)
    for (;;) {
      const piece = await given.pieces.next()
      if (request.settled) return
      if (piece === null) break
      this.#move(given)
      if (chunk.offset + chunk.length + piece.length > total) {
        throw sourceError(`the source gave more than the ${total} bytes announced`)
      }
      for (let at = 0; at < piece.length; ) {
        if (chunk.length === chunk.bytes.length - chunk.head) {
          if (!(await this.#write(chunk, given))) return
          chunk = this.#begin(chunk.offset + chunk.length, total)
        }
        const room = chunk.bytes.length - chunk.head - chunk.length
        const part = piece.subarray(at, at + room)
        chunk.bytes.set(part, chunk.head + chunk.length)
        chunk.length += part.length
        at += part.length
      }
    }
    const received = chunk.offset + chunk.length
    if (received < total) throw sourceError(`the source ended after ${received} of ${total} bytes`)
    request.sent++
    await this.#write(chunk, given)
  }

  /** A chunk in memory of its own: the socket keeps it until it is sent. */
  #begin(offset: number, total: number): Chunk {
    const key = offset === 0 ? this.#options.request.key : null
    const head = FRAME_REQUEST_HEAD_BYTES + (key?.length ?? 0)
    const room = Math.min(total - offset, key === null ? CHUNK_BYTES : firstBytesMax(key))
    return { bytes: Buffer.allocUnsafeSlow(head + room), head, length: 0, offset }
  }

  /** False: the call was settled meanwhile. */
  async #write(chunk: Chunk, given: SizedPieces): Promise<boolean> {
    const { request, time } = this.#options
    const { offset, length } = chunk
    request.sentAt = time.now()
    this.#encoder.writeChunkHead(request, this.#frameId, { offset, length, total: given.size! }, chunk.bytes)
    this.#connection.out.append(chunk.bytes)
    this.#connection.out.flush()
    while (!request.settled && this.#connection.unsentBytes > UPLOAD_UNSENT_BYTES_MAX) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#move(given)
    return !request.settled
  }

  /** Something moved: the call's time runs from here. */
  #move({ timeoutMs }: SizedPieces): void {
    this.#options.request.deadline = this.#options.time.now() + timeoutMs
  }

  onRoom(): void {
    this.#wake?.()
  }

  onBroken(_: Connection, __: Request[], cause: Error | undefined): void {
    const { request, address } = this.#options
    request.reject(disconnected(address, cause, request.isInDoubt))
  }
}
