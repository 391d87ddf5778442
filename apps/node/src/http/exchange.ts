/**
 * One HTTP request and its reply: what every kind of request needs. It asks the `KeyValue` under a token of
 * its own, one question at a time, and writes the one reply. Refusals come before the body is read where they
 * can; a body nobody wants is skipped when it is small, else the connection is closed behind the reply.
 *
 * A reply counts among the bytes that are held until the client has taken it; one that is not taken ends the
 * connection.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { ERROR, type ErrorNumber, errorKind } from '@minivault/protocol'
import type { OutgoingMemory } from '../door/outgoing-value.ts'
import type { SessionContext } from '../door/session-context.ts'
import type { Answer } from '../key-value.ts'
import { HTTP_LINGER_MS, HTTP_REPLY_FREE_BYTES, HTTP_SKIP_BYTES_MAX, WRITE_TIMEOUT_MS } from '../limits.ts'
import type { Receiver, Receivers } from '../receivers.ts'
import { errorBody } from './reply-body.ts'
import { JSON_TYPE, ReplyHead, retryAfterOf } from './reply-head.ts'

const REQUEST_TIMEOUT = 408

export interface ExchangeContext extends SessionContext {
  readonly sleep: (ms: number) => Promise<void>
  readonly receivers: Receivers
  /** Those whose answer is awaited. */
  readonly waiting: Set<Exchange>
  /** Values on their way out. */
  readonly outgoing: OutgoingMemory
}

interface SocketWithHandle {
  _handle?: { writeQueueSize?: number } | null
}

export class Exchange implements Receiver {
  readonly context: ExchangeContext
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Of the reply; filled as it becomes known. */
  readonly head = new ReplyHead()
  /** The client waits for leave to send the body. */
  readonly expectsContinue: boolean
  #linesOfAll = 0
  #token = -1
  #then: ((answer: Answer) => void) | null = null
  #heldBytes = 0
  /** Milliseconds since the epoch of the node's clock, while the answer is awaited. */
  since = 0
  #wantsBody = false
  /** Bytes that had come, or been taken, when last looked at, and since when it is so many. */
  #movedBytes = -1
  #movedAtMs = 0

  constructor(
    context: ExchangeContext,
    request: IncomingMessage,
    response: ServerResponse,
    expectsContinue: boolean,
  ) {
    this.context = context
    this.request = request
    this.response = response
    this.expectsContinue = expectsContinue
  }

  get headers(): IncomingHttpHeaders {
    return this.request.headers
  }

  get isHead(): boolean {
    return this.request.method === 'HEAD'
  }

  /** The client waits for something that nobody here knows. */
  get expectsElse(): boolean {
    const { headers, httpVersion } = this.request
    return headers.expect !== undefined && !this.expectsContinue && httpVersion !== '1.0'
  }

  /** The reply has begun, or nobody will read it. */
  get isOver(): boolean {
    return this.response.headersSent || this.response.destroyed
  }

  /** The lines that the head has now are those of every reply to this request. */
  settleLines(): void {
    this.#linesOfAll = this.head.others.length
  }

  // --- the question

  /**
   * The token under which to submit, or complete, the next operation; `then` hears the answer, which is valid
   * during the call, unless nobody waits for it any more.
   */
  ask(then: (answer: Answer) => void): number {
    this.#then = then
    this.#token = this.context.receivers.add(this)
    this.since = this.context.now()
    this.context.waiting.add(this)
    return this.#token
  }

  complete(_slot: number, answer: Answer): void {
    this.context.receivers.remove(this.#token)
    this.context.waiting.delete(this)
    if (this.isOver) answer.stream?.cancel()
    else this.#then!(answer)
  }

  /** The answer is overdue: the client is told, the token stays until the answer comes. */
  expire(): void {
    if (!this.isOver) this.#send(504, errorBody(ERROR.TIMEOUT, 'no answer in time: the write may yet appear'))
  }

  // --- the reply

  /** The body is read from now on: leave to send it, for a client that waits for that. */
  welcomeBody(): void {
    this.#wantsBody = true
    if (this.expectsContinue) this.response.writeContinue()
  }

  /** The reply in one piece. */
  succeed(status: number, body: Buffer): void {
    if (this.hold(body.length)) this.#send(status, body)
    else this.refuse(ERROR.OVERLOADED)
  }

  /** A reply without content. */
  finish(status: number): void {
    this.head.contentType = ''
    this.head.contentLength = -1
    this.begin(status)
    this.response.end()
  }

  /** The operation came to nothing. */
  fail(answer: Answer): void {
    const { error, message, version } = answer
    this.refuse(error, message, version.isZero() ? '' : version.toString())
  }

  /**
   * @param message more telling than the error's own
   * @param version of what is there, where that is known
   * @param status another than the error's own
   */
  refuse(
    error: ErrorNumber,
    message: string | null = null,
    version = '',
    status: number = errorKind(error).httpStatus,
  ): void {
    const { head, request, context } = this
    head.others.length = this.#linesOfAll
    head.contentType = JSON_TYPE
    head.version = version
    head.ttlMs = -1
    head.hasRanges = false
    if (error === ERROR.UNAUTHORIZED) head.others.push('WWW-Authenticate', 'Bearer')
    const seconds = retryAfterOf(error, context.admission)
    if (seconds > 0) head.others.push('Retry-After', `${seconds}`)
    const body = errorBody(error, message)
    const unread = unreadBytesOf(request)
    request.resume()
    if (unread <= HTTP_SKIP_BYTES_MAX) return this.#send(status, body)
    // The reply goes out now and the connection ends a little later: bytes left unread would turn its end
    // into a reset, and the client might never see the reply.
    this.response.shouldKeepAlive = false
    head.contentLength = body.length
    this.begin(status)
    this.response.write(body)
    const end = () => this.response.end()
    request.once('close', end)
    context.sleep(HTTP_LINGER_MS).then(end)
  }

  #send(status: number, body: Buffer): void {
    this.head.contentLength = body.length
    this.begin(status)
    this.response.end(body)
  }

  /** Sends the head. */
  begin(status: number): void {
    const { head, response } = this
    head.status = status
    if (this.context.admission.draining) response.shouldKeepAlive = false
    response.writeHead(status, head.lines())
  }

  // --- bounds

  /** Counts bytes of the reply until it is taken. False: there is no room for them. */
  hold(bytes: number): boolean {
    if (bytes <= HTTP_REPLY_FREE_BYTES) return true
    if (!this.context.held.take(bytes)) return false
    this.#heldBytes += bytes
    return true
  }

  /** The connection is done with this request. */
  close(): void {
    this.context.held.give(this.#heldBytes)
    this.#heldBytes = 0
  }

  /** Nothing of a body comes, or nothing of a reply is taken, for too long: that is the end. */
  sweep(nowMs: number): void {
    const { request, response } = this
    const { socket } = request
    if (response.headersSent) {
      const queued = (socket as SocketWithHandle)._handle?.writeQueueSize ?? 0
      const takenBytes = socket.bytesWritten - queued
      if (this.#isStill(takenBytes, nowMs) && !response.writableFinished) socket.destroy()
    } else if (this.#wantsBody && isAwaited(request)) {
      if (!this.#isStill(socket.bytesRead, nowMs)) return
      response.shouldKeepAlive = false
      this.refuse(ERROR.TIMEOUT, 'nothing of the body came for too long', '', REQUEST_TIMEOUT)
    } else this.#movedBytes = -1
  }

  #isStill(movedBytes: number, nowMs: number): boolean {
    if (movedBytes !== this.#movedBytes) {
      this.#movedBytes = movedBytes
      this.#movedAtMs = nowMs
    }
    return nowMs - this.#movedAtMs > WRITE_TIMEOUT_MS
  }
}

/** More of the body is to come, and it is not we who keep it waiting. */
function isAwaited(request: IncomingMessage): boolean {
  if (request.complete || request.readableLength > 0) return false
  // Who pulls the body has it paused all the time.
  return !request.isPaused() || request.listenerCount('readable') > 0
}

/** Bytes of the body that are still to come, as far as that is known. */
function unreadBytesOf({ complete, headers }: IncomingMessage): number {
  if (complete) return 0
  return headers['transfer-encoding'] ? Number.POSITIVE_INFINITY : Number(headers['content-length'] ?? 0)
}
