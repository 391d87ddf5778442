/**
 * GET and HEAD of a key: conditions, then the representation that was asked for. A large value is never held
 * here but for one case: raw bytes that are to become JSON.
 */
import { hashKey } from '@minivault/codec'
import { ERROR, OUTCOME } from '@minivault/protocol'
import { VALUE_TYPE, type ValueStream } from '@minivault/storage'
import { type Answer, KIND } from '../key-value.ts'
import { errorOf } from '../local/storage-errors.ts'
import { wantsRaw } from './accept.ts'
import { BadHeader } from './bad-header.ts'
import { allowsRange, type ByteRange, readRange } from './byte-range.ts'
import { Conditions } from './conditions.ts'
import type { Exchange } from './exchange.ts'
import { OutgoingBody } from './outgoing-body.ts'
import { DATA, END, valueBody } from './reply-body.ts'
import { RAW_TYPE } from './reply-head.ts'
import { type RequestWishes, readWishes } from './request-headers.ts'

const NOTHING = Buffer.alloc(0)

export class ValueRead {
  readonly #exchange: Exchange
  readonly #key: Buffer
  #conditions: Conditions | null = null

  constructor(exchange: Exchange, key: Buffer) {
    this.#exchange = exchange
    this.#key = key
  }

  start(): void {
    const { context, headers } = this.#exchange
    const { operation, keyValue, durability } = context
    let wishes: RequestWishes
    try {
      wishes = readWishes(headers, KIND.get, durability)
      this.#conditions = Conditions.of(headers['if-match'], headers['if-none-match'])
    } catch (error) {
      if (!(error instanceof BadHeader)) throw error
      return this.#exchange.refuse(ERROR.BAD_REQUEST, error.message)
    }
    operation.begin(KIND.get, this.#key, 0, this.#key.length, durability)
    hashKey(this.#key, 0, this.#key.length, operation.hash)
    operation.consistency = wishes.consistency
    operation.wantsStream = true
    keyValue.submit(
      operation,
      this.#exchange.ask((answer) => this.#take(answer)),
    )
  }

  #take(answer: Answer): void {
    const exchange = this.#exchange
    if (answer.outcome !== OUTCOME.ok) return exchange.fail(answer)
    const { head, context, headers } = exchange
    const { stream } = answer
    const version = answer.version.toString()
    const status = this.#conditions === null ? 200 : this.#conditions.judgeRead(version)
    if (status === 412) {
      stream?.cancel()
      return exchange.refuse(ERROR.VERSION_MISMATCH, null, version)
    }
    head.version = version
    const expiresAtMs = stream?.expiresAtMs || answer.expiresAtMs
    if (expiresAtMs !== 0) head.ttlMs = Math.max(0, Math.ceil(expiresAtMs - context.now()))
    const isRaw = wantsRaw(headers.accept)
    head.hasRanges = isRaw
    if (status === 304) {
      stream?.cancel()
      return exchange.finish(304)
    }
    if (isRaw) this.#giveBytes(answer, version)
    else if (stream === null) {
      const { value, valueStart, valueEnd, valueType } = answer
      exchange.succeed(200, valueBody(value, valueStart, valueEnd, valueType))
    } else this.#giveJson(stream)
  }

  // --- bytes

  #giveBytes(answer: Answer, version: string): void {
    const exchange = this.#exchange
    const { head, headers, isHead } = exchange
    const { stream, valueStart } = answer
    const size = stream?.size ?? answer.valueEnd - valueStart
    // A range is a GET's affair.
    const isRanged = !isHead && allowsRange(headers['if-range']?.toString(), version)
    const range = isRanged ? readRange(headers.range, size) : null
    if (range === 'unsatisfiable') {
      stream?.cancel()
      return this.#refuseRange(size, version)
    }
    const { start, end } = range ?? { start: 0, end: size }
    head.contentType = RAW_TYPE
    if (stream !== null) return this.#stream(stream, range, NOTHING, NOTHING)
    const span = answer.value.subarray(valueStart + start, valueStart + end)
    this.#nameRange(range, size)
    exchange.succeed(range === null ? 200 : 206, Buffer.from(span))
  }

  #nameRange(range: ByteRange | null, size: number): void {
    if (range === null) return
    this.#exchange.head.others.push('Content-Range', `bytes ${range.start}-${range.end - 1}/${size}`)
  }

  #refuseRange(size: number, version: string): void {
    const exchange = this.#exchange
    exchange.head.others.push('Content-Range', `bytes */${size}`)
    exchange.settleLines()
    exchange.refuse(ERROR.RANGE_NOT_SATISFIABLE, `the value has ${size} bytes`, version)
  }

  /** Behind the head, piece by piece. */
  #stream(stream: ValueStream, range: ByteRange | null, before: Buffer, behind: Buffer): void {
    const { head, response, context, isHead } = this.#exchange
    if (range !== null) stream.select(range.start, range.end)
    this.#nameRange(range, stream.size)
    head.contentLength = before.length + stream.end - stream.start + behind.length
    this.#exchange.begin(range === null ? 200 : 206)
    if (isHead) {
      stream.cancel()
      response.end()
      return
    }
    if (before.length > 0) response.write(before)
    new OutgoingBody(response, stream, context.outgoing, behind.length === 0 ? null : behind)
  }

  // --- JSON

  #giveJson(stream: ValueStream): void {
    if (stream.type === VALUE_TYPE.json) return this.#stream(stream, null, DATA, END)
    if (!this.#exchange.isHead) {
      this.#giveWhole(stream)
      return
    }
    // How long its JSON would be, nobody knows before all of it was read.
    stream.cancel()
    this.#exchange.begin(200)
    this.#exchange.response.end()
  }

  /** Raw bytes can be told from a JSON text or UTF-8 only when all of them are there. */
  async #giveWhole(stream: ValueStream): Promise<void> {
    const exchange = this.#exchange
    const { held } = exchange.context
    const { size } = stream
    if (!held.take(2 * size)) {
      stream.cancel()
      return exchange.refuse(ERROR.OVERLOADED, 'ask for application/octet-stream, which is not held here')
    }
    let body: Buffer
    try {
      const pieces: Uint8Array[] = []
      for await (const piece of stream) {
        if (exchange.isOver) return
        pieces.push(piece)
      }
      body = valueBody(Buffer.concat(pieces), 0, size, VALUE_TYPE.raw)
    } catch (error) {
      if (!exchange.isOver) exchange.refuse(errorOf(error), (error as Error).message)
      return
    } finally {
      held.give(2 * size)
    }
    if (!exchange.isOver) exchange.succeed(200, body)
  }
}
