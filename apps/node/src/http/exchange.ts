/**
 * One HTTP request and its answer. It reads the body within its bound, submits, waits under a token of its
 * own and writes the reply. Refusals come before the body is read where they can; a body nobody wants is
 * skipped when it is small, else the connection is closed behind the reply.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { hashKey } from '@minivault/codec'
import {
  ERROR,
  type ErrorNumber,
  errorKind,
  escapeRawControls,
  findValueText,
  JsonSpan,
  OUTCOME,
  VALUE_BYTES_MAX,
} from '@minivault/protocol'
import { VALUE_TYPE } from '@minivault/storage'
import type { SessionContext } from '../door/session-context.ts'
import { type Answer, KIND, type Kind } from '../key-value.ts'
import { HTTP_BODY_OVERHEAD_BYTES, HTTP_LINGER_MS, HTTP_SKIP_BYTES_MAX } from '../limits.ts'
import type { Receiver, Receivers } from '../receivers.ts'
import { errorBody, SUCCESS, valueBody } from './reply-body.ts'

export interface ExchangeContext extends SessionContext {
  readonly sleep: (ms: number) => Promise<void>
  readonly receivers: Receivers
  readonly waiting: Set<Exchange>
}

const BODY_BYTES_MAX = VALUE_BYTES_MAX + HTTP_BODY_OVERHEAD_BYTES
const span = new JsonSpan()

export class Exchange implements Receiver {
  readonly #context: ExchangeContext
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #kind: Kind
  readonly #key: Buffer
  #token = -1
  /** Milliseconds since the epoch of the node's clock, while the answer is awaited. */
  since = 0

  constructor(
    context: ExchangeContext,
    request: IncomingMessage,
    response: ServerResponse,
    kind: Kind,
    key: Buffer,
  ) {
    this.#context = context
    this.#request = request
    this.#response = response
    this.#kind = kind
    this.#key = key
  }

  start(authenticated: boolean): void {
    const refusal = this.#context.admission.refuse(this.#kind, authenticated)
    if (refusal !== ERROR.NONE) return this.refuse(refusal, null)
    if (this.#kind === KIND.get || this.#kind === KIND.delete) this.#submit(null, 0, 0)
    else this.#readBody()
  }

  #readBody(): void {
    const announced = Number(this.#request.headers['content-length'] ?? 0)
    if (announced > BODY_BYTES_MAX) return this.refuse(ERROR.VALUE_TOO_LARGE, null)
    const { held } = this.#context
    const pieces: Buffer[] = []
    let length = 0
    let heldBytes = 0
    this.#request.on('data', (piece: Buffer) => {
      if (this.#response.headersSent) return
      length += piece.length
      if (length > BODY_BYTES_MAX) return this.refuse(ERROR.VALUE_TOO_LARGE, null)
      if (!held.take(piece.length)) {
        pieces.length = 0
        return this.refuse(ERROR.OVERLOADED, null)
      }
      heldBytes += piece.length
      pieces.push(piece)
    })
    this.#request.on('end', () => {
      if (!this.#response.headersSent)
        this.#takeValue(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces))
    })
    this.#request.once('close', () => held.give(heldBytes))
  }

  #takeValue(body: Buffer): void {
    const error = findValueText(body, 0, body.length, span)
    if (error !== ERROR.NONE) return this.refuse(error as ErrorNumber, null)
    let value: Uint8Array = body
    let { start, end } = span
    if (span.hasRawControls) {
      value = escapeRawControls(body, start, end)
      start = 0
      end = value.length
    }
    if (end - start > VALUE_BYTES_MAX) return this.refuse(ERROR.VALUE_TOO_LARGE, null)
    this.#submit(value, start, end)
  }

  #submit(value: Uint8Array | null, start: number, end: number): void {
    const { operation, keyValue, receivers, durability } = this.#context
    operation.begin(this.#kind, this.#key, 0, this.#key.length, durability)
    hashKey(this.#key, 0, this.#key.length, operation.hash)
    if (value !== null) operation.setValue(value, start, end, VALUE_TYPE.json)
    this.#token = receivers.add(this)
    this.since = this.#context.now()
    this.#context.waiting.add(this)
    keyValue.submit(operation, this.#token)
  }

  complete(_slot: number, answer: Answer): void {
    this.#context.receivers.remove(this.#token)
    this.#context.waiting.delete(this)
    if (this.#response.headersSent) return
    if (answer.outcome !== OUTCOME.ok)
      return this.#send(statusOf(answer), errorBody(answer.error, answer.message))
    if (this.#kind === KIND.get) {
      return this.#send(200, valueBody(answer.value, answer.valueStart, answer.valueEnd, answer.valueType))
    }
    this.#send(this.#kind === KIND.create ? 201 : 200, SUCCESS)
  }

  /** The answer is overdue: the client is told, the token stays until the answer comes. */
  expire(): void {
    if (!this.#response.headersSent)
      this.#send(504, errorBody(ERROR.TIMEOUT, 'no answer in time: the write may yet appear'))
  }

  refuse(error: ErrorNumber, message: string | null): void {
    const { admission } = this.#context
    if (error === ERROR.UNAUTHORIZED) this.#response.setHeader('WWW-Authenticate', 'Bearer')
    if (error === ERROR.RATE_LIMITED) {
      this.#response.setHeader('Retry-After', Math.max(1, Math.ceil(admission.retryAfterMs / 1000)))
    }
    const { headers } = this.#request
    const unread = headers['transfer-encoding']
      ? Number.POSITIVE_INFINITY
      : Number(headers['content-length'] ?? 0)
    this.#request.resume()
    if (unread <= HTTP_SKIP_BYTES_MAX)
      return this.#send(errorKind(error).httpStatus, errorBody(error, message))
    // The reply goes out now and the connection ends a little later: bytes left unread would turn its end
    // into a reset, and the client might never see the reply.
    this.#response.setHeader('Connection', 'close')
    this.#begin(errorKind(error).httpStatus, errorBody(error, message))
    const end = () => this.#response.end()
    this.#request.once('close', end)
    this.#context.sleep(HTTP_LINGER_MS).then(end)
  }

  #send(status: number, body: Buffer): void {
    this.#begin(status, body)
    this.#response.end()
  }

  #begin(status: number, body: Buffer): void {
    if (this.#context.admission.draining) this.#response.setHeader('Connection', 'close')
    this.#response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length })
    this.#response.write(body)
  }
}

function statusOf(answer: Answer): number {
  return errorKind(answer.error).httpStatus
}
