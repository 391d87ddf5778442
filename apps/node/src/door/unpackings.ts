/**
 * Compressed values that become large. A few kilobytes may ask for 100 MiB: made at once, they would stop
 * every other client for a tenth of a second and more, and all of them together would take any memory. So one
 * is unpacked at a time, a piece a turn of the event loop, into a file of the store; the others wait as they
 * came.
 *
 *   compressed, waiting ─ one at a time → piece, piece, … → staged file → the write that was asked for
 */
import { type Codec, CodecError, cloneBytes, valuePieces } from '@minivault/codec'
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
    this.#waiting.push({ operation: copy, wire, token, endMs })
    if (!this.#isAtWork) void this.#work()
  }

  async #work(): Promise<void> {
    this.#isAtWork = true
    for (let packed = this.#waiting.shift(); packed !== undefined; packed = this.#waiting.shift()) {
      const bytes = packed.operation.valueEnd
      await this.#unpack(packed)
      this.#options.held.give(bytes)
    }
    this.#isAtWork = false
  }

  async #unpack(packed: Packed): Promise<void> {
    const { keyValue, streams } = this.#options
    const { operation, wire, token } = packed
    let staged: StagedValue | null = null
    try {
      if (!wire.isClosed && !this.#isOverdue(packed)) staged = await this.#take(operation)
    } catch (error) {
      return this.#fail(packed, ...reasonOf(error))
    }
    if (this.#isOverdue(packed) || wire.isClosed) {
      if (staged !== null) streams.discard(staged)
      return this.#fail(packed, ERROR.TIMEOUT, null)
    }
    operation.staged = staged
    keyValue.submit(operation, token)
  }

  /** Puts the value into the operation, or into a file that is returned. Throws CodecError, StorageError. */
  async #take(operation: Operation): Promise<StagedValue | null> {
    const { value, valueType, codec } = operation
    const rawBytes = await this.#measure(value, codec)
    if (valueType !== VALUE_TYPE.json && rawBytes > BLOB_ABOVE_BYTES) {
      operation.setValue(value, 0, 0, valueType)
      return this.#stage(operation, codec, rawBytes)
    }
    const whole = await this.#join(value, codec, rawBytes)
    if (valueType === VALUE_TYPE.json && !isJsonText(whole, 0, whole.length)) throw new NotJson()
    operation.setValue(whole, 0, whole.length, valueType)
    return null
  }

  /** Nothing is kept of a value before it is known how large it is. */
  async #measure(value: Uint8Array, codec: Codec): Promise<number> {
    const pieces = valuePieces(codec, value, VALUE_BYTES_MAX)
    if (pieces.rawBytes >= 0) return pieces.rawBytes
    let bytes = 0
    for (let piece = pieces.next(); piece !== null; piece = pieces.next()) {
      bytes += piece.length
      await this.#options.sleep(0)
    }
    return bytes
  }

  async #join(value: Uint8Array, codec: Codec, rawBytes: number): Promise<Uint8Array> {
    const whole = Buffer.allocUnsafeSlow(rawBytes)
    const pieces = valuePieces(codec, value, VALUE_BYTES_MAX)
    let at = 0
    for (let piece = pieces.next(); piece !== null; piece = pieces.next()) {
      whole.set(piece, at)
      at += piece.length
      await this.#options.sleep(0)
    }
    return whole
  }

  async #stage(operation: Operation, codec: Codec, rawBytes: number): Promise<StagedValue> {
    const { streams, sleep } = this.#options
    const intake = new Intake()
    const target = streams.takeIn(operation.hash, rawBytes, intake)
    const pieces = valuePieces(codec, operation.value, VALUE_BYTES_MAX)
    try {
      for (let piece = pieces.next(); piece !== null; piece = pieces.next()) {
        for (let at = 0; at < piece.length; ) {
          at += target.write(piece, at, piece.length)
          if (target.isFull) await intake.waitForRoom()
        }
        await sleep(0)
      }
      return await intake.result
    } catch (error) {
      target.abort()
      throw error
    }
  }

  #isOverdue({ endMs }: Packed): boolean {
    return endMs !== 0 && this.#options.now() > endMs
  }

  #fail({ wire, token }: Packed, error: ErrorNumber, message: string | null): void {
    wire.answer(token, new Answer().fail(error, message))
  }
}

class NotJson extends Error {}

function reasonOf(error: unknown): [ErrorNumber, string | null] {
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
