/**
 * The fast lane: plain GET, PUT, POST and DELETE of a key (plain-request.ts), answered without `node:http`.
 * What is not plain, and whatever does not go as usual before something is done, goes to `node:http` with the
 * connection, bytes and all; so does a GET that finds a large value, which is asked for again there. Both
 * answer alike, so that nobody can tell who did.
 *
 *   bytes ─ PlainRequest ─┬─ plain → admission → KeyValue ┄┄ answer → PlainReplies → output
 *                         └─ else  → Wire.handOver: HttpDoor has the connection from here on
 *
 * A GET whose value has to be read from disk keeps its place at the front of the unread bytes until it is
 * answered, and nothing behind it is begun: `node:http` takes one request after another, too.
 */
import { cloneBytes } from '@minivault/codec'
import { ERROR, type ErrorNumber, errorKind, findValueText, JsonSpan, OUTCOME } from '@minivault/protocol'
import { VALUE_TYPE } from '@minivault/storage'
import { bug } from '../bug.ts'
import type { Output } from '../door/output.ts'
import type { Session, Wire } from '../door/session.ts'
import type { SessionContext } from '../door/session-context.ts'
import { Answer, KIND, type Kind } from '../key-value.ts'
import { HTTP_KEEP_ALIVE_MS, REPLY_SLOTS } from '../limits.ts'
import { isText } from './plain-headers.ts'
import type { PlainReplies } from './plain-replies.ts'
import { INCOMPLETE, NOT_PLAIN, PlainRequest } from './plain-request.ts'
import { errorBody, SUCCESS, valueBody } from './reply-body.ts'
import { RAW_TYPE, ReplyHead, retryAfterOf } from './reply-head.ts'

/** Shared by all connections: they are of use only while one `consume` runs. */
const request = new PlainRequest()
const ahead = new PlainRequest()
const span = new JsonSpan()
const refusal = new Answer()

/** What a reply is to: the kind of its request, and whether the value alone is wanted. */
const RAW_SHAPE = 16

export class PlainHttpSession implements Session {
  needed = 0
  readonly isUnfinished = false
  readonly #context: SessionContext
  readonly #wire: Wire
  readonly #replies: PlainReplies
  /** What this client has shown, and it was right; null: nothing so far. */
  #credentials: Uint8Array | null = null
  /** The length of the GET at the front that waits for its value; 0: none does. */
  #asked = 0
  #isAnswered = false
  /** Requests without a reply. */
  #pending = 0
  #lastSlot = 0
  /** What those without a reply are, where all are the same; else it stands by slot. */
  #shape = 0
  #shapes: Uint8Array | null = null
  #isMixed = false
  #idleMs = 0
  #isWaiting = false

  constructor(context: SessionContext, wire: Wire, replies: PlainReplies) {
    this.#context = context
    this.#wire = wire
    this.#replies = replies
  }

  consume(bytes: Uint8Array, start: number, end: number): number {
    const { lookahead } = this.#context
    lookahead.forget()
    if (this.#wire.isBusy) return start
    let at = start + this.#asked
    this.#asked = 0
    this.#idleMs = 0
    if (at > start) this.#isWaiting = false
    while (at < end && !this.#wire.isBusy) {
      const length = request.read(bytes, at, end)
      if (length === INCOMPLETE && (request.needed === 0 || this.#mayBegin(bytes))) {
        this.needed = request.needed
        return at
      }
      if (length > 0 && at + length < end && lookahead.isSpent) this.#lookAhead(bytes, at, end)
      this.needed = 0
      if (length === INCOMPLETE || length === NOT_PLAIN || !this.#begin(bytes, length)) {
        this.#wire.handOver()
        return at
      }
      if (this.#asked > 0) return at
      this.#isWaiting = false
      at += length
    }
    this.needed = 0
    return at
  }

  #lookAhead(bytes: Uint8Array, start: number, end: number): void {
    const { lookahead } = this.#context
    lookahead.forget()
    for (let at = start; !lookahead.isFull; ) {
      const length = ahead.read(bytes, at, end)
      if (length <= 0) break
      at += length
      lookahead.add(bytes, ahead.keyStart, ahead.keyEnd)
    }
    lookahead.touch()
  }

  // --- requests

  /** Whether the client has shown what its request needs. */
  #mayBegin(bytes: Uint8Array): boolean {
    return this.#context.admission.isOpen(request.kind) || this.#isAuthenticated(bytes)
  }

  #isAuthenticated(bytes: Uint8Array): boolean {
    const { credentials } = this.#context.admission
    const { credentialsStart: start, credentialsEnd: end } = request
    if (credentials === null || start === end) return false
    if (this.#credentials !== null && isText(bytes, start, end, this.#credentials)) return true
    const shown = cloneBytes(bytes, start, end)
    if (!credentials.matches(shown)) return false
    this.#credentials = shown
    return true
  }

  /** Begins the request of so many bytes. False: nothing was done, it is for `node:http`. */
  #begin(bytes: Uint8Array, length: number): boolean {
    const { admission, operation, lookahead, durability } = this.#context
    const { kind, keyStart, keyEnd } = request
    if (admission.draining || !this.#mayBegin(bytes)) return false
    const writes = kind === KIND.set || kind === KIND.create
    if (writes && !request.sendsRaw && !isUsual(bytes)) return false
    const error = admission.refuse(kind, true)
    if (error !== ERROR.NONE) return this.#refuse(kind, error)
    operation.begin(kind, bytes, keyStart, keyEnd, durability)
    operation.wantsExists = false
    lookahead.hash(bytes, keyStart, keyEnd, operation.hash)
    if (writes && request.sendsRaw) {
      operation.setValue(bytes, request.bodyStart, request.bodyEnd, VALUE_TYPE.raw)
    } else if (writes) operation.setValue(bytes, span.start, span.end, VALUE_TYPE.json)
    this.#submit(kind, length)
    return true
  }

  #submit(kind: Kind, length: number): void {
    const { operation, keyValue } = this.#context
    operation.wantsStream = kind === KIND.get
    const token = this.#take(request.wantsRaw ? kind | RAW_SHAPE : kind)
    this.#isAnswered = false
    keyValue.submit(operation, token)
    const waits = kind === KIND.get && !this.#isAnswered
    if (waits) this.#asked = length
    if (waits || this.#context.isReadingMuch()) this.#wire.hold()
  }

  #refuse(kind: Kind, error: ErrorNumber): boolean {
    this.#wire.answer(this.#take(kind), refusal.fail(error))
    return true
  }

  // --- replies

  #take(shape: number): number {
    const token = this.#wire.take()
    const slot = token & (REPLY_SLOTS - 1)
    if (this.#pending === 0) {
      this.#shape = shape
      this.#isMixed = false
    } else if (!this.#isMixed && shape !== this.#shape) {
      this.#shapes ??= new Uint8Array(REPLY_SLOTS)
      this.#shapes.fill(this.#shape)
      this.#isMixed = true
    }
    if (this.#isMixed) this.#shapes![slot] = shape
    this.#pending += 1
    this.#lastSlot = slot
    return token
  }

  reply(slot: number, answer: Answer, output: Output): void {
    const shape = this.#isMixed ? this.#shapes![slot]! : this.#shape
    const kind = (shape & ~RAW_SHAPE) as Kind
    const isRaw = (shape & RAW_SHAPE) !== 0
    this.#pending -= 1
    this.#isAnswered = true
    this.#idleMs = 0
    // Nothing follows the last reply before the end.
    const isLast = this.#context.admission.draining && slot === this.#lastSlot
    if (isLast || answer.expiresAtMs !== 0) this.#writeUnusual(kind, isRaw, isLast, answer, output)
    else if (answer.outcome !== OUTCOME.ok) {
      const isNothing = kind === KIND.get && answer.error === ERROR.KEY_NOT_FOUND && answer.message === null
      if (isNothing) this.#replies.nothing(answer, output)
      else this.#writeUnusual(kind, isRaw, false, answer, output)
    } else if (kind === KIND.get) this.#replies.value(answer, isRaw, output)
    else if (kind === KIND.delete && !answer.exists) this.#replies.done(answer, false, false, output)
    else this.#replies.done(answer, true, kind === KIND.create, output)
  }

  #writeUnusual(kind: Kind, isRaw: boolean, isLast: boolean, answer: Answer, output: Output): void {
    const head = new ReplyHead()
    const isRead = kind === KIND.get
    let body: Uint8Array = SUCCESS
    if (answer.outcome !== OUTCOME.ok) {
      head.status = errorKind(answer.error).httpStatus
      body = errorBody(answer.error, answer.message)
      const seconds = retryAfterOf(answer.error, this.#context.admission)
      if (seconds > 0) head.others.push('Retry-After', `${seconds}`)
    } else if (isRead) {
      const { value, valueStart, valueEnd, valueType } = answer
      body = isRaw
        ? cloneBytes(value, valueStart, valueEnd)
        : valueBody(value, valueStart, valueEnd, valueType)
      if (isRaw) head.contentType = RAW_TYPE
      head.hasRanges = isRaw
    } else if (kind === KIND.create) head.status = 201
    const isVain = answer.outcome === OUTCOME.ok && kind === KIND.delete && !answer.exists
    if (!isVain && !answer.version.isZero()) head.version = answer.version.toString()
    if (answer.expiresAtMs !== 0) {
      head.ttlMs = Math.max(0, Math.ceil(answer.expiresAtMs - this.#context.now()))
    }
    this.#replies.write(head, body, isRead, isLast, output)
  }

  /** A large value is for `node:http`. */
  replyInPieces(_slot: number, { stream }: Answer): null {
    stream!.cancel()
    this.#wire.handOver()
    return null
  }

  // --- the connection

  get isStranger(): boolean {
    return this.#credentials === null && !this.#context.admission.isOpen(KIND.get)
  }

  /** Time-outs of half a request are for `node:http`; that of an idle connection is the same here. */
  sweep(elapsedMs: number, isIncomplete: boolean): void {
    if (isIncomplete) {
      if (this.#isWaiting) this.#wire.handOver()
      this.#isWaiting = true
    } else if (this.#pending === 0) {
      this.#idleMs += elapsedMs
      if (this.#idleMs > HTTP_KEEP_ALIVE_MS) this.#wire.closeAfterReplies()
    }
  }

  /** Half a request that nothing will follow has its answer there, too. */
  onHalfRequest(): void {
    this.#wire.handOver()
  }

  refuseFront(): void {
    bug('a plain request fits what every connection may hold')
  }

  close(): void {}
}

/** Whether the body is what it should be, and its value can be taken as it stands: `span` says where. */
function isUsual(bytes: Uint8Array): boolean {
  const { bodyStart, bodyEnd } = request
  return findValueText(bytes, bodyStart, bodyEnd, span) === ERROR.NONE && !span.hasRawControls
}
