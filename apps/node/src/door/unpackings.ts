/**
 * Compressed values that become large. A few kilobytes may ask for 100 MiB: made at once, they would stop
 * every other client for a tenth of a second and more, and all of them together would take any memory. So one
 * is unpacked at a time, a piece a turn of the event loop, into a file of the store; the others wait as they
 * came. The shortest comes first, so that large ones cannot keep it waiting; a client that has gone is not
 * worked for.
 *
 *   compressed, waiting ─ one at a time → piece, piece, … → staged file → the write that was asked for
 */
import { CodecError, cloneBytes, rawBytesBound, valuePieces } from '@minivault/codec'
import { ERROR, type ErrorNumber, isJsonText, VALUE_BYTES_MAX } from '@minivault/protocol'
import {
  BLOB_ABOVE_BYTES,
  type IntakeListener,
  type StagedValue,
  type StorageError,
  type StreamDoor,
  VALUE_TYPE,
} from '@minivault/storage'
import { Answer, type KeyValue, Operation } from '../key-value.ts'
import { errorOf } from '../local/storage-errors.ts'
import type { HeldBytes } from './held-bytes.ts'
import { copyRequest } from './incoming-value.ts'
import type { Wire } from './session.ts'

export interface UnpackingsOptions {
  keyValue: KeyValue
  streams: StreamDoor
  held: HeldBytes
  /** Lets others have their turn. */
  sleep: (ms: number) => Promise<void>
  now: () => number
}

interface Packed {
  operation: Operation
  wire: Wire
  token: number
  /** Milliseconds of the wall clock after which it is not begun any more; 0: none. */
  endMs: number
  /** It cannot become larger than that. */
  rawBytesMax: number
}

export class Unpackings {
  readonly #options: UnpackingsOptions
  readonly #waiting: Packed[] = []
  #isAtWork = false

  constructor(options: UnpackingsOptions) {
    this.#options = options
  }

  /** Whether there is room for one more; then `add` it. */
  hasRoom(operation: Operation): boolean {
    return this.#options.held.take(operation.valueEnd - operation.valueStart)
  }

  /** Carries out, under the token, what the operation asks for with its packed value. Copies it. */
  add(operation: Operation, wire: Wire, token: number, endMs = 0): void {
    const copy = new Operation()
    copyRequest(operation, copy)
    const bytes = cloneBytes(operation.value, operation.valueStart, operation.valueEnd)
    copy.setValue(bytes, 0, bytes.length, operation.valueType)
    copy.codec = operation.codec
    const rawBytesMax = rawBytesBound(copy.codec, bytes)
    this.#waiting.push({ operation: copy, wire, token, endMs, rawBytesMax })
    if (!this.#isAtWork) void this.#work()
  }

  async #work(): Promise<void> {
    this.#isAtWork = true
    for (let packed = this.#shortest(); packed !== null; packed = this.#shortest()) {
      const bytes = packed.operation.valueEnd
      await this.#unpack(packed)
      this.#options.held.give(bytes)
    }
    this.#isAtWork = false
  }

  #shortest(): Packed | null {
    let shortest = 0
    for (const [index, { rawBytesMax }] of this.#waiting.entries()) {
      if (rawBytesMax < this.#waiting[shortest]!.rawBytesMax) shortest = index
    }
    return this.#waiting.splice(shortest, 1)[0] ?? null
  }

  async #unpack(packed: Packed): Promise<void> {
    const { operation, token, endMs } = packed
    let staged: StagedValue | null
    try {
      staged = await this.#take(packed)
      if (staged !== null && !this.#isWanted(packed)) {
        this.#options.streams.discard(staged)
        throw new Unwanted()
      }
    } catch (error) {
      return packed.wire.answer(token, new Answer().fail(...reasonOf(error)))
    }
    operation.staged = staged
    if (endMs !== 0) operation.deadlineMs = Math.max(1, endMs - this.#options.now())
    this.#options.keyValue.submit(operation, token)
  }

  /** Puts the value into the operation, or into a file that is returned. */
  async #take(packed: Packed): Promise<StagedValue | null> {
    const { operation } = packed
    const { valueType } = operation
    const rawBytes = await this.#measure(packed)
    const isJson = valueType === VALUE_TYPE.json
    if (!isJson && rawBytes > BLOB_ABOVE_BYTES) return this.#stage(packed, rawBytes)
    const whole = Buffer.allocUnsafeSlow(rawBytes)
    let at = 0
    for await (const piece of this.#pieces(packed)) {
      whole.set(piece, at)
      at += piece.length
    }
    if (isJson && !isJsonText(whole, 0, rawBytes)) throw new NotJson()
    operation.setValue(whole, 0, rawBytes, valueType)
    return null
  }

  /** Nothing is kept of a value before it is known how large it is. */
  async #measure(packed: Packed): Promise<number> {
    const { value, codec } = packed.operation
    const { rawBytes } = valuePieces(codec, value, VALUE_BYTES_MAX)
    if (rawBytes >= 0) return rawBytes
    let bytes = 0
    for await (const piece of this.#pieces(packed)) bytes += piece.length
    return bytes
  }

  async #stage(packed: Packed, rawBytes: number): Promise<StagedValue> {
    const { operation } = packed
    const intake = new Intake()
    const target = this.#options.streams.takeIn(operation.hash, rawBytes, intake)
    try {
      for await (const piece of this.#pieces(packed)) {
        for (let at = 0; at < piece.length; ) {
          at += target.write(piece, at, piece.length)
          if (target.isFull) await intake.waitForRoom()
        }
      }
      const staged = await intake.result
      operation.setValue(operation.value, 0, 0, operation.valueType)
      return staged
    } catch (error) {
      target.abort()
      throw error
    }
  }

  /** Each in a turn of its own. Throws CodecError; `Unwanted` where it is not to go on. */
  async *#pieces(packed: Packed): AsyncGenerator<Uint8Array> {
    const { value, codec } = packed.operation
    const pieces = valuePieces(codec, value, VALUE_BYTES_MAX)
    for (let piece = pieces.next(); piece !== null; piece = pieces.next()) {
      yield piece
      await this.#options.sleep(0)
      if (!this.#isWanted(packed)) throw new Unwanted()
    }
  }

  #isWanted({ wire, endMs }: Packed): boolean {
    return !wire.isClosed && (endMs === 0 || this.#options.now() <= endMs)
  }
}

/** Its client has gone, or its deadline has passed. */
class Unwanted extends Error {}

class NotJson extends Error {}

function reasonOf(error: unknown): [ErrorNumber, string | null] {
  if (error instanceof Unwanted) return [ERROR.TIMEOUT, null]
  if (error instanceof NotJson) return [ERROR.BAD_JSON, null]
  if (error instanceof CodecError) return [ERROR.BAD_COMPRESSION, error.message]
  return [errorOf(error), (error as Error).message]
}

/** What becomes of a value on its way into a file, to be awaited. */
class Intake implements IntakeListener {
  readonly result: Promise<StagedValue>
  #resolve!: (value: StagedValue) => void
  #reject!: (error: StorageError) => void
  #roomCame: (() => void) | null = null
  #failure: StorageError | null = null

  constructor() {
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // It may fail while pieces are still being made; whoever awaits room is told then.
    this.result.catch(() => {})
  }

  async waitForRoom(): Promise<void> {
    if (this.#failure === null) await new Promise<void>((resolve) => (this.#roomCame = resolve))
    if (this.#failure !== null) throw this.#failure
  }

  room(): void {
    this.#roomCame?.()
    this.#roomCame = null
  }

  staged(value: StagedValue): void {
    this.#resolve(value)
  }

  failed(error: StorageError): void {
    this.#failure = error
    this.#reject(error)
    this.room()
  }
}
