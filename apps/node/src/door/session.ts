/**
 * What a connection speaks. The connection owns the socket, the unread rest and the reply slots; the session
 * knows one request form: how requests are cut from the bytes and how an answer is written down.
 */
import type { Answer } from '../key-value.ts'
import type { Output } from './output.ts'
import type { PieceReply } from './piece-reply.ts'

/** What a session asks of its connection. */
export interface Wire {
  /**
   * Token for the next request; its answer is written through `Session.reply`. Never asked for while
   * `isBusy`.
   */
  take(): number
  /** Answers a taken request that nobody else will answer. */
  answer(token: number, answer: Answer): void
  /** Too many requests or unread replies: stop, the rest is offered again. */
  readonly isBusy: boolean
  /** Nobody will read the replies any more. */
  readonly isClosed: boolean
  /** Takes no further request before the ones under way are answered. */
  hold(): void
  /** Takes nothing more until as many `goOn`: what has come has no room. */
  wait(): void
  goOn(): void
  /** Bytes that still belong to a refused request and are not even buffered. */
  skip(bytes: number): void
  /** No further request can be understood: answer what is under way, then close. */
  closeAfterReplies(): void
  /** What comes from where `consume` stops on is for somebody else, once all before it is answered. */
  handOver(): void
}

export interface Session {
  /** Takes whole requests from [start, end) and returns where it stopped. */
  consume(bytes: Uint8Array, start: number, end: number): number
  /** Bytes the request at the front needs before it can go on, as far as known. */
  readonly needed: number
  /** Parts of a request have arrived, and more must follow. */
  readonly isUnfinished: boolean
  /** Has yet to show the key before it may do anything. */
  readonly isStranger: boolean
  /** Another member speaks here, and not a client. */
  readonly isPeer?: boolean
  reply(slot: number, answer: Answer, output: Output): void
  /**
   * The same of an answer that is a stream. Null: it was cancelled, and the request, the newest, which still
   * stands at the front of the unread bytes, is handed over with them.
   */
  replyInPieces(slot: number, answer: Answer): PieceReply | null
  /**
   * There is no room for the rest of the request at the front, of which so many bytes have come: it is
   * refused, and the bytes to come are skipped.
   */
  refuseFront(receivedBytes: number): void
  /** The connection is closed: values that were on their way in are let go. */
  close(): void
  /** Called in every sweep; `isIncomplete`: part of a request has come, and the client is waited for. */
  sweep?(elapsedMs: number, isIncomplete: boolean): void
  /** The client sends nothing more, or the node is about to end, and there is half a request. */
  onHalfRequest?(): void
}
