/*
 * The frame form: replies carry the id of their request, a version and, when something went wrong, what.
 * Values above one frame travel in chunks both ways.
 */

import {
  decodeFrameReply,
  ERROR,
  FRAME_FLAG,
  FRAME_OPCODE,
  FrameReply,
  OUTCOME,
  VALUE_BYTES_MAX,
} from '@minivault/protocol'
import { ClientError } from './client-error.ts'
import { FrameEncoder, refusalOf } from './frame-encoder.ts'
import { CLOCK_RETRIES_MAX, STREAM_PIECE_BYTES } from './limits.ts'
import type { Outgoing } from './outgoing.ts'
import { EMPTY, KIND, type Reply, type Request } from './request.ts'
import type { RequestClock } from './request-clock.ts'
import type { Wire } from './wire.ts'

const decoder = new TextDecoder()

interface Waiting {
  readonly request: Request
  /** the value's chunks so far; of a short range one, as long as all of it will be */
  pieces: Uint8Array[]
  received: number
}

export interface FrameWireOptions {
  clock: RequestClock
  /** as the server's HELLO showed them */
  capabilities: number
  /** takes requests that are to be sent once more at once */
  again: (request: Request) => void
}

export class FrameWire implements Wire {
  readonly isRepeatable = true
  readonly #options: FrameWireOptions
  readonly #encoder = new FrameEncoder()
  readonly #reply = new FrameReply()
  readonly #waiting = new Map<number, Waiting>()
  #frameId = 0

  constructor(options: FrameWireOptions) {
    this.#options = options
  }

  get inFlight(): number {
    return this.#waiting.size
  }

  write(request: Request, out: Outgoing): void {
    const refusal = refusalOf(request, this.#options.capabilities)
    if (refusal !== null) return request.reject(refusal)
    this.#encoder.write(request, this.expect(request), out)
  }

  /** The frame id under which the answer to a request is awaited that its caller writes. */
  expect(request: Request): number {
    this.#frameId = (this.#frameId + 1) | 0
    this.#waiting.set(this.#frameId, { request, pieces: [], received: 0 })
    return this.#frameId
  }

  read(bytes: Uint8Array, start: number, end: number): number {
    let at = start
    while (at < end) {
      const consumed = decodeFrameReply(bytes, at, end, this.#reply)
      if (consumed === 0) break
      if (consumed < 0) throw outOfStep('the server sent what is no frame')
      this.#take(bytes)
      at += consumed
    }
    return at
  }

  #take(bytes: Uint8Array): void {
    const reply = this.#reply
    const waiting = this.#waiting.get(reply.frameId)
    if (waiting === undefined) {
      if (reply.error === ERROR.NONE || reply.opcode !== 0) return
      throw outOfStep(`the server refused a frame: ${this.#message(bytes)}`)
    }
    if (reply.error === ERROR.NONE && (reply.flags & FRAME_FLAG.chunk) !== 0) {
      this.#takeChunk(waiting, bytes)
      if ((reply.flags & FRAME_FLAG.more) !== 0) return
    }
    this.#waiting.delete(reply.frameId)
    this.#options.clock.observe(reply.version)
    if (reply.error === ERROR.NONE) waiting.request.resolve(this.#result(waiting, bytes))
    else this.#refused(waiting.request, this.#message(bytes))
  }

  #takeChunk(waiting: Waiting, bytes: Uint8Array): void {
    const { chunkOffset, totalBytes, valueStart, valueEnd } = this.#reply
    const { request } = waiting
    const first = request.rangeStart
    const end = request.rangeBytes === 0 ? totalBytes : Math.min(totalBytes, first + request.rangeBytes)
    const offset = first + waiting.received
    const next = offset + valueEnd - valueStart
    if (chunkOffset !== offset || next > end || totalBytes > VALUE_BYTES_MAX) {
      throw outOfStep('the chunks of a value do not fit together')
    }
    if (((this.#reply.flags & FRAME_FLAG.more) !== 0) === (next === end)) {
      throw outOfStep('the last chunk of a value does not end it')
    }
    request.isBegun = true
    const chunk = bytes.subarray(valueStart, valueEnd)
    const isShortRange = request.rangeBytes > 0 && end - first <= STREAM_PIECE_BYTES
    if (!isShortRange) waiting.pieces.push(request.settled ? EMPTY : new Uint8Array(chunk))
    else {
      waiting.pieces[0] ??= new Uint8Array(end - first)
      waiting.pieces[0].set(chunk, waiting.received)
    }
    waiting.received = next - first
  }

  #result(waiting: Waiting, bytes: Uint8Array): Reply {
    const { flags, valueStart, valueEnd, version, opcode, totalBytes, expiresAtMs } = this.#reply
    const value =
      waiting.received > 0 ? joined(waiting) : new Uint8Array(bytes.subarray(valueStart, valueEnd))
    return {
      exists: opcode !== FRAME_OPCODE.delete || (flags & FRAME_FLAG.exists) !== 0,
      value,
      type: (flags & FRAME_FLAG.json) === 0 ? 'raw' : 'json',
      version: version.isZero() ? undefined : version.toString(),
      expiresAtMs,
      size: totalBytes,
      hasMore: (flags & FRAME_FLAG.more) !== 0,
    }
  }

  #refused(request: Request, message: string): void {
    const { error, outcome, retryAfterMs, version } = this.#reply
    const asksForKey = request.kind === KIND.get || request.kind === KIND.touch
    if (error === ERROR.KEY_NOT_FOUND && asksForKey) {
      request.resolve({
        exists: false,
        value: EMPTY,
        type: 'raw',
        version: undefined,
        expiresAtMs: undefined,
        size: 0,
        hasMore: false,
      })
    } else if (error === ERROR.CLOCK_TOO_FAR && request.clockRetries < CLOCK_RETRIES_MAX) {
      // Nothing was done under the old id, so a new one is not a second write.
      const { clock, again } = this.#options
      clock.stepBack(request.clockRetries++)
      clock.next(request.id)
      request.attempt = 0
      again(request)
    } else {
      // That nothing was done may be true of this attempt only.
      const isOfRetry = outcome === OUTCOME.failed && request.isWrite && request.attempt > 0
      request.reject(
        ClientError.fromServer(error, message, {
          retryAfterMs,
          inDoubt: outcome === OUTCOME.inDoubt || isOfRetry,
          version: version.isZero() ? undefined : version.toString(),
        }),
      )
    }
  }

  #message(bytes: Uint8Array): string {
    return decoder.decode(bytes.subarray(this.#reply.valueStart, this.#reply.valueEnd))
  }

  takeUnanswered(): Request[] {
    const taken = [...this.#waiting.values()].map((waiting) => waiting.request)
    this.#waiting.clear()
    return taken
  }
}

function joined(waiting: Waiting): Uint8Array {
  const [only] = waiting.pieces
  if (only?.length === waiting.received) return only
  const value = new Uint8Array(waiting.received)
  let at = 0
  for (const piece of waiting.pieces) {
    value.set(piece, at)
    at += piece.length
  }
  return value
}

function outOfStep(why: string): ClientError {
  return new ClientError('CLIENT_PROTOCOL', why)
}
