/**
 * The frame form on one connection. It begins with HELLO and, where the node has a key, is opened by AUTH,
 * whose proof never shows that key. Replies carry their request's frame id; values above a frame travel in
 * chunks both ways. What is refused is answered with code and words; what cannot be followed is the end.
 */
import { randomBytes } from 'node:crypto'
import { CODEC } from '@minivault/codec'
import {
  BATCH_BYTES_MAX,
  CAPABILITIES_OF_ALL,
  CAPABILITY,
  decodeFrameRequest,
  decodeHello,
  ERROR,
  type ErrorNumber,
  encodeHelloReply,
  FRAME_FLAG,
  FRAME_OPCODE,
  FRAME_REQUEST_HEAD_BYTES,
  FrameRequest,
  flagsFit,
  isAuthProof,
  NONCE_BYTES,
  type ProtocolError,
  UNAUTHENTICATED_BYTES_MAX,
} from '@minivault/protocol'
import { BLOB_ABOVE_BYTES } from '@minivault/storage'
import { Answer, KIND, type Kind, type Operation } from '../key-value.ts'
import { HELD_ABOVE_BYTES, INTAKES_MAX, REPLY_SLOTS } from '../limits.ts'
import { errorOf } from '../local/storage-errors.ts'
import { PeerFrames } from '../peers/peer-frames.ts'
import { ChunkAssembly } from './chunk-assembly.ts'
import { FrameReplies } from './frame-replies.ts'
import { FrameRequests, flagWords, kindOf } from './frame-requests.ts'
import { IncomingValue } from './incoming-value.ts'
import type { Output } from './output.ts'
import type { PieceReply } from './piece-reply.ts'
import { ScanPage } from './scan-page.ts'
import type { Session, Wire } from './session.ts'
import type { SessionContext } from './session-context.ts'

export class FrameSession implements Session {
  needed = 0
  readonly #context: SessionContext
  readonly #wire: Wire
  readonly #request = new FrameRequest()
  readonly #requests: FrameRequests
  readonly #replies: FrameReplies
  readonly #answer = new Answer()
  readonly #chunks: ChunkAssembly
  readonly #peer: PeerFrames
  readonly #nonce = randomBytes(NONCE_BYTES)
  #clientNonce: Uint8Array | null = null
  #authenticated = false
  /** When the bytes that are taken now arrived, where they had to wait; 0: they come fresh. */
  #arrivedAtMs = 0

  constructor(context: SessionContext, wire: Wire) {
    this.#context = context
    this.#wire = wire
    this.#chunks = new ChunkAssembly(context.held)
    this.#requests = new FrameRequests(context.operation, context.durability)
    this.#replies = new FrameReplies(context.admission)
    this.#peer = new PeerFrames(context.peers)
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
      // Whole or in pieces, the answer is the same.
      if ((consumed === 0 || consumed > UNAUTHENTICATED_BYTES_MAX) && this.#isLocked(end - at)) {
        at += this.#passOver(end - at)
        continue
      }
      if (consumed === 0) {
        this.needed = request.needed
        // The rest of it is yet to arrive.
        this.#arrivedAtMs = 0
        return at
      }
      this.#dispatch(bytes)
      at += consumed
    }
    this.needed = 0
    if (at === end) this.#arrivedAtMs = 0
    else if (this.#arrivedAtMs === 0) this.#arrivedAtMs = this.#context.now()
    return at
  }

  /** A frame above what a stranger may send is refused before it is buffered. */
  #isLocked(available: number): boolean {
    const { needed, opcode } = this.#request
    if (available < FRAME_REQUEST_HEAD_BYTES || needed <= UNAUTHENTICATED_BYTES_MAX || this.#authenticated)
      return false
    const { admission } = this.#context
    if (opcode >= FRAME_OPCODE.peer) return !this.#isProved
    const kind = kindOf(opcode)
    return admission.credentials !== null && !admission.isOpen(kind < 0 ? KIND.set : (kind as Kind))
  }

  /** Returns how many of the bytes that are there belong to the refused frame; the others are skipped. */
  #passOver(available: number): number {
    const { needed, flags } = this.#request
    if (this.#isTooEarly()) return available
    const isChunk = (flags & FRAME_FLAG.chunk) !== 0
    if (!isChunk || this.#isFirstRefusal()) this.#refuse(ERROR.UNAUTHORIZED)
    if (needed <= available) return needed
    this.#wire.skip(needed - available)
    return available
  }

  /** Refuses what comes before HELLO. */
  #isTooEarly(): boolean {
    if (this.#clientNonce !== null || this.#request.opcode === FRAME_OPCODE.hello) return false
    this.#refuse(ERROR.BAD_REQUEST, 'the first frame must be HELLO')
    this.#wire.closeAfterReplies()
    return true
  }

  #dispatch(bytes: Uint8Array): void {
    const { opcode, flags } = this.#request
    if (this.#isTooEarly()) return
    const kind = kindOf(opcode)
    if (kind < 0) return this.#dispatchOther(bytes)
    if (!flagsFit(opcode, flags)) return this.#refuse(ERROR.BAD_REQUEST, flagWords(opcode, flags))
    if ((flags & (FRAME_FLAG.chunk | FRAME_FLAG.more)) !== 0) return this.#takeChunk(kind as Kind, bytes)
    this.#submit(kind as Kind, bytes)
  }

  #dispatchOther(bytes: Uint8Array): void {
    const { opcode, flags } = this.#request
    if ((opcode <= FRAME_OPCODE.health || opcode >= FRAME_OPCODE.peer) && !flagsFit(opcode, flags)) {
      return this.#refuse(ERROR.BAD_REQUEST, flagWords(opcode, flags))
    }
    switch (opcode) {
      case FRAME_OPCODE.hello:
        return this.#greet(bytes)
      case FRAME_OPCODE.auth:
        return this.#authenticate(bytes)
      case FRAME_OPCODE.health:
        return this.#give(this.#context.health())
      case FRAME_OPCODE.layout:
        return this.#showLayout()
      case FRAME_OPCODE.peer:
        return this.#takeBatch(bytes)
      case FRAME_OPCODE.peerValue:
        return this.#giveFile(bytes)
      default:
        return this.#refuse(ERROR.UNSUPPORTED, `opcode 0x${opcode.toString(16)} is not in this version`)
    }
  }

  // --- the beginning

  #greet(bytes: Uint8Array): void {
    const { valueStart, valueEnd } = this.#request
    try {
      this.#peer.greet(this.#request, bytes)
      this.#clientNonce = decodeHello(bytes.subarray(valueStart, valueEnd)).nonce
    } catch (error) {
      const { code, message } = error as ProtocolError
      this.#refuse(ERROR[code], message)
      return this.#wire.closeAfterReplies()
    }
    const { durability, layout, now } = this.#context
    const capabilities = CAPABILITIES_OF_ALL | (layout === null ? 0 : CAPABILITY.layout)
    const nodeId = Buffer.from(this.#context.nodeId, 'hex')
    this.#give(encodeHelloReply({ durability, capabilities, nodeId, nonce: this.#nonce, timeMs: now() }))
  }

  #showLayout(): void {
    const { admission, layout } = this.#context
    if (layout === null) return this.#refuse(ERROR.UNSUPPORTED, 'this node is not a member of a cluster')
    const refusal = admission.refuse(KIND.get, this.#authenticated)
    if (refusal !== ERROR.NONE) return this.#refuse(refusal)
    const bytes = layout()
    if (bytes === null) this.#refuse(ERROR.NO_QUORUM, 'this node does not know its cluster yet')
    else this.#give(bytes)
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

  /** It has shown the key of the node, or there is none. */
  get #isProved(): boolean {
    return this.#authenticated || this.#context.admission.credentials === null
  }

  /** PEER: a batch of another member, or a piece of one. */
  #takeBatch(bytes: Uint8Array): void {
    const request = this.#request
    const peer = this.#peer
    const error = peer.judge(request, this.#isProved) || peer.take(request, bytes, this.#chunks)
    if (error === null) return
    if (error === ERROR.NONE) return peer.owe(this.#take(), this.#wire)
    const isChunk = (request.flags & FRAME_FLAG.chunk) !== 0
    if (!isChunk || this.#isFirstRefusal()) this.#refuse(error, peer.words)
    if (error === ERROR.BAD_REQUEST) this.#wire.closeAfterReplies()
  }

  /** PEER_VALUE: the file of a large value. */
  #giveFile(bytes: Uint8Array): void {
    const opened = this.#peer.open(this.#request, bytes, this.#isProved, this.#context.streams)
    if (typeof opened === 'number') return this.#refuse(opened, this.#peer.words)
    this.#answer.ok().stream = opened
    this.#wire.answer(this.#take(), this.#answer)
    this.#wire.hold()
  }

  // --- operations

  /** SET and BATCH: a piece of a value above a frame. */
  #takeChunk(kind: Kind, bytes: Uint8Array): void {
    const request = this.#request
    const isFirst = this.#chunks.isFirst(request)
    this.#requests.words = null
    const error =
      this.#judgeChunk(kind) ||
      this.#chunks.admit(request, bytes) ||
      (isFirst && this.#goesToFile(kind) ? this.#begin(kind, bytes) : ERROR.NONE) ||
      this.#storeChunk(bytes)
    if (error !== ERROR.NONE) {
      if (this.#isFirstRefusal()) this.#refuse(error as ErrorNumber, this.#requests.words)
      return
    }
    if ((request.flags & FRAME_FLAG.more) !== 0) return
    const incoming = this.#chunks.incomingOf(request)
    if (incoming === null) return this.#submit(kind, this.#chunks.finish(request)!)
    this.#chunks.leave(request)
    incoming.complete(this.#take(), this.#endMs())
    this.#wire.hold()
  }

  /** A raw value that will have a file of its own is not held here before. */
  #goesToFile(kind: Kind): boolean {
    const { codec, flags, totalBytes } = this.#request
    return (
      kind === KIND.set && codec === 0 && (flags & FRAME_FLAG.json) === 0 && totalBytes > BLOB_ABOVE_BYTES
    )
  }

  /** The first chunk of such a value: what is asked for is judged now. */
  #begin(kind: Kind, bytes: Uint8Array): ErrorNumber {
    const request = this.#request
    const { admission, streams } = this.#context
    const error = admission.refuse(kind, this.#authenticated) || this.#requests.fill(request, kind, bytes)
    if (error !== ERROR.NONE) return error as ErrorNumber
    if (streams.intakeCount >= INTAKES_MAX) return ERROR.OVERLOADED
    try {
      this.#chunks.direct(request, new IncomingValue(this.#context, this.#wire, request.totalBytes))
      return ERROR.NONE
    } catch (thrown) {
      return errorOf(thrown)
    }
  }

  #storeChunk(bytes: Uint8Array): ErrorNumber {
    const request = this.#request
    const incoming = this.#chunks.incomingOf(request)
    if (incoming === null) return this.#chunks.keep(request, bytes)
    if (incoming.failure === null) {
      incoming.write(bytes, request.valueStart, request.valueEnd)
      return ERROR.NONE
    }
    this.#requests.words = incoming.failure.message
    return errorOf(incoming.failure)
  }

  #judgeChunk(kind: Kind): ErrorNumber {
    const { flags, totalBytes } = this.#request
    if (!this.#authenticated && !this.#context.admission.isOpen(kind)) return ERROR.UNAUTHORIZED
    if ((flags & FRAME_FLAG.chunk) === 0) return ERROR.BAD_REQUEST
    return kind === KIND.batch && totalBytes > BATCH_BYTES_MAX ? ERROR.VALUE_TOO_LARGE : ERROR.NONE
  }

  /** A refused chunked value is told of once; too many of them, and nothing more is listened to. */
  #isFirstRefusal(): boolean {
    const isFirst = this.#chunks.refuse(this.#request)
    if (this.#chunks.isFlooded) this.#wire.closeAfterReplies()
    return isFirst
  }

  get isPeer(): boolean {
    return this.#peer.isMember
  }

  get isStranger(): boolean {
    return !this.#authenticated && !this.#context.admission.isOpen(KIND.get)
  }

  get isUnfinished(): boolean {
    return this.#chunks.isUnfinished
  }

  #submit(kind: Kind, bytes: Uint8Array): void {
    const request = this.#request
    const { admission, keyValue, operation } = this.#context
    const refusal = admission.refuse(kind, this.#authenticated)
    if (refusal !== ERROR.NONE) return this.#refuse(refusal)
    const { deadlineMs } = request
    if (deadlineMs !== 0 && this.#arrivedAtMs !== 0 && this.#context.now() - this.#arrivedAtMs > deadlineMs)
      return this.#refuse(ERROR.TIMEOUT)
    const error = this.#requests.fill(request, kind, bytes)
    if (error !== ERROR.NONE) return this.#refuse(error, this.#requests.words)
    operation.wantsStream = kind === KIND.get
    if (request.deadlineMs !== 0 && this.#arrivedAtMs !== 0) {
      operation.deadlineMs = Math.max(1, this.#endMs() - this.#context.now())
    }
    if (kind === KIND.scan) return this.#scan(bytes)
    if (operation.codec !== CODEC.none) return this.#unpack(operation)
    if (operation.batch !== null) admission.charge(Math.max(0, operation.batch.length - 1))
    const held = kind === KIND.batch ? request : operation
    const isLarge = held.valueEnd - held.valueStart > HELD_ABOVE_BYTES
    keyValue.submit(operation, this.#take())
    if (isLarge || this.#context.isReadingMuch()) this.#wire.hold()
  }

  /** A value that becomes large before it can be written. */
  #unpack(operation: Operation): void {
    const { unpackings } = this.#context
    if (!unpackings.hasRoom(operation)) return this.#refuse(ERROR.OVERLOADED)
    unpackings.add(operation, this.#wire, this.#take(), this.#endMs())
    this.#wire.hold()
  }

  #scan(bytes: Uint8Array): void {
    const { operation, keyValue, now } = this.#context
    const wanted = this.#requests.page(this.#request, bytes)
    if (wanted === null) return this.#refuse(ERROR.BAD_REQUEST, this.#requests.words)
    const { query } = wanted
    const page = new ScanPage(wanted.bytesMax, query.keysOnly)
    const endMs = this.#endMs()
    query.mayBegin = () => endMs === 0 || now() <= endMs
    query.isWanted = () => !this.#wire.isClosed
    query.take = (entry) => page.take(entry)
    operation.scan = query
    const token = this.#take()
    this.#replies.rememberPage(token & (REPLY_SLOTS - 1), page)
    keyValue.submit(operation, token)
    // A page is much larger than its request: one at a time.
    this.#wire.hold()
  }

  /** When the request's deadline passes; 0: it has none. */
  #endMs(): number {
    const { deadlineMs } = this.#request
    return deadlineMs === 0 ? 0 : (this.#arrivedAtMs || this.#context.now()) + deadlineMs
  }

  // --- replies

  #take(): number {
    const token = this.#wire.take()
    this.#replies.remember(token & (REPLY_SLOTS - 1), this.#request)
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
    this.#replies.write(slot, answer, output)
  }

  replyInPieces(slot: number, answer: Answer): PieceReply {
    return this.#replies.inPieces(slot, answer)
  }

  /** A frame is too short to come to this. */
  refuseFront(): void {
    this.#wire.closeAfterReplies()
  }

  close(): void {
    this.#chunks.close()
  }
}
