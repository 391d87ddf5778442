/**
 * A large raw value on its way in: what arrives goes to a file of the store as it comes, and when all of it
 * is durable there the write that was asked for is submitted. Whether that may be, the session has judged
 * before.
 *
 * A failure before the last byte is for the session to tell when the next bytes come, since the connection
 * may have no room for a reply earlier.
 */
import { cloneBytes } from '@minivault/codec'
import { ERROR, type ErrorNumber } from '@minivault/protocol'
import type { IntakeListener, StagedValue, StorageError, ValueIntake } from '@minivault/storage'
import { Answer, Operation } from '../key-value.ts'
import { errorOf } from '../local/storage-errors.ts'
import type { Wire } from './session.ts'
import type { SessionContext } from './session-context.ts'

/** What it asks of whoever receives it. */
export type IncomingWire = Pick<Wire, 'wait' | 'goOn' | 'answer'>

export class IncomingValue implements IntakeListener {
  /** Why it cannot be stored. */
  failure: StorageError | null = null
  readonly #context: SessionContext
  readonly #wire: IncomingWire
  readonly #intake: ValueIntake
  /** What is asked for, in memory of its own. */
  readonly #operation = new Operation()
  /** Of the reply; -1 before the last byte. */
  #token = -1
  /** Milliseconds of the wall clock after which the write is not begun any more; 0: none. */
  #endMs = 0
  /** Bytes that came, whatever became of them. */
  #received = 0
  /** What came when there was no room. */
  #left: Uint8Array | null = null
  #waits = false

  /** What the context's operation asks for, with a value of so many bytes. Throws StorageError. */
  constructor(context: SessionContext, wire: IncomingWire, bytes: number) {
    this.#context = context
    this.#wire = wire
    copyRequest(context.operation, this.#operation)
    this.#intake = context.streams.takeIn(this.#operation.hash, bytes, this)
  }

  /** Bytes that are still to come. */
  get missing(): number {
    return this.#intake.size - this.#received
  }

  /** Takes the span; what there is no room for is kept, and the connection waits. */
  write(bytes: Uint8Array, start: number, end: number): void {
    this.#received += end - start
    this.#put(bytes, start, end)
  }

  #put(bytes: Uint8Array, start: number, end: number): void {
    const at = start + this.#intake.write(bytes, start, end)
    if (at < end) this.#left = cloneBytes(bytes, at, end)
    this.#setWaits(at < end || this.#intake.isFull)
  }

  /** After the last byte: the token of the reply. */
  complete(token: number, endMs = 0): void {
    this.#token = token
    this.#endMs = endMs
  }

  room(): void {
    const left = this.#left
    this.#left = null
    if (left !== null) this.#put(left, 0, left.length)
    else this.#setWaits(this.#intake.isFull)
  }

  staged(value: StagedValue): void {
    const { keyValue, streams, now } = this.#context
    if (this.#endMs !== 0 && now() > this.#endMs) {
      streams.discard(value)
      return this.#fail(ERROR.TIMEOUT, null)
    }
    this.#operation.staged = value
    if (this.#endMs !== 0) this.#operation.deadlineMs = Math.max(1, this.#endMs - now())
    keyValue.submit(this.#operation, this.#token)
  }

  failed(error: StorageError): void {
    this.failure = error
    this.#left = null
    this.#setWaits(false)
    if (this.#token >= 0) this.#fail(errorOf(error), error.message)
  }

  #fail(error: ErrorNumber, message: string | null): void {
    this.#wire.answer(this.#token, new Answer().fail(error, message))
  }

  /** Without effect when all of it has come: then it is carried out. */
  abort(): void {
    if (this.#token >= 0) return
    this.#left = null
    this.#intake.abort()
    this.#setWaits(false)
  }

  #setWaits(waits: boolean): void {
    if (waits === this.#waits) return
    this.#waits = waits
    if (waits) this.#wire.wait()
    else this.#wire.goOn()
  }
}

/** All but the value, in memory of its own. */
export function copyRequest(from: Operation, to: Operation): void {
  const key = cloneBytes(from.key, from.keyStart, from.keyEnd)
  to.begin(from.kind, key, 0, key.length, from.durability)
  to.hash.high = from.hash.high
  to.hash.low = from.hash.low
  to.requestId.copy(from.requestId)
  to.attempt = from.attempt
  to.consistency = from.consistency
  to.deadlineMs = from.deadlineMs
  to.expectedVersion.copy(from.expectedVersion)
  to.ttlMs = from.ttlMs
}
