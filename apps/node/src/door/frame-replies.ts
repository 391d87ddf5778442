/**
 * Replies of the frame form: what each slot's reply repeats of its request, and how answers are written down.
 */
import {
  CHUNK_BYTES,
  ERROR,
  type ErrorNumber,
  encodeVersions,
  errorKind,
  FRAME_FLAG,
  FRAME_OPCODE,
  FRAME_REPLY_HEAD_BYTES,
  FrameReply,
  type FrameRequest,
  frameReplyHeader,
  MESSAGE_BYTES_MAX,
  writeI64,
} from '@minivault/protocol'
import { VALUE_TYPE } from '@minivault/storage'
import type { Admission } from '../admission/admission.ts'
import type { Answer } from '../key-value.ts'
import { AskedFrames } from './asked-frames.ts'
import type { Output } from './output.ts'
import type { PieceReply } from './piece-reply.ts'
import type { ScanPage } from './scan-page.ts'

const SUM_BYTES = 8

export class FrameReplies {
  readonly #admission: Admission
  readonly #reply = new FrameReply()
  readonly #asked = new AskedFrames()
  #pages: Map<number, ScanPage> | null = null

  constructor(admission: Admission) {
    this.#admission = admission
  }

  /** The slot's reply will be this request's. */
  remember(slot: number, { frameId, opcode }: FrameRequest): void {
    this.#asked.add(slot, frameId, opcode)
  }

  /** The slot's reply will be this page. */
  rememberPage(slot: number, page: ScanPage): void {
    this.#pages ??= new Map()
    this.#pages.set(slot, page)
  }

  write(slot: number, answer: Answer, output: Output): void {
    const opcode = this.#asked.opcode(slot)
    const reply = this.#reply.begin(opcode, this.#asked.frameId(slot))
    this.#asked.delete(slot)
    reply.outcome = answer.outcome
    reply.error = answer.error
    reply.version.copy(answer.version)
    if (opcode >= FRAME_OPCODE.scan && opcode < FRAME_OPCODE.peer)
      return this.#writeLate(slot, opcode, answer, output)
    if (answer.error !== ERROR.NONE) return this.#writeError(answer, output)
    if (answer.exists) reply.flags |= FRAME_FLAG.exists
    if (answer.valueType === VALUE_TYPE.json) reply.flags |= FRAME_FLAG.json
    if (opcode === FRAME_OPCODE.get) reply.expiresAtMs = answer.expiresAtMs
    this.#writeValue(answer, output)
  }

  /** `total` and `offset` are of the whole value, whatever part of it this is. */
  #writeValue(answer: Answer, output: Output): void {
    const reply = this.#reply
    const { value, valueStart, valueEnd, valueOffset } = answer
    const length = valueEnd - valueStart
    reply.totalBytes = answer.size || length
    reply.chunkOffset = valueOffset
    if (length <= CHUNK_BYTES) return this.#write(value, valueStart, valueEnd, output)
    const flags = reply.flags | FRAME_FLAG.chunk
    for (let offset = 0; offset < length; offset += CHUNK_BYTES) {
      const end = Math.min(length, offset + CHUNK_BYTES)
      reply.chunkOffset = valueOffset + offset
      reply.flags = end < length ? flags | FRAME_FLAG.more : flags
      this.#write(value, valueStart + offset, valueStart + end, output)
    }
  }

  /** A value that leaves piece by piece, or a part of one. */
  inPieces(slot: number, answer: Answer): PieceReply {
    const reply = new FrameReply().begin(this.#asked.opcode(slot), this.#asked.frameId(slot))
    this.#asked.delete(slot)
    reply.version.copy(answer.version)
    if (answer.valueType === VALUE_TYPE.json) reply.flags |= FRAME_FLAG.json
    const { size, start, end, expiresAtMs } = answer.stream!
    reply.totalBytes = size
    reply.expiresAtMs = expiresAtMs || answer.expiresAtMs
    return new FramePieceReply(reply, start, end)
  }

  /** The operations whose reply is made of more than a value. */
  #writeLate(slot: number, opcode: number, answer: Answer, output: Output): void {
    const page = this.#pages?.get(slot)
    this.#pages?.delete(slot)
    if (answer.error !== ERROR.NONE) return this.#writeError(answer, output)
    if (opcode === FRAME_OPCODE.layout) return this.#writeValue(answer, output)
    if (answer.cursor !== null) this.#reply.flags |= FRAME_FLAG.more
    const value = replyValueOf(opcode, answer, page)
    this.#reply.totalBytes = value.length
    this.#write(value, 0, value.length, output)
  }

  #writeError(answer: Answer, output: Output): void {
    if (answer.error === ERROR.RATE_LIMITED) this.#reply.retryAfterMs = this.#admission.retryAfterMs
    const text = Buffer.from(answer.message ?? errorKind(answer.error).message).subarray(0, MESSAGE_BYTES_MAX)
    this.#write(text, 0, text.length, output)
  }

  #write(value: Uint8Array, start: number, end: number, output: Output): void {
    const at = output.reserve(FRAME_REPLY_HEAD_BYTES)
    frameReplyHeader(this.#reply, end - start, output.bytes, at)
    output.append(value, start, end)
  }
}

/** Each slice is a frame; a single one is no chunk. */
class FramePieceReply implements PieceReply {
  readonly #reply: FrameReply
  readonly #flags: number
  readonly #start: number
  readonly #bytes: number

  constructor(reply: FrameReply, start: number, end: number) {
    this.#reply = reply
    this.#start = start
    this.#bytes = end - start
    this.#flags = reply.flags | (this.#bytes > CHUNK_BYTES ? FRAME_FLAG.chunk : 0)
  }

  writeHead(target: Uint8Array, offset: number, length: number): number {
    const reply = this.#reply
    reply.chunkOffset = this.#start + offset
    reply.flags = offset + length < this.#bytes ? this.#flags | FRAME_FLAG.more : this.#flags
    return frameReplyHeader(reply, length, target, 0)
  }

  /** Whoever has chunks of it drops them. */
  writeError(error: ErrorNumber, message: string, _isBegun: boolean, output: Output): boolean {
    const reply = this.#reply.begin(this.#reply.opcode, this.#reply.frameId)
    reply.outcome = errorKind(error).outcome
    reply.error = error
    const text = Buffer.from(message).subarray(0, MESSAGE_BYTES_MAX)
    const at = output.reserve(FRAME_REPLY_HEAD_BYTES)
    frameReplyHeader(reply, text.length, output.bytes, at)
    output.append(text, 0, text.length)
    return true
  }
}

const NOTHING = new Uint8Array(0)

function replyValueOf(opcode: number, answer: Answer, page: ScanPage | undefined): Uint8Array {
  if (opcode === FRAME_OPCODE.scan) return page?.encode(answer.cursor) ?? NOTHING
  if (opcode === FRAME_OPCODE.batch) return encodeVersions(answer.versions ?? [])
  if (opcode !== FRAME_OPCODE.increment) return NOTHING
  const sum = new Uint8Array(SUM_BYTES)
  writeI64(answer.sum, sum, 0)
  return sum
}
