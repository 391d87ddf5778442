/**
 * The documented opcodes on one connection: GET, SET, DELETE, HEALTH, AUTH as published. Replies carry no id,
 * so they come in request order, and an error has no body. What can be refused from its header alone (no key
 * shown, value too large) is refused before its bytes are buffered; as long as the stream stays in step the
 * connection is kept.
 */
import { CODEC, hashKey } from '@minivault/codec'
import {
  DOCUMENTED_HEAD_BYTES,
  DOCUMENTED_REPLY_HEAD_BYTES,
  DOCUMENTED_STATUS,
  DocumentedRequest,
  decodeDocumented,
  documentedReplyHeader,
  ERROR,
  type ErrorNumber,
  OPCODE,
  OUTCOME,
  UNAUTHENTICATED_BYTES_MAX,
  VALUE_BYTES_MAX,
} from '@minivault/protocol'
import { BLOB_ABOVE_BYTES, VALUE_TYPE } from '@minivault/storage'
import { Answer, KIND, type Kind, type Operation } from '../key-value.ts'
import { HELD_ABOVE_BYTES, INTAKES_MAX } from '../limits.ts'
import { errorOf } from '../local/storage-errors.ts'
import { takeValue } from './handed-value.ts'
import { IncomingValue } from './incoming-value.ts'
import type { Lookahead } from './lookahead.ts'
import type { Output } from './output.ts'
import type { PieceReply } from './piece-reply.ts'
import type { Session, Wire } from './session.ts'
import type { SessionContext } from './session-context.ts'

export class DocumentedSession implements Session {
  needed = 0
  readonly #context: SessionContext
  readonly #wire: Wire
  readonly #request = new DocumentedRequest()
  readonly #answer = new Answer()
  #authenticated = false
  /** The value of a SET that goes to a file while it arrives. */
  #incoming: IncomingValue | null = null

  constructor(context: SessionContext, wire: Wire) {
    this.#context = context
    this.#wire = wire
  }

  consume(bytes: Uint8Array, start: number, end: number): number {
    const request = this.#request
    const { lookahead } = this.#context
    lookahead.forget()
    let at = start
    while (at < end && !this.#wire.isBusy) {
      if (this.#incoming !== null) {
        at = this.#takeMore(this.#incoming, bytes, at, end)
        continue
      }
      if (lookahead.isSpent) this.#lookAhead(lookahead, bytes, at, end)
      const consumed = decodeDocumented(bytes, at, end, request)
      if (consumed > 0) {
        // Whole or in pieces, the answer is the same.
        if (consumed <= UNAUTHENTICATED_BYTES_MAX || !this.#refuseUnread(consumed)) this.#dispatch(bytes)
        at += consumed
      } else if (consumed < 0) {
        this.#refuse(-consumed as ErrorNumber)
        this.#wire.closeAfterReplies()
        return end
      } else {
        this.needed = request.needed
        if (this.#refuseUnread(end - at)) return end
        if (!this.#isTakenInPieces()) return at
        at = this.#begin(bytes, at, end)
      }
    }
    this.needed = 0
    return at
  }

  /**
   * A request that will be refused anyway is answered before it is complete; its remaining bytes are skipped.
   * Behind a SET whose key is too long to wait for its value's length the stream cannot be followed.
   */
  #refuseUnread(available: number): boolean {
    const request = this.#request
    const kind = kindOf(request.opcode)
    const tooLarge = request.opcode === OPCODE.set && request.valueEnd - request.valueStart > VALUE_BYTES_MAX
    const locked =
      request.needed > UNAUTHENTICATED_BYTES_MAX &&
      !this.#authenticated &&
      this.#context.admission.credentials !== null &&
      (kind === null || !this.#context.admission.isOpen(kind))
    if (!tooLarge && !locked) return false
    this.#refuse(tooLarge ? ERROR.VALUE_TOO_LARGE : ERROR.UNAUTHORIZED)
    const headBytes = request.valueStart - request.keyStart + DOCUMENTED_HEAD_BYTES
    const isLost = request.opcode === OPCODE.set && headBytes > UNAUTHENTICATED_BYTES_MAX
    if (tooLarge || isLost) this.#wire.closeAfterReplies()
    else this.#wire.skip(request.needed - available)
    return true
  }

  // --- a large value

  get isStranger(): boolean {
    return !this.#authenticated && !this.#context.admission.isOpen(KIND.get)
  }

  get isUnfinished(): boolean {
    return this.#incoming !== null
  }

  /** Whether the incomplete request is a SET whose value goes to a file anyway. */
  #isTakenInPieces(): boolean {
    const { opcode, headerComplete, compressed, keyStart, keyEnd, valueStart, valueEnd } = this.#request
    if (opcode !== OPCODE.set || !headerComplete || compressed !== 0 || keyEnd === keyStart) return false
    return valueEnd - valueStart > BLOB_ABOVE_BYTES
  }

  /** Returns where the bytes go on. */
  #begin(bytes: Uint8Array, start: number, end: number): number {
    const { keyStart, keyEnd, valueStart, valueEnd, needed } = this.#request
    const { admission, operation, streams, durability } = this.#context
    let error = admission.refuse(KIND.set, this.#authenticated)
    if (error === ERROR.NONE && streams.intakeCount >= INTAKES_MAX) error = ERROR.OVERLOADED
    if (error === ERROR.NONE) {
      operation.begin(KIND.set, bytes, keyStart, keyEnd, durability)
      hashKey(bytes, keyStart, keyEnd, operation.hash)
      try {
        this.#incoming = new IncomingValue(this.#context, this.#wire, valueEnd - valueStart)
        return valueStart
      } catch (thrown) {
        error = errorOf(thrown)
      }
    }
    this.#refuse(error)
    this.#wire.skip(needed - (end - start))
    return end
  }

  #takeMore(incoming: IncomingValue, bytes: Uint8Array, start: number, end: number): number {
    const { failure, missing } = incoming
    const stop = Math.min(end, start + missing)
    if (failure !== null) {
      this.#incoming = null
      this.#refuse(errorOf(failure))
      this.#wire.skip(missing - (stop - start))
      return stop
    }
    incoming.write(bytes, start, stop)
    if (incoming.missing > 0) return stop
    this.#incoming = null
    incoming.complete(this.#wire.take())
    this.#wire.hold()
    return stop
  }

  refuseFront(receivedBytes: number): void {
    this.#refuse(ERROR.OVERLOADED)
    this.#wire.skip(this.#request.needed - receivedBytes)
  }

  close(): void {
    this.#incoming?.abort()
    this.#incoming = null
  }

  // --- operations

  #lookAhead(lookahead: Lookahead, bytes: Uint8Array, start: number, end: number): void {
    const request = this.#request
    lookahead.forget()
    for (let at = start; !lookahead.isFull; ) {
      const consumed = decodeDocumented(bytes, at, end, request)
      if (consumed <= 0 || kindOf(request.opcode) === null) break
      at += consumed
      lookahead.add(bytes, request.keyStart, request.keyEnd)
    }
    lookahead.touch()
  }

  #dispatch(bytes: Uint8Array): void {
    const request = this.#request
    switch (request.opcode) {
      case OPCODE.get:
        return this.#submit(KIND.get, bytes)
      case OPCODE.set:
        return this.#submit(KIND.set, bytes)
      case OPCODE.delete:
        return this.#submit(KIND.delete, bytes)
      case OPCODE.health:
        return this.#reply(this.#health())
      default:
        return this.#authenticate(bytes)
    }
  }

  #submit(kind: Kind, bytes: Uint8Array): void {
    const request = this.#request
    const { admission, operation, keyValue, durability } = this.#context
    const refusal = admission.refuse(kind, this.#authenticated)
    if (refusal !== ERROR.NONE) return this.#refuse(refusal)
    if (request.keyEnd === request.keyStart) return this.#refuse(ERROR.KEY_MISSING)
    operation.begin(kind, bytes, request.keyStart, request.keyEnd, durability)
    this.#context.lookahead.hash(bytes, request.keyStart, request.keyEnd, operation.hash)
    operation.wantsStream = kind === KIND.get
    // A reply does not say it.
    operation.wantsExists = false
    if (kind === KIND.set) {
      const error = this.#setValue(bytes)
      if (error !== ERROR.NONE) return this.#refuse(error)
      if (operation.codec !== CODEC.none) return this.#unpack(operation)
    }
    const isLarge = operation.valueEnd - operation.valueStart > HELD_ABOVE_BYTES
    keyValue.submit(operation, this.#wire.take())
    if (isLarge || this.#context.isReadingMuch()) this.#wire.hold()
  }

  #unpack(operation: Operation): void {
    const { unpackings } = this.#context
    if (!unpackings.hasRoom(operation)) return this.#refuse(ERROR.OVERLOADED)
    unpackings.add(operation, this.#wire, this.#wire.take())
    this.#wire.hold()
  }

  #setValue(bytes: Uint8Array): ErrorNumber {
    const { valueStart, valueEnd, compressed } = this.#request
    const { operation } = this.#context
    if (valueEnd - valueStart > VALUE_BYTES_MAX) return ERROR.VALUE_TOO_LARGE
    return takeValue(operation, bytes, valueStart, valueEnd, compressed, CODEC.zstd, VALUE_TYPE.raw)
  }

  #health(): Answer {
    const json = this.#context.health()
    const answer = this.#answer.ok()
    answer.value = json
    answer.valueEnd = json.length
    return answer
  }

  #authenticate(bytes: Uint8Array): void {
    const { credentials } = this.#context.admission
    const shown = bytes.subarray(this.#request.keyStart, this.#request.keyEnd)
    if (credentials !== null && !credentials.matches(shown)) return this.#refuse(ERROR.UNAUTHORIZED)
    this.#authenticated = true
    this.#reply(this.#answer.ok())
  }

  #refuse(error: ErrorNumber): void {
    this.#reply(this.#answer.fail(error))
  }

  #reply(answer: Answer): void {
    this.#wire.answer(this.#wire.take(), answer)
  }

  reply(_slot: number, answer: Answer, output: Output): void {
    const ok = answer.outcome === OUTCOME.ok
    const length = ok ? answer.valueEnd - answer.valueStart : 0
    const at = output.reserve(DOCUMENTED_REPLY_HEAD_BYTES)
    documentedReplyHeader(ok ? DOCUMENTED_STATUS.success : DOCUMENTED_STATUS.error, length, output.bytes, at)
    output.append(answer.value, answer.valueStart, answer.valueStart + length)
  }

  replyInPieces(_slot: number, { stream }: Answer): PieceReply {
    return new DocumentedPieceReply(stream!.end - stream!.start)
  }
}

/** One head, then the bytes. */
class DocumentedPieceReply implements PieceReply {
  readonly #bytes: number

  constructor(bytes: number) {
    this.#bytes = bytes
  }

  writeHead(target: Uint8Array, offset: number): number {
    return offset > 0 ? 0 : documentedReplyHeader(DOCUMENTED_STATUS.success, this.#bytes, target, 0)
  }

  /** Once the head is out, only bytes of the value can follow. */
  writeError(_error: ErrorNumber, _message: string, isBegun: boolean, output: Output): boolean {
    if (isBegun) return false
    const at = output.reserve(DOCUMENTED_REPLY_HEAD_BYTES)
    documentedReplyHeader(DOCUMENTED_STATUS.error, 0, output.bytes, at)
    return true
  }
}

function kindOf(opcode: number): Kind | null {
  if (opcode === OPCODE.get) return KIND.get
  if (opcode === OPCODE.set) return KIND.set
  if (opcode === OPCODE.delete) return KIND.delete
  return null
}
