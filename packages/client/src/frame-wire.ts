/*
 * The frame form: replies carry the id of their request, a version and, when something went wrong, what.
 * Values above one frame travel in chunks both ways.
 */

import {
  CHUNK_BYTES,
  decodeFrameReply,
  ERROR,
  encodeFrameRequest,
  FRAME_BYTES_MAX,
  FRAME_FLAG,
  FRAME_OPCODE,
  FRAME_REQUEST_HEAD_BYTES,
  FrameReply,
  FrameRequest,
  OUTCOME,
  VALUE_BYTES_MAX,
} from '@minivault/protocol'
import { ClientError } from './client-error.ts'
import { CLOCK_RETRIES_MAX, COPY_BYTES_MAX } from './limits.ts'
import type { Outgoing } from './outgoing.ts'
import { EMPTY, KIND, type Reply, type Request } from './request.ts'
import type { RequestClock } from './request-clock.ts'
import type { Wire } from './wire.ts'

const NO_VERSION = '0'.repeat(24)
const OPCODES = {
  [KIND.get]: FRAME_OPCODE.get,
  [KIND.set]: FRAME_OPCODE.set,
  [KIND.delete]: FRAME_OPCODE.delete,
  [KIND.health]: FRAME_OPCODE.health,
} as const
const decoder = new TextDecoder()

interface Waiting {
  readonly request: Request
  /** the value's chunks so far */
  pieces: Uint8Array[]
  received: number
}

export class FrameWire implements Wire {
  readonly isRepeatable = true
  readonly #clock: RequestClock
  readonly #again: (request: Request) => void
  readonly #request = new FrameRequest()
  readonly #reply = new FrameReply()
  readonly #waiting = new Map<number, Waiting>()
  #frameId = 0

  /** `again` takes requests that are to be sent once more at once. */
  constructor(clock: RequestClock, again: (request: Request) => void) {
    this.#clock = clock
    this.#again = again
  }

  get inFlight(): number {
    return this.#waiting.size
  }

  write(request: Request, out: Outgoing): void {
    this.#frameId = (this.#frameId + 1) | 0
    const frame = this.#request.begin(OPCODES[request.kind], this.#frameId)
    if (request.isWrite) {
      frame.requestId.copy(request.id)
      frame.attempt = Math.min(request.attempt, 255)
    }
    frame.durability = request.durability
    if (request.ifAbsent) frame.flags |= FRAME_FLAG.ifAbsent
    if (request.isJson) frame.flags |= FRAME_FLAG.json
    frame.totalBytes = request.value.length
    this.#waiting.set(this.#frameId, { request, pieces: [], received: 0 })
    if (request.value.length <= firstBytesMax(request.key)) {
      this.#writeFrame(request.key, request.value, 0, request.value.length, out)
    } else this.#writeChunks(request, out)
  }

  #writeChunks(request: Request, out: Outgoing): void {
    const frame = this.#request
    const length = request.value.length
    const flags = frame.flags | FRAME_FLAG.chunk
    let end = 0
    for (let offset = 0; offset < length; offset = end) {
      end = Math.min(length, offset + (offset === 0 ? firstBytesMax(request.key) : CHUNK_BYTES))
      frame.chunkOffset = offset
      frame.flags = end < length ? flags | FRAME_FLAG.more : flags
      this.#writeFrame(offset === 0 ? request.key : EMPTY, request.value, offset, end, out)
    }
  }

  #writeFrame(key: Uint8Array, value: Uint8Array, start: number, end: number, out: Outgoing): void {
    const isSmall = end - start <= COPY_BYTES_MAX
    const head = FRAME_REQUEST_HEAD_BYTES + key.length
    // The encoder writes the value, too; a large one is appended without a copy behind a header that
    // announces it.
    if (isSmall) {
      out.reserve(head + end - start)
      out.wroteTo(encodeFrameRequest(this.#request, key, value, start, end, out.buffer, out.at))
      return
    }
    out.reserve(head)
    const at = out.at
    const next = encodeFrameRequest(this.#request, key, EMPTY, 0, 0, out.buffer, at)
    new DataView(out.buffer.buffer, out.buffer.byteOffset).setUint32(at + 4, head + end - start, true)
    out.wroteTo(next)
    out.append(value.subarray(start, end))
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
    this.#clock.observe(reply.version)
    if (reply.error === ERROR.NONE) waiting.request.resolve(this.#result(waiting, bytes))
    else this.#refused(waiting.request, this.#message(bytes))
  }

  #takeChunk(waiting: Waiting, bytes: Uint8Array): void {
    const { chunkOffset, totalBytes, valueStart, valueEnd } = this.#reply
    const received = waiting.received + valueEnd - valueStart
    if (chunkOffset !== waiting.received || received > totalBytes || totalBytes > VALUE_BYTES_MAX) {
      throw outOfStep('the chunks of a value do not fit together')
    }
    if (((this.#reply.flags & FRAME_FLAG.more) !== 0) === (received === totalBytes)) {
      throw outOfStep('the last chunk of a value does not end it')
    }
    waiting.received = received
    if (!waiting.request.settled) waiting.pieces.push(new Uint8Array(bytes.subarray(valueStart, valueEnd)))
  }

  #result(waiting: Waiting, bytes: Uint8Array): Reply {
    const { flags, valueStart, valueEnd, version, opcode } = this.#reply
    const value =
      waiting.received > 0 ? joined(waiting) : new Uint8Array(bytes.subarray(valueStart, valueEnd))
    const exists = opcode === FRAME_OPCODE.get || (flags & FRAME_FLAG.exists) !== 0
    const text = version.toString()
    return {
      exists,
      value,
      type: (flags & FRAME_FLAG.json) === 0 ? 'raw' : 'json',
      version: text === NO_VERSION ? undefined : text,
    }
  }

  #refused(request: Request, message: string): void {
    const { error, outcome, retryAfterMs } = this.#reply
    if (error === ERROR.KEY_NOT_FOUND && request.kind === KIND.get) {
      request.resolve({ exists: false, value: EMPTY, type: 'raw', version: undefined })
    } else if (error === ERROR.CLOCK_TOO_FAR && request.clockRetries < CLOCK_RETRIES_MAX) {
      // Nothing was done under the old id, so a new one is not a second write.
      this.#clock.stepBack(request.clockRetries++)
      this.#clock.next(request.id)
      request.attempt = 0
      this.#again(request)
    } else {
      const inDoubt = outcome === OUTCOME.inDoubt
      request.reject(ClientError.fromServer(error, message, { retryAfterMs, inDoubt }))
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

/** The key travels with the first piece. */
function firstBytesMax(key: Uint8Array): number {
  return Math.min(CHUNK_BYTES, FRAME_BYTES_MAX - FRAME_REQUEST_HEAD_BYTES - key.length)
}

function joined(waiting: Waiting): Uint8Array {
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
