/*
 * From a request to its frames. Small ones are copied behind each other into the connection's buffer; the
 * pieces of a large value follow a header that announces them as they are, without a copy.
 */

import {
  CAPABILITY,
  CHUNK_BYTES,
  encodeFrameRequest,
  FRAME_BYTES_MAX,
  FRAME_FLAG,
  FRAME_OPCODE,
  FRAME_REQUEST_HEAD_BYTES,
  FrameRequest,
} from '@minivault/protocol'
import { ClientError } from './client-error.ts'
import { COPY_BYTES_MAX } from './limits.ts'
import type { Outgoing } from './outgoing.ts'
import { EMPTY, KIND, type Request } from './request.ts'

const OPCODES = {
  [KIND.get]: FRAME_OPCODE.get,
  [KIND.set]: FRAME_OPCODE.set,
  [KIND.delete]: FRAME_OPCODE.delete,
  [KIND.health]: FRAME_OPCODE.health,
  [KIND.touch]: FRAME_OPCODE.touch,
  [KIND.increment]: FRAME_OPCODE.increment,
  [KIND.scan]: FRAME_OPCODE.scan,
  [KIND.batch]: FRAME_OPCODE.batch,
  [KIND.layout]: FRAME_OPCODE.layout,
} as const

const U32_MAX = 0xffffffff
const LENGTH_AT = 4

export class FrameEncoder {
  readonly #frame = new FrameRequest()

  write(request: Request, frameId: number, out: Outgoing): void {
    this.#begin(request, frameId)
    const { key, value } = request
    if (value.length <= firstBytesMax(key)) this.#writeFrame(key, value, 0, value.length, out)
    else this.#writeChunks(request, out)
  }

  /**
   * The header, and the key of the first, of a chunk whose `length` bytes stand in `target` already, behind
   * `chunkHeadBytes` of room.
   */
  writeChunkHead(
    request: Request,
    frameId: number,
    chunk: { offset: number; length: number; total: number },
    target: Uint8Array,
  ): void {
    const frame = this.#begin(request, frameId)
    const { offset, length, total } = chunk
    // Nobody knows how long the whole will take: each chunk is told only that it may take its time.
    frame.deadlineMs = 0
    frame.totalBytes = total
    frame.chunkOffset = offset
    frame.flags |= FRAME_FLAG.chunk | (offset + length < total ? FRAME_FLAG.more : 0)
    this.#writeHead(offset === 0 ? request.key : EMPTY, length, target, 0)
  }

  #begin(request: Request, frameId: number): FrameRequest {
    const frame = this.#frame.begin(OPCODES[request.kind], frameId)
    if (request.isWrite) {
      frame.requestId.copy(request.id)
      frame.attempt = Math.min(request.attempt, 255)
      frame.totalBytes = request.value.length
    }
    frame.flags = request.flags
    frame.consistency = request.consistency
    frame.durability = request.durability
    frame.deadlineMs = Math.min(U32_MAX, Math.max(1, Math.ceil(request.deadline - request.sentAt)))
    frame.ttlMs = request.ttlMs
    if (request.expectedVersion !== null) frame.expectedVersion.copy(request.expectedVersion)
    if (request.has(FRAME_FLAG.range)) {
      frame.chunkOffset = request.rangeStart
      frame.totalBytes = request.rangeBytes
    }
    return frame
  }

  #writeChunks(request: Request, out: Outgoing): void {
    const frame = this.#frame
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
    const head = FRAME_REQUEST_HEAD_BYTES + key.length
    if (end - start <= COPY_BYTES_MAX) {
      out.reserve(head + end - start)
      out.wroteTo(encodeFrameRequest(this.#frame, key, value, start, end, out.buffer, out.at))
      return
    }
    out.reserve(head)
    out.wroteTo(this.#writeHead(key, end - start, out.buffer, out.at))
    out.append(value.subarray(start, end))
  }

  /** The encoder would write the value, too: so none is given, and the length put right. */
  #writeHead(key: Uint8Array, valueBytes: number, target: Uint8Array, at: number): number {
    const next = encodeFrameRequest(this.#frame, key, EMPTY, 0, 0, target, at)
    new DataView(target.buffer, target.byteOffset).setUint32(at + LENGTH_AT, next - at + valueBytes, true)
    return next
  }
}

/** Bytes of value that the first chunk of a value carries: the key travels with it. */
export function firstBytesMax(key: Uint8Array): number {
  return Math.min(CHUNK_BYTES, FRAME_BYTES_MAX - FRAME_REQUEST_HEAD_BYTES - key.length)
}

/** Why a server that has shown these CAPABILITY bits is not asked; null: it may be. */
export function refusalOf(request: Request, capabilities: number): ClientError | null {
  if ((capabilitiesFor(request) & ~capabilities) === 0) return null
  const said = 'the server does not know this operation yet: a newer one is needed'
  return new ClientError('CLIENT_UNSUPPORTED', said)
}

function capabilitiesFor(request: Request): number {
  switch (request.kind) {
    case KIND.scan:
      return CAPABILITY.scan
    case KIND.batch:
      return CAPABILITY.batch
    case KIND.layout:
      return CAPABILITY.layout
    case KIND.touch:
    case KIND.increment:
      return CAPABILITY.conditions
    default: {
      const isConditional = request.has(FRAME_FLAG.ifVersion) || request.ttlMs !== 0
      const isPartial = request.has(FRAME_FLAG.range | FRAME_FLAG.noValue)
      return (isConditional ? CAPABILITY.conditions : 0) | (isPartial ? CAPABILITY.streams : 0)
    }
  }
}
