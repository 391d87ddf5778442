/**
 * The Redis protocol on one connection. Plain requests that came together are read at once and go straight to
 * the store (`HotRequests`); what is left is cut one by one, and is either a hot command in another spelling
 * (`HotCommand`) or one of the table, for which nothing else is taken until it is answered. What is refused
 * is answered in step; only what cannot be followed ends the connection.
 */
import { hashKey } from '@minivault/codec'
import {
  ERROR,
  type ErrorNumber,
  encodeRespRequest,
  InlineRequest,
  RESP_FAILED,
  RESP_STRANGER_ARGUMENTS_MAX,
  RespRequest,
  UNAUTHENTICATED_BYTES_MAX,
  writeRespValue,
} from '@minivault/protocol'
import { BLOB_ABOVE_BYTES, VALUE_TYPE } from '@minivault/storage'
import { IncomingValue } from '../door/incoming-value.ts'
import type { Output } from '../door/output.ts'
import type { PieceReply } from '../door/piece-reply.ts'
import type { Session, Wire } from '../door/session.ts'
import { type Answer, KIND, type Kind } from '../key-value.ts'
import { HELD_ABOVE_BYTES, INTAKES_MAX, REPLY_SLOTS } from '../limits.ts'
import { errorOf } from '../local/storage-errors.ts'
import { AskedCommands, kindOf } from './asked-command.ts'
import type { Reply } from './command.ts'
import { HotCommand } from './hot-commands.ts'
import { ReplyShapes, SHAPE, type Shape } from './reply-shapes.ts'
import type { RespGateway } from './resp-gateway.ts'
import { BulkPieces, errorLine, writeAnswer } from './resp-output.ts'
import type { SessionState } from './session-state.ts'
import { breachOf } from './stranger-bounds.ts'
import { isWord } from './word-in-place.ts'

const CR = 0x0d
const LF = 0x0a
const STAR = 0x2a
const LINE_END_BYTES = 2
const SLOT_MASK = REPLY_SLOTS - 1
/** In a shape: the client has said HELLO 3. */
const RESP3 = 0x80
const HOT = new HotCommand()

export class RespSession implements Session {
  needed = 0
  readonly #gateway: RespGateway
  readonly #wire: Wire
  readonly #shapes = new ReplyShapes()
  readonly #state: SessionState
  readonly #asked: AskedCommands
  /** Understands what a person types, too. */
  readonly #takesInline: boolean
  /** The request at the front, where it has come in part. */
  #request: RespRequest | null = null
  /** The value of a SET that goes to a file while it arrives. */
  #incoming: IncomingValue | null = null
  /** Of a command of the table, while it is written. */
  #prepared: Reply = null

  constructor(gateway: RespGateway, wire: Wire, takesInline: boolean) {
    this.#gateway = gateway
    this.#wire = wire
    this.#takesInline = takesInline
    this.#state = gateway.open()
    this.#asked = new AskedCommands(gateway, this.#state)
  }

  consume(bytes: Uint8Array, start: number, end: number): number {
    let at = start
    while (at < end && !this.#wire.isBusy) {
      let next: number
      if (this.#incoming !== null) next = this.#takeMore(this.#incoming, bytes, at, end)
      else {
        if (this.#isPlain) at = this.#consumeHot(bytes, at, end)
        if (at === end || this.#wire.isBusy) break
        next = this.#consumeOne(bytes, at, end)
      }
      if (next === at) return at
      at = next
    }
    this.needed = 0
    return at
  }

  /** Nothing stands between the client and the store. */
  get #isPlain(): boolean {
    const { isAuthenticated, transaction } = this.#state
    if (transaction !== null || this.#request !== null) return false
    return isAuthenticated || this.#gateway.session.admission.isOpen(KIND.set)
  }

  // --- plain requests

  #consumeHot(bytes: Uint8Array, start: number, end: number): number {
    const { hot, session } = this.#gateway
    let at = start
    do {
      hot.read(bytes, at, end)
      const { count, kinds, ends } = hot
      if (count > 1) session.keyValue.foresee(hot.foresight)
      for (let index = 0; index < count; index++) {
        if (this.#wire.isBusy) return at
        this.#submitHot(kinds[index] as Kind, bytes, index)
        at = ends[index]!
      }
    } while (hot.isFull)
    return at
  }

  #submitHot(kind: Kind, bytes: Uint8Array, index: number): void {
    const { hot, session } = this.#gateway
    const { operation } = session
    const shape = kind === KIND.get ? SHAPE.value : kind === KIND.set ? SHAPE.ok : SHAPE.removed
    const refusal = session.admission.refuse(kind, this.#state.isAuthenticated)
    if (refusal !== ERROR.NONE) return this.#refuse(refusal)
    operation.begin(kind, bytes, hot.keyStarts[index]!, hot.keyEnds[index]!, session.durability)
    operation.hash.high = hot.foresight.high[index]!
    operation.hash.low = hot.foresight.low[index]!
    operation.wantsStream = kind === KIND.get
    if (kind === KIND.set) {
      operation.setValue(bytes, hot.valueStarts[index]!, hot.valueEnds[index]!, VALUE_TYPE.raw)
    }
    this.#submit(shape)
  }

  #submit(shape: Shape): void {
    const { session } = this.#gateway
    const { operation } = session
    const isLarge = operation.valueEnd - operation.valueStart > HELD_ABOVE_BYTES
    session.keyValue.submit(operation, this.#take(shape))
    if (isLarge || session.isReadingMuch()) this.#wire.hold()
  }

  // --- one request

  /** Returns where to go on; `start`: the request is not whole. */
  #consumeOne(bytes: Uint8Array, start: number, end: number): number {
    if (this.#request === null && bytes[start] !== STAR) {
      // An empty line is nothing anywhere: `redis-cli --pipe` sends one.
      if (bytes[start] === CR || bytes[start] === LF) return start + 1
      if (this.#takesInline) return this.#consumeLine(bytes, start, end)
    }
    const request = this.#request ?? this.#gateway.request
    const consumed = request.cut(bytes, start, end)
    if (consumed === RESP_FAILED) {
      this.#breakOff(request.error)
      this.#letGo()
      return end
    }
    const refused = this.#isLocked(request, consumed) ? this.#refuseLong(bytes, start, end, request) : -1
    if (refused >= 0) {
      request.forget()
      this.#letGo()
      return refused
    }
    if (consumed > 0) {
      const isBegun = this.#dispatch(bytes, start, request)
      this.#letGo()
      return isBegun ? start + consumed : start
    }
    this.#request ??= this.#gateway.lend()
    if (!this.#isTakenInPieces(bytes, start, request)) {
      // Of a stranger's, every piece is looked at, so that what it may not send is not gathered first.
      const isLookedAt = end - start <= UNAUTHENTICATED_BYTES_MAX && this.#isLocked(request, consumed)
      this.needed = isLookedAt ? 0 : request.needed
      return start
    }
    const next = this.#beginValue(bytes, start, end, request)
    this.#letGo()
    return next
  }

  /** The request at the front is done with. */
  #letGo(): void {
    if (this.#request === null) return
    this.#gateway.giveBack(this.#request)
    this.#request = null
  }

  #consumeLine(bytes: Uint8Array, start: number, end: number): number {
    const line = new InlineRequest()
    const consumed = line.cut(bytes, start, end, this.isStranger ? UNAUTHENTICATED_BYTES_MAX : undefined)
    if (consumed === 0) {
      this.needed = 0
      return start
    }
    if (consumed === RESP_FAILED) {
      this.#breakOff(line.error)
      return end
    }
    const [first] = line.words
    if (first === undefined) return start + consumed
    if (/^(post|host:)$/i.test(Buffer.from(first).toString('latin1'))) {
      this.#breakOff('this port speaks the Redis protocol, not HTTP')
      return end
    }
    const request = new RespRequest()
    const array = encodeRespRequest(line.words)
    request.cut(array, 0, array.length)
    return this.#dispatch(array, 0, request) ? start + consumed : start
  }

  #breakOff(words: string): void {
    this.#refuseWith(`ERR Protocol error: ${words}`)
    this.#wire.closeAfterReplies()
  }

  /** False: not now, what was begun before it has to end first. */
  #dispatch(bytes: Uint8Array, start: number, request: RespRequest): boolean {
    if (request.count === 0) return true
    if (this.#state.transaction === null && HOT.read(bytes, start, request)) {
      this.#submitCommand(bytes, start, request)
      return true
    }
    // It asks on its own, and so not behind what this connection has asked.
    if (this.#gateway.ask.isCluster && this.#shapes.count > 0) {
      this.#wire.hold()
      return false
    }
    const reply = this.#asked.run(bytes, start, request)
    const token = this.#take(SHAPE.prepared)
    if (reply instanceof Promise) {
      this.#wire.hold()
      reply.then((prepared) => this.#deliver(token, prepared))
    } else this.#deliver(token, reply)
    return true
  }

  #deliver(token: number, reply: Reply): void {
    this.#prepared = reply
    this.#wire.answer(token, this.#gateway.answer.ok())
    this.#prepared = null
    if (this.#state.isClosing) this.#wire.closeAfterReplies()
  }

  #submitCommand(bytes: Uint8Array, start: number, { starts, ends }: RespRequest): void {
    const { session, answer } = this.#gateway
    const { operation, admission, durability } = session
    const { kind, shape, key, value } = HOT
    const keyStart = start + starts[key]!
    const keyEnd = start + ends[key]!
    if (kind === null) {
      if (!this.#state.isAuthenticated && !admission.isOpen(KIND.get)) return this.#refuse(ERROR.UNAUTHORIZED)
      const said = answer.ok()
      if (key >= 0) {
        said.value = bytes
        said.valueStart = keyStart
        said.valueEnd = keyEnd
      }
      return this.#wire.answer(this.#take(shape), said)
    }
    const refusal = admission.refuse(kind, this.#state.isAuthenticated)
    if (refusal !== ERROR.NONE) return this.#refuse(refusal)
    if (keyStart === keyEnd) return this.#refuse(ERROR.KEY_MISSING)
    operation.begin(kind, bytes, keyStart, keyEnd, durability)
    hashKey(bytes, keyStart, keyEnd, operation.hash)
    operation.ttlMs = HOT.ttlMs
    operation.noValue = HOT.noValue
    operation.wantsStream = shape === SHAPE.value
    operation.delta = HOT.delta
    if (value >= 0) operation.setValue(bytes, start + starts[value]!, start + ends[value]!, VALUE_TYPE.raw)
    this.#submit(shape)
  }

  // --- clients that have not shown the key

  get isStranger(): boolean {
    return !this.#state.isAuthenticated && !this.#gateway.session.admission.isOpen(KIND.get)
  }

  /** What is not allowed anyway is not waited for when it is long. */
  #isLocked(request: RespRequest, consumed: number): boolean {
    const { admission } = this.#gateway.session
    if (this.#state.isAuthenticated || admission.isOpen(KIND.set)) return false
    const isMany = request.announced > RESP_STRANGER_ARGUMENTS_MAX
    return consumed === 0 || consumed > UNAUTHENTICATED_BYTES_MAX || isMany
  }

  /** Returns where to go on; -1: it may be waited for. */
  #refuseLong(bytes: Uint8Array, start: number, end: number, request: RespRequest): number {
    const { admission } = this.#gateway.session
    const command = request.count > 0 ? this.#asked.find(bytes, start, request) : undefined
    if (command !== undefined && !command.isForStrangers && admission.isOpen(kindOf(command))) return -1
    const breach = breachOf(request)
    if (breach === null) return -1
    if (breach === '') this.#refuse(ERROR.UNAUTHORIZED)
    else this.#breakOff(breach)
    return breach === '' ? this.#passOver(request.needed, start, end) : end
  }

  // --- a large value

  /** Whether the incomplete request is a `SET key value` whose value goes to a file anyway. */
  #isTakenInPieces(bytes: Uint8Array, start: number, request: RespRequest): boolean {
    const { announced, count, isOpen, starts, ends } = request
    if (announced !== 3 || count !== 2 || !isOpen || this.#state.transaction !== null) return false
    if (ends[2]! - starts[2]! <= BLOB_ABOVE_BYTES || ends[1] === starts[1]) return false
    return isWord(bytes, start + starts[0]!, start + ends[0]!, 'set')
  }

  /** Returns where the bytes go on. */
  #beginValue(bytes: Uint8Array, start: number, end: number, request: RespRequest): number {
    const { session } = this.#gateway
    const { admission, operation, streams, durability } = session
    const { starts, ends, needed } = request
    let error = admission.refuse(KIND.set, this.#state.isAuthenticated)
    if (error === ERROR.NONE && streams.intakeCount >= INTAKES_MAX) error = ERROR.OVERLOADED
    if (error === ERROR.NONE) {
      operation.begin(KIND.set, bytes, start + starts[1]!, start + ends[1]!, durability)
      hashKey(bytes, operation.keyStart, operation.keyEnd, operation.hash)
      try {
        this.#incoming = new IncomingValue(session, this.#wire, ends[2]! - starts[2]!)
        return start + starts[2]!
      } catch (thrown) {
        error = errorOf(thrown)
      }
    }
    this.#refuse(error)
    return this.#passOver(needed, start, end)
  }

  /** Behind the value stands the end of its line. */
  #takeMore(incoming: IncomingValue, bytes: Uint8Array, start: number, end: number): number {
    const { failure, missing } = incoming
    const stop = Math.min(end, start + missing)
    if (failure !== null) {
      this.#incoming = null
      this.#refuse(errorOf(failure))
      return this.#passOver(missing + LINE_END_BYTES, start, end)
    }
    incoming.write(bytes, start, stop)
    if (incoming.missing > 0) return stop
    this.#incoming = null
    incoming.complete(this.#take(SHAPE.ok))
    this.#wire.hold()
    return this.#passOver(LINE_END_BYTES, stop, end)
  }

  /** So many bytes are of no interest, also those that are yet to come. Returns where the others begin. */
  #passOver(count: number, start: number, end: number): number {
    const here = Math.min(count, end - start)
    if (here < count) this.#wire.skip(count - here)
    return start + here
  }

  /** There is no room for it. Where more arguments follow, nobody knows how long it is. */
  refuseFront(receivedBytes: number): void {
    const request = this.#request
    this.#refuse(ERROR.OVERLOADED)
    if (request?.isOpen === true && request.count === request.announced - 1) {
      this.#wire.skip(request.needed - receivedBytes)
    } else {
      this.#wire.closeAfterReplies()
    }
    this.#letGo()
  }

  get isUnfinished(): boolean {
    return this.#incoming !== null
  }

  // --- replies

  #take(shape: Shape): number {
    const token = this.#wire.take()
    this.#shapes.set(token & SLOT_MASK, this.#state.respVersion === 3 ? shape | RESP3 : shape)
    return token
  }

  #refuse(error: ErrorNumber): void {
    this.#refuseWith(errorLine(error))
  }

  #refuseWith(line: string): void {
    this.#wire.answer(this.#take(SHAPE.refusal), this.#gateway.answer.fail(ERROR.BAD_REQUEST, line))
  }

  reply(slot: number, answer: Answer, output: Output): void {
    const shape = this.#shapes.take(slot)
    if ((shape & ~RESP3) === SHAPE.prepared) {
      writeRespValue(this.#prepared, this.#state.respVersion, output)
    } else {
      writeAnswer(shape & ~RESP3, answer, (shape & RESP3) === 0 ? 2 : 3, output)
    }
  }

  replyInPieces(slot: number, { stream }: Answer): PieceReply {
    this.#shapes.take(slot)
    return new BulkPieces(stream!.end - stream!.start)
  }

  close(): void {
    this.#incoming?.abort()
    this.#incoming = null
    this.#letGo()
    this.#gateway.close(this.#state)
  }
}
