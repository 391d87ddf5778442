/**
 * The frame form on one connection. It begins with HELLO and, where the node has a key, is opened by AUTH,
 * whose proof never shows that key. Replies carry their request's frame id; values above a frame travel in
 * chunks both ways. What is refused is answered with code and words; only a frame that cannot be followed
 * ends the connection.
 */
import { randomBytes } from 'node:crypto'
import { CODEC, hashKey } from '@minivault/codec'
import {
  CHUNK_BYTES,
  CONSISTENCY,
  DURABILITY_OF_SERVER,
  decodeFrameRequest,
  decodeHello,
  ERROR,
  type ErrorNumber,
  encodeHelloReply,
  errorKind,
  FRAME_FLAG,
  FRAME_OPCODE,
  FRAME_REPLY_HEAD_BYTES,
  FRAME_REQUEST_HEAD_BYTES,
  FrameReply,
  FrameRequest,
  frameReplyHeader,
  isAuthProof,
  MESSAGE_BYTES_MAX,
  NONCE_BYTES,
  type ProtocolError,
  UNAUTHENTICATED_BYTES_MAX,
} from '@minivault/protocol'
import { DURABILITY, type Durability, VALUE_TYPE } from '@minivault/storage'
import { Answer, KIND, type Kind } from '../key-value.ts'
import { HELD_ABOVE_BYTES, REPLY_SLOTS } from '../limits.ts'
import { ChunkAssembly } from './chunk-assembly.ts'
import { takeValue } from './handed-value.ts'
import type { Output } from './output.ts'
import type { Session, Wire } from './session.ts'
import type { SessionContext } from './session-context.ts'

export class FrameSession implements Session {
  needed = 0
  readonly #context: SessionContext
  readonly #wire: Wire
  readonly #request = new FrameRequest()
  readonly #reply = new FrameReply()
  readonly #answer = new Answer()
  readonly #chunks = new ChunkAssembly()
  /** By slot: what the reply to be written repeats of its request. */
  readonly #frameIds = new Int32Array(REPLY_SLOTS)
  readonly #opcodes = new Uint8Array(REPLY_SLOTS)
  readonly #nonce = randomBytes(NONCE_BYTES)
  #clientNonce: Uint8Array | null = null
  #authenticated = false

  constructor(context: SessionContext, wire: Wire) {
    this.#context = context
    this.#wire = wire
  }

  consume(bytes: Uint8Array, start: number, end: number): number {
    const request = this.#request
    let at = start
    while (at < end && !this.#wire.isBusy) {
      const consumed = decodeFrameRequest(bytes, at, end, request)
      if (consumed < 0) {
        request.begin(0, 0)
        this.#refuse(-consumed as ErrorNumber)
        this.#wire.closeAfterReplies()
        return end
      }
      if (consumed === 0) {
        this.needed = request.needed
        if (!this.#isLocked(end - at)) return at
        const isChunk = (request.flags & FRAME_FLAG.chunk) !== 0
        if (!isChunk || this.#isFirstRefusal()) this.#refuse(ERROR.UNAUTHORIZED)
        this.#wire.skip(request.needed - (end - at))
        return end
      }
      this.#dispatch(bytes)
      at += consumed
    }
    this.needed = 0
    return at
  }

  /** A frame above what a stranger may send is refused before it is buffered. */
  #isLocked(available: number): boolean {
    const { needed, opcode } = this.#request
    if (available < FRAME_REQUEST_HEAD_BYTES || needed <= UNAUTHENTICATED_BYTES_MAX || this.#authenticated)
      return false
    const { admission } = this.#context
    return (
      admission.credentials !== null && !admission.isOpen(opcode === FRAME_OPCODE.get ? KIND.get : KIND.set)
    )
  }

  #dispatch(bytes: Uint8Array): void {
    const { opcode } = this.#request
    if (this.#clientNonce === null && opcode !== FRAME_OPCODE.hello) {
      this.#refuse(ERROR.BAD_REQUEST, 'the first frame must be HELLO')
      return this.#wire.closeAfterReplies()
    }
    switch (opcode) {
      case FRAME_OPCODE.hello:
        return this.#greet(bytes)
      case FRAME_OPCODE.auth:
        return this.#authenticate(bytes)
      case FRAME_OPCODE.health:
        return this.#give(this.#context.health())
      case FRAME_OPCODE.get:
        return this.#submit(KIND.get, bytes)
      case FRAME_OPCODE.set:
        return this.#set(bytes)
      case FRAME_OPCODE.delete:
        return this.#submit(KIND.delete, bytes)
      default:
        return this.#refuse(ERROR.UNSUPPORTED, `opcode 0x${opcode.toString(16)} is not in this version`)
    }
  }

  // --- the beginning

  #greet(bytes: Uint8Array): void {
    const { valueStart, valueEnd } = this.#request
    try {
      this.#clientNonce = decodeHello(bytes.subarray(valueStart, valueEnd)).nonce
    } catch (error) {
      const { code, message } = error as ProtocolError
      this.#refuse(ERROR[code], message)
      return this.#wire.closeAfterReplies()
    }
    const { durability, nodeId, now } = this.#context
    this.#give(
      encodeHelloReply({ durability, nodeId: Buffer.from(nodeId, 'hex'), nonce: this.#nonce, timeMs: now() }),
    )
  }

  #authenticate(bytes: Uint8Array): void {
    const { credentials } = this.#context.admission
    const proof = bytes.subarray(this.#request.valueStart, this.#request.valueEnd)
    if (credentials !== null && !isAuthProof(proof, credentials.key, this.#nonce, this.#clientNonce!)) {
      return this.#refuse(ERROR.UNAUTHORIZED)
    }
    this.#authenticated = true
    this.#wire.answer(this.#take(), this.#answer.ok())
  }

  // --- operations

  #set(bytes: Uint8Array): void {
    const request = this.#request
    const kind = (request.flags & FRAME_FLAG.ifAbsent) === 0 ? KIND.set : KIND.create
    if ((request.flags & FRAME_FLAG.chunk) === 0) return this.#submit(kind, bytes)
    const open = this.#authenticated || this.#context.admission.isOpen(kind)
    const error = open ? this.#chunks.take(request, bytes) : ERROR.UNAUTHORIZED
    if (error !== ERROR.NONE) {
      if (this.#isFirstRefusal()) this.#refuse(error)
      return
    }
    const whole = this.#chunks.finish(request)
    if (whole !== null) this.#submit(kind, whole)
  }

  /** A refused chunked value is told of once; too many of them, and nothing more is listened to. */
  #isFirstRefusal(): boolean {
    const isFirst = this.#chunks.refuse(this.#request)
    if (this.#chunks.isFlooded) this.#wire.closeAfterReplies()
    return isFirst
  }

  get isUnfinished(): boolean {
    return this.#chunks.isUnfinished
  }

  #submit(kind: Kind, bytes: Uint8Array): void {
    const request = this.#request
    const { admission, keyValue, operation } = this.#context
    const error = admission.refuse(kind, this.#authenticated) || this.#misfit()
    if (error !== ERROR.NONE) return this.#refuse(error as ErrorNumber)
    const level = request.durability
    const durability = level === DURABILITY_OF_SERVER ? this.#context.durability : (level as Durability)
    operation.begin(kind, bytes, request.keyStart, request.keyEnd, durability)
    operation.requestId.copy(request.requestId)
    operation.attempt = request.attempt
    hashKey(bytes, request.keyStart, request.keyEnd, operation.hash)
    if (kind === KIND.set || kind === KIND.create) {
      const valueError = this.#setValue(bytes)
      if (valueError !== ERROR.NONE) return this.#refuse(valueError)
    }
    const isLarge = operation.valueEnd - operation.valueStart > HELD_ABOVE_BYTES
    keyValue.submit(operation, this.#take())
    if (isLarge || this.#context.isReadingMuch()) this.#wire.hold()
  }

  #misfit(): ErrorNumber {
    const request = this.#request
    if (request.keyEnd === request.keyStart) return ERROR.KEY_MISSING
    if ((request.flags & FRAME_FLAG.ifVersion) !== 0 || request.ttlMs !== 0) return ERROR.UNSUPPORTED
    const { durability, consistency } = request
    const known = durability <= DURABILITY.fsync || durability === DURABILITY_OF_SERVER
    return known && consistency <= CONSISTENCY.quorum ? ERROR.NONE : ERROR.BAD_REQUEST
  }

  #setValue(bytes: Uint8Array): ErrorNumber {
    const { valueStart, valueEnd, codec, flags } = this.#request
    const { operation } = this.#context
    const type = (flags & FRAME_FLAG.json) === 0 ? VALUE_TYPE.raw : VALUE_TYPE.json
    return takeValue(operation, bytes, valueStart, valueEnd, codec, CODEC.lz4, type)
  }

  // --- replies

  #take(): number {
    const token = this.#wire.take()
    const slot = token & (REPLY_SLOTS - 1)
    this.#frameIds[slot] = this.#request.frameId
    this.#opcodes[slot] = this.#request.opcode
    return token
  }

  #refuse(error: ErrorNumber, message: string | null = null): void {
    this.#wire.answer(this.#take(), this.#answer.fail(error, message))
  }

  #give(value: Uint8Array): void {
    const answer = this.#answer.ok()
    answer.value = value
    answer.valueEnd = value.length
    this.#wire.answer(this.#take(), answer)
  }

  reply(slot: number, answer: Answer, output: Output): void {
    const reply = this.#reply.begin(this.#opcodes[slot]!, this.#frameIds[slot]!)
    reply.outcome = answer.outcome
    reply.error = answer.error
    reply.version.copy(answer.version)
    if (answer.error !== ERROR.NONE) return this.#replyError(answer, output)
    if (answer.exists) reply.flags |= FRAME_FLAG.exists
    if (answer.valueType === VALUE_TYPE.json) reply.flags |= FRAME_FLAG.json
    const length = answer.valueEnd - answer.valueStart
    reply.totalBytes = length
    if (length <= CHUNK_BYTES) return this.#write(answer.value, answer.valueStart, answer.valueEnd, output)
    const flags = reply.flags | FRAME_FLAG.chunk
    for (let offset = 0; offset < length; offset += CHUNK_BYTES) {
      const end = Math.min(length, offset + CHUNK_BYTES)
      reply.chunkOffset = offset
      reply.flags = end < length ? flags | FRAME_FLAG.more : flags
      this.#write(answer.value, answer.valueStart + offset, answer.valueStart + end, output)
    }
  }

  #replyError(answer: Answer, output: Output): void {
    if (answer.error === ERROR.RATE_LIMITED) this.#reply.retryAfterMs = this.#context.admission.retryAfterMs
    const text = Buffer.from(answer.message ?? errorKind(answer.error).message).subarray(0, MESSAGE_BYTES_MAX)
    this.#write(text, 0, text.length, output)
  }

  #write(value: Uint8Array, start: number, end: number, output: Output): void {
    const at = output.reserve(FRAME_REPLY_HEAD_BYTES)
    frameReplyHeader(this.#reply, end - start, output.bytes, at)
    output.append(value, start, end)
  }
}
