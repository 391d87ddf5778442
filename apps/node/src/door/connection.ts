/**
 * One socket of the binary port. Bytes arrive in the read buffer that all connections share and are parsed in
 * place; only an incomplete request is kept (`rest`, grown by what came, not by what was announced). Replies
 * leave in request order, in one write per event-loop turn. Who does not take its replies is not read from.
 *
 *   read buffer ─┬─ whole requests → session → KeyValue ┄┄ answers → slots → output → socket
 *                └─ incomplete tail → rest
 */
import { UNAUTHENTICATED_BYTES_MAX } from '@minivault/protocol'
import type { ValueStream } from '@minivault/storage'
import type { Answer } from '../key-value.ts'
import {
  KEPT_REPLIES_BYTES_MAX,
  OUTPUT_HIGH_WATER_BYTES,
  REPLY_SLOTS,
  STRANGER_UNSENT_BYTES_MAX,
} from '../limits.ts'
import { errorOf } from '../local/storage-errors.ts'
import type { Receiver, Receivers } from '../receivers.ts'
import type { ByteSocket, SocketListener } from './byte-socket.ts'
import type { HeldBytes } from './held-bytes.ts'
import type { KeptPool } from './kept-replies.ts'
import { OUTGOING, type OutgoingMemory, OutgoingValue } from './outgoing-value.ts'
import { type ChunkPool, Output } from './output.ts'
import { Patience } from './patience.ts'
import { ReplySlots } from './reply-slots.ts'
import { Rest } from './rest.ts'
import type { RestPool } from './rest-pool.ts'
import type { Session, Wire } from './session.ts'
import type { Turn } from './turn.ts'
import type { UnsentBytes } from './unsent-bytes.ts'

export interface ConnectionContext {
  receivers: Receivers
  pool: ChunkPool
  kept: KeptPool
  turn: Turn
  /** What all clients leave unread. */
  unsent: UnsentBytes
  outgoing: OutgoingMemory
  rests: RestPool
  held: HeldBytes
  onClose: (connection: Connection) => void
  /** The connection has given its socket up: what it had not taken, and all that follows, is for others. */
  onHandOver: (connection: Connection, bytes: Uint8Array) => void
}

export class Connection implements Receiver, Wire, SocketListener {
  readonly socket: ByteSocket
  #session: Session | null = null
  readonly #context: ConnectionContext
  readonly #slots: ReplySlots
  readonly #output: Output
  readonly #firstToken: number
  readonly #rest: Rest
  #skip = 0
  #reading = false
  #stalled = false
  #closing = false
  #leaving = false
  #ended = false
  #held = false
  /** Incoming values that have no room. */
  #waits = 0
  /** The reply that leaves piece by piece; its slot is the oldest until it is out. */
  #outgoing: OutgoingValue | null = null
  touched = false
  #closed = false
  readonly #patience = new Patience()
  /** Of its unsent bytes, what the total knows. */
  #counted = 0

  constructor(socket: ByteSocket, context: ConnectionContext) {
    this.socket = socket
    this.#context = context
    this.#slots = new ReplySlots(context.kept)
    this.#output = new Output(context.pool, socket)
    this.#firstToken = context.receivers.add(this)
    this.#rest = new Rest(context.rests, context.held)
  }

  begin(session: Session): void {
    this.#session = session
  }

  // --- Wire

  take(): number {
    return this.#firstToken + this.#slots.take()
  }

  answer(token: number, answer: Answer): void {
    this.complete(token & (REPLY_SLOTS - 1), answer)
  }

  get isBusy(): boolean {
    if (this.#held && this.#slots.pending === 0) this.#held = false
    return (
      this.#closing ||
      this.#leaving ||
      this.#held ||
      this.#waits > 0 ||
      this.#outgoing !== null ||
      this.#slots.isFull ||
      this.#slots.keptBytes > KEPT_REPLIES_BYTES_MAX ||
      this.#owesTooMuch
    )
  }

  /** The client leaves more unread than it may; or anything, where all leave much unread together. */
  get #owesTooMuch(): boolean {
    const { unsentBytes } = this.socket
    if (unsentBytes === 0) return false
    if (this.#context.unsent.isScarce || unsentBytes > OUTPUT_HIGH_WATER_BYTES) return true
    return unsentBytes > STRANGER_UNSENT_BYTES_MAX && this.#session?.isStranger === true
  }

  get isClosed(): boolean {
    return this.#closed
  }

  hold(): void {
    this.#held = true
  }

  wait(): void {
    this.#waits += 1
  }

  goOn(): void {
    this.#waits -= 1
    this.#context.turn.touch(this)
  }

  skip(bytes: number): void {
    this.#skip = bytes
  }

  closeAfterReplies(): void {
    this.#closing = true
    this.#context.turn.touch(this)
  }

  handOver(): void {
    this.#leaving = true
    this.#context.turn.touch(this)
  }

  // --- in

  /** bytes[from, end) of the shared read buffer: used up or copied when this returns. */
  receive(bytes: Uint8Array, from: number, end: number): void {
    if (this.#closing || this.#closed) return
    let start = from
    if (this.#skip > 0) {
      start = Math.min(from + this.#skip, end)
      this.#skip -= start - from
      if (start === end) return
    }
    this.#reading = true
    const at = this.#rest.bytes === null ? start : this.#completeRest(bytes, start, end)
    if (at < end) this.#keep(bytes, this.#consume(bytes, at, end), end)
    this.#reading = false
    this.settle()
  }

  /**
   * Brings the request at the front to its end with no more of the new bytes than that takes, so that the
   * others are parsed in place; all of them where it cannot be taken now. Returns where to go on.
   */
  #completeRest(bytes: Uint8Array, start: number, end: number): number {
    const rest = this.#rest
    const session = this.#session!
    let at = start
    while (rest.bytes !== null && at < end) {
      const missing = session.needed - rest.length
      const stop = missing > 0 && !this.#stalled ? Math.min(end, at + missing) : end
      const received = rest.length + stop - at
      // Of a busy connection nothing can be refused; what it keeps is this read, it gets no further one.
      const mustStay = missing <= 0 || this.isBusy
      if (rest.add(bytes, at, stop, session.needed, mustStay)) this.#consumeRest()
      else session.refuseFront(received)
      const skipped = Math.min(this.#skip, end - stop)
      this.#skip -= skipped
      at = stop + skipped
    }
    return this.#closing ? end : at
  }

  #consume(bytes: Uint8Array, start: number, end: number): number {
    const session = this.#session
    if (session === null) return end
    const stopped = session.consume(bytes, start, end)
    if (this.#skip === 0) return stopped
    const skipped = Math.min(this.#skip, end - stopped)
    this.#skip -= skipped
    return skipped > 0 && stopped + skipped < end
      ? this.#consume(bytes, stopped + skipped, end)
      : stopped + skipped
  }

  #consumeRest(): void {
    const { bytes, length } = this.#rest
    if (bytes === null) return
    if (this.#session !== null && length < this.#session.needed && !this.#stalled) return
    const stopped = this.#consume(bytes, 0, length)
    this.#rest.consume(stopped, !this.#closing)
    if (stopped > 0) this.#patience.begin()
  }

  #keep(bytes: Uint8Array, start: number, end: number): void {
    if (start >= end || this.#closing) return
    this.#rest.begin(bytes, start, end)
    this.#patience.begin()
  }

  // --- out

  complete(slot: number, answer: Answer): void {
    if (this.#closed) {
      answer.stream?.cancel()
      this.#slots.advance()
      if (this.#slots.pending === 0) this.#context.receivers.remove(this.#firstToken)
      return
    }
    if (answer.stream !== null) return this.#completeInPieces(slot, answer, answer.stream)
    if (!this.#slots.isNext(slot)) {
      const kept = this.#slots.keeper(slot)
      this.#session!.reply(slot, answer, kept.output)
      kept.keep(slot)
      return
    }
    this.#session!.reply(slot, answer, this.#output)
    this.#advance()
    if (!this.#reading) this.#context.turn.touch(this)
  }

  /** The oldest reply is out: those that waited for it follow. */
  #advance(): void {
    this.#slots.advance()
    while (this.#slots.release(this.#output)) {}
    this.#outgoing = this.#slots.releaseValue()
  }

  #completeInPieces(slot: number, answer: Answer, stream: ValueStream): void {
    const reply = this.#session!.replyInPieces(slot, answer)
    if (reply === null) return this.#slots.takeBack(slot)
    const { outgoing, turn } = this.#context
    const value = new OutgoingValue(stream, reply, this.socket, outgoing, () => turn.touch(this))
    if (this.#slots.isNext(slot)) {
      this.#outgoing = value
      turn.touch(this)
    } else {
      value.rest()
      this.#slots.keepValue(slot, value)
    }
  }

  /** Sends on; when the value is out, what waited behind it. */
  #pump(): void {
    for (let value = this.#outgoing; value !== null; value = this.#outgoing) {
      const state = value.pump()
      if (state === OUTGOING.waits) return
      if (state === OUTGOING.failed && !this.#giveUp(value)) return
      if (state === OUTGOING.sent) value.reply.writeEnd?.(this.#output)
      this.#outgoing = null
      this.#advance()
      this.#output.flush()
    }
  }

  /** False: nothing can be said of it any more. */
  #giveUp(value: OutgoingValue): boolean {
    const { failure, reply, isBegun } = value
    value.cancel()
    const message = failure instanceof Error ? failure.message : String(failure)
    if (reply.writeError(errorOf(failure), message, isBegun, this.#output)) return true
    this.socket.destroy()
    return false
  }

  /**
   * What the client does not take is not added to bit by bit: each bit would keep a chunk. It waits until the
   * socket has sent all it has, or a chunk is full. Where even that is too much for the node, it is the end.
   */
  #flush(): void {
    const { socket } = this
    const isLast = this.#outgoing !== null || this.#closing || this.#leaving || this.#ended
    if (isLast || socket.unsentBytes === 0) this.#output.flush()
    const isOver = this.#context.unsent.count(this.#counted, this.#outgoing === null ? socket.unsentBytes : 0)
    this.#counted = this.#outgoing === null ? socket.unsentBytes : 0
    if (isOver) socket.destroy()
  }

  flush(): void {
    if (!this.#closed) this.#output.flush()
  }

  /** End of turn: everything answered leaves; reading stops or goes on by what is still under way. */
  settle(): void {
    if (this.#closed) return
    this.#flush()
    if (this.#closed) return
    if (this.#outgoing !== null) this.#pump()
    if (this.#ended && !this.#stalled && this.#rest.bytes !== null) this.#session?.onHalfRequest?.()
    if (this.#leaving && this.isIdle) return this.#leave()
    if (this.#slots.pending === 0 && (this.#closing || (this.#ended && !this.#stalled))) {
      // Reading goes on, into nothing: bytes left unread would turn the end into a reset that overtakes
      // replies.
      this.socket.end()
      this.socket.resume()
      return
    }
    if (this.#closing) return
    if (this.isBusy) {
      // A stranger is busy only by what it leaves unread: it shall not make us keep its further requests.
      if (this.#rest.length > UNAUTHENTICATED_BYTES_MAX && this.#session?.isStranger === true)
        return this.socket.destroy()
      if (!this.#stalled) this.socket.pause()
      this.#stalled = true
    } else if (this.#stalled) {
      this.#reading = true
      this.#consumeRest()
      this.#reading = false
      this.#stalled = this.isBusy
      if (!this.#stalled) this.socket.resume()
      this.#context.turn.touch(this)
    }
  }

  /** All is answered: the socket goes on with somebody else. */
  #leave(): void {
    const bytes = this.#rest.take()
    this.#letGo()
    this.#context.onHandOver(this, bytes)
  }

  // --- time and end

  /**
   * Called about every `elapsedMs`: cuts a half-sent request, an end not taken, an operation that never ends.
   */
  sweep(elapsedMs: number): void {
    const isUnfinished = this.#session?.isUnfinished === true
    const isIncomplete = this.#rest.bytes !== null || this.#skip > 0 || isUnfinished
    const sight = {
      pending: this.#slots.pending,
      progress: this.#slots.progress,
      sentBytes: this.#outgoing?.sentBytes ?? 0,
      receivedBytes: this.socket.receivedBytes,
      unsentBytes: this.socket.unsentBytes,
      waitsForClient: this.#closing || (isIncomplete && !this.#stalled),
    }
    if (this.#patience.isOver(sight, elapsedMs)) return this.socket.destroy()
    if (!this.#closing) this.#session?.sweep?.(elapsedMs, sight.waitsForClient)
  }

  /** Shutdown: what is under way is answered, nothing more is read. False: another member's, which stays. */
  drain(): boolean {
    if (this.#session?.isPeer === true) return false
    if (this.#rest.bytes !== null && !this.#stalled) this.#session?.onHalfRequest?.()
    if (!this.#leaving) this.closeAfterReplies()
    return true
  }

  get isIdle(): boolean {
    return this.#slots.pending === 0 && this.socket.unsentBytes === 0
  }

  onDrained(): void {
    this.#output.drained()
    this.#context.turn.touch(this)
  }

  onEnd(): void {
    this.#ended = true
    this.settle()
  }

  onClose(): void {
    if (this.#closed) return
    this.#letGo()
    this.#context.onClose(this)
  }

  #letGo(): void {
    this.#closed = true
    this.#context.unsent.count(this.#counted, 0)
    this.#output.drained()
    this.#rest.drop()
    this.#session?.close()
    this.#slots.dropKept()
    if (this.#outgoing !== null) {
      this.#outgoing.cancel()
      this.#outgoing = null
      this.#slots.advance()
    }
    if (this.#slots.pending === 0) this.#context.receivers.remove(this.#firstToken)
  }
}
