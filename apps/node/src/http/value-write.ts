/**
 * PUT, POST and DELETE of a key: what is asked for is judged before the body is taken, the body is held or
 * goes into a file while it arrives, and the write is submitted when all of it is there.
 */
import { hashKey } from '@minivault/codec'
import {
  ERROR,
  errorKind,
  escapeRawControls,
  findValueText,
  JsonSpan,
  OUTCOME,
  VALUE_BYTES_MAX,
} from '@minivault/protocol'
import { BLOB_ABOVE_BYTES, type StagedValue, VALUE_TYPE, type ValueType } from '@minivault/storage'
import { type Answer, KIND, type Kind } from '../key-value.ts'
import { HTTP_BODY_OVERHEAD_BYTES, HTTP_CONDITION_TRIES_MAX } from '../limits.ts'
import { isRaw } from './accept.ts'
import { BadHeader } from './bad-header.ts'
import { Conditions } from './conditions.ts'
import type { Exchange } from './exchange.ts'
import { collectBody } from './incoming-body.ts'
import { pushBody, stageBody } from './incoming-file.ts'
import { SUCCESS } from './reply-body.ts'
import { type RequestWishes, readWishes } from './request-headers.ts'
import { WritePlan } from './write-plan.ts'

const BODY_BYTES_MAX = VALUE_BYTES_MAX + HTTP_BODY_OVERHEAD_BYTES
const NOTHING = new Uint8Array(0)
const CREATED = 201
const UNSUPPORTED_MEDIA_TYPE = 415
const span = new JsonSpan()

export class ValueWrite {
  readonly #exchange: Exchange
  readonly #key: Buffer
  readonly #kind: Kind
  #plan!: WritePlan
  #wishes!: RequestWishes
  /** The value is here, and can be submitted again. */
  #isHeld = true
  #value: Uint8Array = NOTHING
  #valueStart = 0
  #valueEnd = 0
  #valueType: ValueType = VALUE_TYPE.raw
  #tries = 0

  constructor(exchange: Exchange, kind: Kind, key: Buffer) {
    this.#exchange = exchange
    this.#kind = kind
    this.#key = key
  }

  start(): void {
    const { headers, context } = this.#exchange
    try {
      this.#wishes = readWishes(headers, this.#kind, context.durability)
      const conditions = Conditions.of(headers['if-match'], headers['if-none-match'])
      this.#plan = new WritePlan(this.#kind, conditions, this.#wishes.request !== null)
    } catch (error) {
      if (!(error instanceof BadHeader)) throw error
      return this.#exchange.refuse(ERROR.BAD_REQUEST, error.message)
    }
    if (this.#kind === KIND.delete) return this.#write()
    const coding = headers['content-encoding'] ?? 'identity'
    if (coding.toLowerCase() !== 'identity') {
      const words = 'values are kept as they come: send the body without Content-Encoding'
      return this.#exchange.refuse(ERROR.BAD_REQUEST, words, '', UNSUPPORTED_MEDIA_TYPE)
    }
    if (isRaw(headers['content-type'])) this.#takeRaw()
    else this.#takeJson()
  }

  // --- the body

  #takeJson(): void {
    const announced = Number(this.#exchange.headers['content-length'] ?? 0)
    if (announced > BODY_BYTES_MAX) return this.#exchange.refuse(ERROR.VALUE_TOO_LARGE)
    collectBody(this.#exchange, BODY_BYTES_MAX, (body) => this.#findValue(body))
  }

  #findValue(body: Buffer): void {
    const error = findValueText(body, 0, body.length, span)
    if (error !== ERROR.NONE) return this.#exchange.refuse(error)
    let value: Uint8Array = body
    let { start, end } = span
    if (span.hasRawControls) {
      value = escapeRawControls(body, start, end)
      start = 0
      end = value.length
    }
    if (end - start > VALUE_BYTES_MAX) return this.#exchange.refuse(ERROR.VALUE_TOO_LARGE)
    this.#setValue(value, start, end, VALUE_TYPE.json)
    this.#write()
  }

  #takeRaw(): void {
    const { headers } = this.#exchange
    const announced = Number(headers['content-length'] ?? 0)
    if (announced > VALUE_BYTES_MAX) return this.#exchange.refuse(ERROR.VALUE_TOO_LARGE)
    const isChunked = headers['transfer-encoding'] !== undefined
    if (!isChunked && announced <= BLOB_ABOVE_BYTES) {
      return collectBody(this.#exchange, BLOB_ABOVE_BYTES, (body) => {
        this.#setValue(body, 0, body.length, VALUE_TYPE.raw)
        this.#write()
      })
    }
    const take = () => {
      this.#isHeld = false
      this.#fill()
      if (isChunked) stageBody(this.#exchange, (staged) => this.#writeStaged(staged))
      else pushBody(this.#exchange, announced, (answer) => this.#take(answer))
    }
    // Nobody shall send 100 MB only to hear that it was in vain.
    if (this.#plan.isConditional) this.#judge(take)
    else take()
  }

  #setValue(value: Uint8Array, start: number, end: number, type: ValueType): void {
    this.#value = value
    this.#valueStart = start
    this.#valueEnd = end
    this.#valueType = type
  }

  // --- the write

  #write(): void {
    if (this.#plan.isJudged) this.#judge(() => this.#submit(null))
    else this.#submit(null)
  }

  /** Looks at what is there; goes on where the write may be done. */
  #judge(then: () => void): void {
    const { context } = this.#exchange
    const { operation, keyValue, durability } = context
    operation.begin(KIND.get, this.#key, 0, this.#key.length, durability)
    hashKey(this.#key, 0, this.#key.length, operation.hash)
    operation.noValue = true
    const token = this.#exchange.ask((answer) => {
      const isThere = answer.outcome === OUTCOME.ok
      if (!isThere && answer.error !== ERROR.KEY_NOT_FOUND) return this.#exchange.fail(answer)
      const version = isThere ? answer.version.toString() : ''
      const error = this.#plan.judge(version)
      if (error !== ERROR.NONE) return this.#exchange.refuse(error, null, version)
      // Deleting nothing is done.
      if (this.#kind === KIND.delete && !isThere) return this.#exchange.succeed(200, SUCCESS)
      // Not from inside the answer: it may be the next one's, too.
      queueMicrotask(() => {
        if (!this.#exchange.isOver) then()
      })
    })
    keyValue.submit(operation, token)
  }

  /** What is asked for, into the operation that all share: valid until the next call into the port. */
  #fill(): void {
    const { operation } = this.#exchange.context
    const { durability, consistency, ttlMs, request, attempt } = this.#wishes
    this.#plan.begin(operation, this.#key)
    hashKey(this.#key, 0, this.#key.length, operation.hash)
    operation.durability = durability
    operation.consistency = consistency
    operation.wantsExists = false
    operation.ttlMs = ttlMs
    if (request !== null) operation.requestId.copy(request)
    operation.attempt = attempt
  }

  #writeStaged(staged: StagedValue): void {
    if (!(staged instanceof Uint8Array)) return this.#submit(staged)
    this.#isHeld = true
    this.#setValue(staged, 0, staged.length, VALUE_TYPE.raw)
    this.#write()
  }

  #submit(staged: StagedValue | null): void {
    const { operation, keyValue } = this.#exchange.context
    this.#fill()
    operation.setValue(this.#value, this.#valueStart, this.#valueEnd, this.#valueType)
    operation.staged = staged
    this.#tries += 1
    keyValue.submit(
      operation,
      this.#exchange.ask((answer) => this.#take(answer)),
    )
  }

  #take(answer: Answer): void {
    const exchange = this.#exchange
    const version = answer.version.isZero() ? '' : answer.version.toString()
    if (answer.outcome === OUTCOME.ok) {
      if (this.#kind !== KIND.delete || answer.exists) exchange.head.version = version
      return exchange.succeed(this.#kind === KIND.create ? CREATED : 200, SUCCESS)
    }
    const refusal = this.#plan.refusal(answer.error)
    if (refusal === answer.error) return exchange.fail(answer)
    if (refusal !== ERROR.NONE) return exchange.refuse(refusal, errorKind(answer.error).message, version)
    // It was judged, and somebody was faster. A value that went into a file is gone by now.
    if (!this.#isHeld) return exchange.refuse(ERROR.VERSION_MISMATCH, null, version)
    if (this.#tries >= HTTP_CONDITION_TRIES_MAX) {
      return exchange.refuse(ERROR.OVERLOADED, 'others wrote this key faster each time', version)
    }
    queueMicrotask(() => {
      if (!exchange.isOver) this.#write()
    })
  }
}
