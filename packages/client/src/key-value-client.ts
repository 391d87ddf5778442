/*
 * The calls that every client has, whatever carries them: connections of its own, `fetch` in a browser, or
 * memory in a test. It checks arguments and hands requests to a transport. Nothing is thrown but ClientError.
 */

import { decodeVersions, FRAME_FLAG, readI64 } from '@minivault/protocol'
import type { Address } from './address.ts'
import {
  applyLevels,
  applyWrite,
  checkSize,
  countOf,
  deltaOf,
  keyOf,
  positive,
  spanOf,
  typeOf,
  valueBytesOf,
} from './arguments.ts'
import { encodeOperations } from './batch.ts'
import { textOf } from './bytes.ts'
import { Calls, type Transport } from './calls.ts'
import { ClientError } from './client-error.ts'
import type { ClientEvent, ClientEvents, Listeners } from './client-events.ts'
import { QUEUE_REQUESTS_MAX_DEFAULT, STREAM_PIECE_BYTES, TIMEOUT_MS_DEFAULT } from './limits.ts'
import type {
  BatchOperation,
  BatchOptions,
  BatchResult,
  CallOptions,
  CallsDefaults,
  CreateOptions,
  DeleteOptions,
  Entry,
  Health,
  IncrementOptions,
  RangeOptions,
  ReadOptions,
  ScanOptions,
  SetOptions,
  SetResult,
  SetStreamOptions,
  TouchOptions,
  UpdateOptions,
} from './options.ts'
import { type ByteSource, Pieces } from './pieces.ts'
import { readMany } from './read-many.ts'
import { EMPTY, KIND, type Reply, type Request } from './request.ts'
import type { RequestClock } from './request-clock.ts'
import { Scan } from './scan.ts'
import type { Time } from './time.ts'
import { update } from './update.ts'
import { ValueStream } from './value-stream.ts'
import { JsonView, TextView } from './views.ts'

export interface ClientParts {
  /** where it leads, of several the first */
  address: Address
  transport: Transport
  clock: RequestClock
  listeners: Listeners
  time: Time
}

export abstract class KeyValueClient implements AsyncDisposable {
  /** of the hosts that the URL names, the first */
  readonly address: Address
  readonly #calls: Calls
  readonly #listeners: Listeners

  protected constructor(options: CallsDefaults, { address, transport, clock, listeners, time }: ClientParts) {
    this.address = address
    this.#listeners = listeners
    this.#calls = new Calls({
      transport,
      clock,
      time,
      timeoutMs: positive(options.timeoutMs ?? TIMEOUT_MS_DEFAULT, 'timeoutMs'),
      requestsMax: positive(options.queueRequestsMax ?? QUEUE_REQUESTS_MAX_DEFAULT, 'queueRequestsMax'),
    })
  }

  // --- reads

  /** The value, or undefined when there is none. A JSON value comes as its text. */
  async get(key: string | Uint8Array, options?: ReadOptions): Promise<Uint8Array | undefined> {
    return (await this.getEntry(key, options))?.value
  }

  /**
   * The values of these keys, in their order, undefined where there is none; each is a read of its own.
   * Throws what the first read that fails throws.
   */
  async getMany(
    keys: Iterable<string | Uint8Array>,
    options?: ReadOptions,
  ): Promise<(Uint8Array | undefined)[]> {
    return readMany(keys, (key) => this.get(key, options))
  }

  async getEntry(key: string | Uint8Array, options: ReadOptions = {}): Promise<Entry | undefined> {
    const reply = await this.#get(keyOf(key), options)
    if (!reply.exists) return undefined
    const { value, type, version, expiresAtMs } = reply
    return { value, type, version, expiresAtMs }
  }

  /** The value stays where it is; over the documented opcodes it is sent, and dropped. */
  async has(key: string | Uint8Array, options: ReadOptions = {}): Promise<boolean> {
    const reply = await this.#get(keyOf(key), options, (request) => {
      request.flags |= FRAME_FLAG.noValue
    })
    return reply.exists
  }

  /** The bytes `[start, end)` of a value, fewer where it ends before; undefined when there is none. */
  async getRange(key: string | Uint8Array, options: RangeOptions = {}): Promise<Uint8Array | undefined> {
    const { start, end } = spanOf(options)
    const reply = await this.#getRange(keyOf(key), start, end - start, options)
    return reply.exists ? reply.value : undefined
  }

  /**
   * A value, or the bytes `[start, end)` of it, piece by piece, never more than two of 1 MiB in memory;
   * undefined when there is none. `timeoutMs` is that of each piece. Reading on throws VERSION_MISMATCH
   * (retryable) when the value was written, touched or deleted since.
   */
  async getStream(key: string | Uint8Array, options: RangeOptions = {}): Promise<ValueStream | undefined> {
    const bytes = new Uint8Array(keyOf(key))
    const { start, end } = spanOf(options)
    const ask = async (from: number, count: number) => this.#getRange(bytes, from, count, options)
    const first = await ask(start, Math.min(STREAM_PIECE_BYTES, end - start))
    return first.exists ? new ValueStream(first, start, end, ask) : undefined
  }

  /**
   * The entries of a range of keys, in the order of their bytes; to be read by `for await`. Throws
   * CLIENT_BAD_ARGUMENT for a range that cannot be; what goes wrong later is thrown in the loop.
   */
  scan(options: ScanOptions = {}): Scan {
    return new Scan(this.#calls, options)
  }

  // --- writes

  /**
   * Bytes are stored raw; a string as its UTF-8. The value must not change until the call has settled. Throws
   * KEY_EXISTS and VERSION_MISMATCH, both with the `version` that is there, where a condition is not met.
   */
  async set(
    key: string | Uint8Array,
    value: string | Uint8Array,
    options: SetOptions = {},
  ): Promise<SetResult> {
    return this.#set(keyOf(key), valueBytesOf(value), false, options)
  }

  /** `set` with `ifAbsent`. */
  async create(
    key: string | Uint8Array,
    value: string | Uint8Array,
    options: CreateOptions = {},
  ): Promise<SetResult> {
    return this.set(key, value, { ...options, ifAbsent: true })
  }

  /**
   * Writes what `change` makes of the value (undefined: there is none), unless others have written meanwhile:
   * then it is asked again, `attemptsMax` times in all. Where it gives undefined nothing is written, and the
   * result is undefined. The value is written anew: without `ttlMs` it does not expire any more. Throws
   * VERSION_MISMATCH or KEY_EXISTS when others were faster each time.
   */
  async update(
    key: string | Uint8Array,
    change: (
      value: Uint8Array | undefined,
    ) => Promise<string | Uint8Array | undefined> | string | Uint8Array | undefined,
    options: UpdateOptions = {},
  ): Promise<SetResult | undefined> {
    const bytes = new Uint8Array(keyOf(key))
    return this.#update(bytes, false, options, async (current) => {
      const value = await change(current.exists ? current.value : undefined)
      return value === undefined ? undefined : valueBytesOf(value)
    })
  }

  /** Whether there was a value; always true over the documented opcodes, which do not tell. */
  async delete(key: string | Uint8Array, options: DeleteOptions = {}): Promise<boolean> {
    const reply = await this.#calls.ask(KIND.delete, keyOf(key), options, (request) =>
      applyWrite(request, options),
    )
    return reply.exists
  }

  /** Gives the value another expiry, without `ttlMs` none, and a new version; false when there is none. */
  async touch(key: string | Uint8Array, options: TouchOptions = {}): Promise<boolean> {
    const reply = await this.#calls.ask(KIND.touch, keyOf(key), options, (request) => {
      applyWrite(request, options)
      request.beyondOpcodes = 'touch'
    })
    return reply.exists
  }

  /**
   * Adds to a value that is a decimal number of 64 bits, an absent one being 0, and returns the sum. Throws
   * NOT_A_NUMBER where it is none or the sum would not be; nothing is changed then.
   */
  async increment(
    key: string | Uint8Array,
    by: bigint | number = 1n,
    options: IncrementOptions = {},
  ): Promise<bigint> {
    const value = deltaOf(by)
    const reply = await this.#calls.ask(KIND.increment, keyOf(key), options, (request) => {
      applyWrite(request, options)
      request.beyondOpcodes = 'increment'
      request.value = value
    })
    if (reply.value.length === 8) return readI64(reply.value, 0)
    throw new ClientError('CLIENT_PROTOCOL', 'the server answered with something else than a sum')
  }

  /**
   * All of it or nothing, also through a crash, in the order given; at most 4 MiB and 10,000 operations. The
   * result has a version for each.
   */
  async batch(operations: readonly BatchOperation[], options: BatchOptions = {}): Promise<BatchResult> {
    const value = encodeOperations(operations)
    const reply = await this.#calls.ask(KIND.batch, EMPTY, options, (request) => {
      applyLevels(request, options)
      request.beyondOpcodes = 'batch'
      request.value = value
    })
    const versions = decodeVersions(reply.value, 0, reply.value.length, operations.length)
    if (versions !== null) return { versions }
    throw new ClientError('CLIENT_PROTOCOL', 'the server answered with something else than versions')
  }

  /**
   * `set` with a value that comes piece by piece. Above 4 MiB its `size` must be given; then only what the
   * socket has not taken is in memory, the value travels on a connection of its own, and is sent once: when
   * that breaks the call is rejected, in doubt only if all had been sent. `timeoutMs` is how long nothing may
   * move, neither source nor server. Throws CLIENT_SOURCE where the source fails, or gives not `size` bytes.
   */
  async setStream(
    key: string | Uint8Array,
    source: ByteSource,
    options: SetStreamOptions = {},
  ): Promise<SetResult> {
    const { size, type, ...setOptions } = options
    if (size !== undefined) checkSize(countOf(size, 'size'))
    const timeoutMs = this.#calls.timeoutMsOf(options)
    this.#calls.check(options)
    const bytes = new Uint8Array(keyOf(key))
    const pieces = new Pieces(source)
    try {
      const reply = await this.#calls.ask(KIND.set, bytes, options, (request) => {
        applyWrite(request, setOptions)
        request.beyondOpcodes = 'setStream'
        if (typeOf(type) === 'json') request.flags |= FRAME_FLAG.json
        request.pieces = { pieces, size, timeoutMs }
      })
      return { version: reply.version }
    } finally {
      // Whatever ended the call; whoever still waits for a piece goes on to see that it is settled.
      pieces.stop()
    }
  }

  // --- the rest

  async health(options: CallOptions = {}): Promise<Health> {
    const reply = await this.#calls.ask(KIND.health, EMPTY, options)
    try {
      return JSON.parse(textOf(reply.value)) as Health
    } catch (cause) {
      throw new ClientError('CLIENT_PROTOCOL', 'the health document is not JSON', { cause })
    }
  }

  /** The same keys, with values as JSON. */
  json<T = unknown>(): JsonView<T> {
    return new JsonView<T>({
      get: (key, options) => this.#get(keyOf(key), options),
      set: (key, value, options) => this.#set(keyOf(key), value, true, options),
      update: (key, options, change) => this.#update(new Uint8Array(keyOf(key)), true, options, change),
    })
  }

  /** The same keys, with values as UTF-8 text. */
  text(): TextView {
    return new TextView(this)
  }

  /**
   * Calls `listener` at each such event from now on; returns what takes it off again. Nobody has to listen:
   * what becomes of a call its promise says, and there is no `error` to miss.
   */
  on<E extends ClientEvent>(name: E, listener: (event: ClientEvents[E]) => void): () => void {
    return this.#listeners.on(name, listener)
  }

  /** Waits for what is under way, then ends the connections; later calls are refused with CLIENT_CLOSED. */
  close(): Promise<void> {
    return this.#calls.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #get(key: Uint8Array, options: ReadOptions, fill?: (request: Request) => void): Promise<Reply> {
    return this.#calls.ask(KIND.get, key, options, (request) => {
      applyLevels(request, options)
      fill?.(request)
    })
  }

  /** No bytes wanted: only whether there is a value, and what is known of it. */
  async #getRange(key: Uint8Array, start: number, bytes: number, options: ReadOptions): Promise<Reply> {
    return this.#get(key, options, (request) => {
      request.beyondOpcodes = 'a range'
      request.flags |= bytes > 0 ? FRAME_FLAG.range : FRAME_FLAG.noValue
      if (bytes === 0) return
      request.rangeStart = start
      request.rangeBytes = bytes
    })
  }

  async #set(key: Uint8Array, value: Uint8Array, isJson: boolean, options: SetOptions): Promise<SetResult> {
    checkSize(value.length)
    const reply = await this.#calls.ask(KIND.set, key, options, (request) => {
      applyWrite(request, options)
      if (isJson) request.flags |= FRAME_FLAG.json
      request.value = value
    })
    return { version: reply.version }
  }

  async #update(
    key: Uint8Array,
    isJson: boolean,
    options: UpdateOptions,
    change: (current: Reply) => Promise<Uint8Array | undefined>,
  ): Promise<SetResult | undefined> {
    const calls = this.#calls
    const get = (readOptions: ReadOptions) =>
      this.#get(key, readOptions, (request) => {
        request.beyondOpcodes = 'update'
      })
    const set = (value: Uint8Array, setOptions: SetOptions) => this.#set(key, value, isJson, setOptions)
    return update({ calls, get, change, set }, options)
  }
}
