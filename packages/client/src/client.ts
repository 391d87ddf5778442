/*
 * The application client. It checks arguments, stamps request ids, keeps the deadline of every call and hands
 * requests to one of two transports: the binary pool or HTTP. Nothing is thrown but ClientError, and nothing
 * is emitted: there is no 'error' event to listen to.
 */

import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from '@minivault/protocol'
import { type Address, parseAddress } from './address.ts'
import { ClientError } from './client-error.ts'
import type { ProtocolChoice } from './handshake.ts'
import { HttpTransport } from './http-transport.ts'
import {
  CONNECT_TIMEOUT_MS_DEFAULT,
  CONNECTIONS_DEFAULT,
  HELLO_TIMEOUT_MS_DEFAULT,
  QUEUE_REQUESTS_MAX_DEFAULT,
  RETRIES_MAX_DEFAULT,
  SWEEP_MS,
  TIMEOUT_MS_DEFAULT,
} from './limits.ts'
import { environmentUrl, nodeTime, type Time } from './node-time.ts'
import { Pool } from './pool.ts'
import { EMPTY, KIND, type Kind, type Reply, Request } from './request.ts'
import { RequestClock } from './request-clock.ts'
import { JsonView, TextView } from './views.ts'

export interface ClientOptions {
  /** `minivault://:token@host:port` or `http(s)://…`; else MINIVAULT_URL, else minivault://127.0.0.1:3000 */
  url?: string
  /** instead of the URL's */
  token?: string
  connections?: number
  /** of each call, where the call does not say otherwise */
  timeoutMs?: number
  connectTimeoutMs?: number
  helloTimeoutMs?: number
  retriesMax?: number
  queueRequestsMax?: number
  /**
   * `auto` speaks frames where HELLO is answered, else the documented opcodes, which show the token in the
   * clear
   */
  protocol?: ProtocolChoice
  time?: Time
}

export interface CallOptions {
  timeoutMs?: number
  signal?: AbortSignal
}

export interface SetOptions extends CallOptions {
  /** KEY_EXISTS when there is a value */
  ifAbsent?: boolean
  durability?: 'memory' | 'os' | 'fsync'
}

export interface SetResult {
  /** 24 hex digits; undefined over HTTP and the documented opcodes, which do not tell */
  version: string | undefined
}

export interface Entry {
  value: Uint8Array
  version: string | undefined
  type: 'raw' | 'json'
}

export type Health = Record<string, unknown>

const DURABILITIES = { memory: 0, os: 1, fsync: 2 } as const
const encoder = new TextEncoder()

export class Client implements AsyncDisposable {
  readonly address: Address
  readonly #transport: Pool | HttpTransport
  readonly #clock: RequestClock
  readonly #time: Time
  readonly #timeoutMs: number
  readonly #requestsMax: number
  readonly #pending = new Set<Request>()
  #sweepTimer: unknown = null
  #onIdle: (() => void)[] = []
  #closing: Promise<void> | null = null

  private constructor(options: ClientOptions) {
    const address = parseAddress(options.url ?? environmentUrl() ?? 'minivault://127.0.0.1:3000')
    if (options.token !== undefined) address.token = options.token
    this.address = address
    this.#time = options.time ?? nodeTime
    this.#clock = new RequestClock(this.#time)
    this.#timeoutMs = positive(options.timeoutMs ?? TIMEOUT_MS_DEFAULT, 'timeoutMs')
    this.#requestsMax = positive(options.queueRequestsMax ?? QUEUE_REQUESTS_MAX_DEFAULT, 'queueRequestsMax')
    const connections = positive(options.connections ?? CONNECTIONS_DEFAULT, 'connections')
    if (address.scheme !== 'minivault') {
      this.#transport = new HttpTransport(address, connections)
      return
    }
    this.#transport = new Pool({
      address,
      connections,
      protocol: options.protocol ?? 'auto',
      connectTimeoutMs: positive(options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS_DEFAULT, 'connectTimeoutMs'),
      helloTimeoutMs: positive(options.helloTimeoutMs ?? HELLO_TIMEOUT_MS_DEFAULT, 'helloTimeoutMs'),
      retriesMax: options.retriesMax ?? RETRIES_MAX_DEFAULT,
      clock: this.#clock,
      time: this.#time,
    })
  }

  /** Connects with the first call, not here: a node that is away now may be back by then. */
  static open(options: string | ClientOptions = {}): Client {
    return new Client(typeof options === 'string' ? { url: options } : options)
  }

  /** The value, or undefined when there is none. A JSON value comes as its text. */
  async get(key: string | Uint8Array, options?: CallOptions): Promise<Uint8Array | undefined> {
    return (await this.getEntry(key, options))?.value
  }

  async getEntry(key: string | Uint8Array, options: CallOptions = {}): Promise<Entry | undefined> {
    const reply = await this.#call(KIND.get, keyOf(key), options)
    if (!reply.exists) return undefined
    const { type, version } = reply
    return { value: this.#isHttp ? unquoted(reply) : reply.value, type, version }
  }

  /** Bytes are stored raw; a string as its UTF-8. The value must not change until the call has settled. */
  async set(
    key: string | Uint8Array,
    value: string | Uint8Array,
    options: SetOptions = {},
  ): Promise<SetResult> {
    return this.#set(key, typeof value === 'string' ? encoder.encode(value) : value, false, options)
  }

  /** Whether there was a value; always true over HTTP and the documented opcodes, which do not tell. */
  async delete(key: string | Uint8Array, options: CallOptions = {}): Promise<boolean> {
    return (await this.#call(KIND.delete, keyOf(key), options)).exists
  }

  async has(key: string | Uint8Array, options: CallOptions = {}): Promise<boolean> {
    return (await this.#call(KIND.get, keyOf(key), options)).exists
  }

  async health(options: CallOptions = {}): Promise<Health> {
    const reply = await this.#call(KIND.health, EMPTY, options)
    try {
      return JSON.parse(Buffer.from(reply.value).toString()) as Health
    } catch (cause) {
      throw new ClientError('CLIENT_PROTOCOL', 'the health document is not JSON', { cause })
    }
  }

  /** The same keys, with values as JSON. */
  json<T = unknown>(): JsonView<T> {
    return new JsonView<T>({
      get: (key, options) => this.#call(KIND.get, keyOf(key), options),
      set: (key, value, options) => this.#set(key, value, true, options),
    })
  }

  /** The same keys, with values as UTF-8 text. */
  text(): TextView {
    return new TextView(this)
  }

  /** Waits for what is under way, then ends the connections; later calls are refused with CLIENT_CLOSED. */
  close(): Promise<void> {
    this.#closing ??= this.#drain().then(() => this.#transport.close())
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #isHttp(): boolean {
    return this.#transport instanceof HttpTransport
  }

  #drain(): Promise<void> {
    if (this.#pending.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onIdle.push(resolve))
  }

  async #set(
    key: string | Uint8Array,
    value: Uint8Array,
    isJson: boolean,
    options: SetOptions,
  ): Promise<SetResult> {
    if (value.length > VALUE_BYTES_MAX) {
      throw new ClientError('VALUE_TOO_LARGE', `a value has at most ${VALUE_BYTES_MAX} bytes`)
    }
    const reply = await this.#call(KIND.set, keyOf(key), options, (request) => {
      request.value = value
      request.isJson = isJson
      request.ifAbsent = options.ifAbsent ?? false
      if (options.durability !== undefined) request.durability = DURABILITIES[options.durability]
    })
    return { version: reply.version }
  }

  #call(
    kind: Kind,
    key: Uint8Array,
    options: CallOptions,
    fill?: (request: Request) => void,
  ): Promise<Reply> {
    const { signal } = options
    if (this.#closing !== null) throw new ClientError('CLIENT_CLOSED', 'the client was closed')
    if (signal?.aborted) throw aborted(signal, false)
    if (this.#pending.size >= this.#requestsMax) {
      throw new ClientError('CLIENT_QUEUE_FULL', `${this.#requestsMax} calls are waiting`, {
        retryable: true,
      })
    }
    const deadline = this.#time.now() + positive(options.timeoutMs ?? this.#timeoutMs, 'timeoutMs')
    return new Promise((resolve, reject) => {
      const request = new Request(kind, key, deadline, resolve, reject)
      fill?.(request)
      if (request.isWrite) this.#clock.next(request.id)
      const onAbort = () => {
        request.reject(aborted(signal!, request.isWrite && request.sent > 0))
        this.#transport.abandon(request, false)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      request.onSettled = () => {
        signal?.removeEventListener('abort', onAbort)
        this.#pending.delete(request)
        if (this.#pending.size === 0) for (const wake of this.#onIdle.splice(0)) wake()
      }
      this.#pending.add(request)
      this.#planSweep()
      this.#transport.submit(request)
    })
  }

  #planSweep(): void {
    if (this.#sweepTimer !== null || this.#pending.size === 0) return
    this.#sweepTimer = this.#time.after(SWEEP_MS, () => {
      this.#sweepTimer = null
      const now = this.#time.now()
      for (const request of this.#pending) {
        if (request.deadline > now) continue
        const inDoubt = request.isWrite && request.sent > 0
        const said = request.sent === 0 ? 'no connection in time' : 'no answer in time'
        request.reject(new ClientError('CLIENT_TIMEOUT', said, { retryable: true, inDoubt }))
        this.#transport.abandon(request, true)
      }
      this.#planSweep()
    })
  }
}

function keyOf(key: string | Uint8Array): Uint8Array {
  const bytes = typeof key === 'string' ? encoder.encode(key) : key
  if (bytes.length === 0) throw new ClientError('KEY_MISSING', 'a key has at least one byte')
  if (bytes.length > KEY_BYTES_MAX) {
    throw new ClientError('KEY_LENGTH', `a key has at most ${KEY_BYTES_MAX} bytes`)
  }
  return bytes
}

function positive(value: number, name: string): number {
  if (Number.isFinite(value) && value > 0) return value
  throw new ClientError('CLIENT_BAD_ARGUMENT', `${name} must be a number above 0`)
}

function aborted(signal: AbortSignal, inDoubt: boolean): ClientError {
  return new ClientError('CLIENT_ABORTED', 'the call was aborted', { cause: signal.reason, inDoubt })
}

/** Over HTTP bytes travel as JSON strings: back to what was set. */
function unquoted(reply: Reply): Uint8Array {
  if (reply.type === 'raw' || reply.value[0] !== 0x22) return reply.value
  return encoder.encode(JSON.parse(Buffer.from(reply.value).toString()) as string)
}
