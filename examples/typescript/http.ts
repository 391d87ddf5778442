/**
 * A minivault client over HTTP. One file, Node's own modules only: copy it into your project.
 *
 *     const vault = new MiniVault('http://localhost:8080', 'optional-auth-key')
 *     await vault.set('user:123', { name: 'alice', age: 30 })
 *     const user = await vault.get('user:123') // what was set, or undefined
 *
 * Calls may be made at once from anywhere: each takes one connection of a bounded pool, or waits for one. The
 * authentication key goes with each request. Everything that fails rejects with a MiniVaultError.
 */
import * as http from 'node:http'
import * as https from 'node:https'

const KEY_BYTES_MAX = 65_535
const VALUE_BYTES_MAX = 100 * 1024 * 1024
const JSON_TYPE = 'application/json'
const BYTES_TYPE = 'application/octet-stream'

export interface HttpOptions {
  /** Connections at most; 8. */
  connections?: number
  /** Calls that may wait for a connection; more are refused with POOL_FULL. 1,024. */
  waiting?: number
  /** Milliseconds for a connection to be made; 5,000. */
  connectTimeoutMs?: number
  /** Milliseconds for a whole call: waiting, connecting, sending, receiving. 30,000. */
  timeoutMs?: number
}

/** What a node says about itself; more fields than these. Sizes in MiB. */
export interface Health {
  status: string
  uptime_seconds: number
  cache_items: number
  cache_size_mb: number
  storage_size_mb: number
  memory_mb: number
  [field: string]: unknown
}

/**
 * `code` is the node's own (UNAUTHORIZED, RATE_LIMITED, DISK_FULL …), or one of these:
 *
 * - KEY_LENGTH, VALUE_TOO_LARGE, POOL_FULL, CLOSED: nothing was sent
 * - TIMEOUT, CONNECTION, PROTOCOL: no answer, or none that can be read; a write may or may not have been done
 */
export class MiniVaultError extends Error {
  readonly code: string
  /** The HTTP status; 0 where there was no answer. */
  readonly status: number

  constructor(code: string, message: string, status = 0, cause?: Error) {
    super(message, { cause })
    this.name = 'MiniVaultError'
    this.code = code
    this.status = status
  }
}

interface Reply {
  readonly status: number
  readonly body: Buffer
}

export class MiniVault {
  readonly #base: URL
  readonly #headers: Record<string, string>
  readonly #connectTimeoutMs: number
  readonly #timeoutMs: number
  readonly #turns: Turns
  readonly #agent: http.Agent
  #closed = false

  /** @param url where the node is, such as `http://localhost:8080`; a path in it goes before each key */
  constructor(url: string, authKey = '', options: HttpOptions = {}) {
    const connections = options.connections ?? 8
    this.#base = new URL(url)
    this.#headers = authKey === '' ? {} : { Authorization: `Bearer ${authKey}` }
    this.#connectTimeoutMs = options.connectTimeoutMs ?? 5_000
    this.#timeoutMs = options.timeoutMs ?? 30_000
    this.#turns = new Turns(connections, options.waiting ?? 1024)
    const { Agent } = this.#base.protocol === 'https:' ? https : http
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections })
  }

  /**
   * @param key 1 to 65,535 bytes; text counts as UTF-8, here and everywhere
   * @param value anything JSON can say
   */
  async set(key: string | Uint8Array, value: unknown): Promise<void> {
    await this.setJsonText(key, JSON.stringify(value))
  }

  /**
   * The value, or undefined where there is none. What was stored as bytes comes as the JSON it is, else as a
   * string if it is UTF-8, else as a Buffer.
   */
  async get<T = unknown>(key: string | Uint8Array): Promise<T | undefined> {
    const body = await this.#read(key, JSON_TYPE)
    if (body === undefined) return undefined
    const { data, encoding } = parse(body) as { data: unknown; encoding?: string }
    return (encoding === 'base64' ? Buffer.from(data as string, 'base64') : data) as T
  }

  /** Also succeeds where nothing was there. */
  async delete(key: string | Uint8Array): Promise<void> {
    accepted(await this.#call('DELETE', keyPath(key)))
  }

  /** Stores a JSON text as it is: numbers beyond 2^53 keep their digits. */
  async setJsonText(key: string | Uint8Array, text: string): Promise<void> {
    await this.#write(key, JSON_TYPE, Buffer.from(`{"value":${text}}`), Buffer.byteLength(text))
  }

  async getJsonText(key: string | Uint8Array): Promise<string | undefined> {
    return (await this.getBytes(key))?.toString()
  }

  /** Stores bytes as they are. */
  async setBytes(key: string | Uint8Array, value: Uint8Array): Promise<void> {
    await this.#write(key, BYTES_TYPE, value, value.length)
  }

  /** The value as bytes; of what was set as JSON, its text. */
  async getBytes(key: string | Uint8Array): Promise<Buffer | undefined> {
    return this.#read(key, BYTES_TYPE)
  }

  /** Needs no authentication key. */
  async health(): Promise<Health> {
    return parse(accepted(await this.#call('GET', '/health'))) as Health
  }

  /** Calls under way are finished, later ones fail. Not needed for the process to end. */
  close(): void {
    this.#closed = true
    for (const sockets of Object.values(this.#agent.freeSockets)) {
      for (const socket of sockets ?? []) socket.destroy()
    }
  }

  async #read(key: string | Uint8Array, type: string): Promise<Buffer | undefined> {
    const reply = await this.#call('GET', keyPath(key), { Accept: type })
    return reply.status === 404 ? undefined : accepted(reply)
  }

  async #write(key: string | Uint8Array, type: string, body: Uint8Array, valueBytes: number): Promise<void> {
    if (valueBytes > VALUE_BYTES_MAX) {
      throw new MiniVaultError('VALUE_TOO_LARGE', `a value has at most ${VALUE_BYTES_MAX} bytes`)
    }
    accepted(await this.#call('PUT', keyPath(key), { 'Content-Type': type }, body))
  }

  async #call(method: string, path: string, headers = {}, body?: Uint8Array): Promise<Reply> {
    const deadline = performance.now() + this.#timeoutMs
    await this.#turns.take(deadline)
    try {
      if (this.#closed) throw new MiniVaultError('CLOSED', 'the client is closed')
      const length = body === undefined ? {} : { 'Content-Length': body.length }
      const all = { ...this.#headers, ...headers, ...length }
      return await this.#exchange(method, path, all, body, deadline)
    } finally {
      this.#turns.give()
    }
  }

  #exchange(
    method: string,
    path: string,
    headers: http.OutgoingHttpHeaders,
    body: Uint8Array | undefined,
    deadline: number,
  ): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const { request: begin } = this.#base.protocol === 'https:' ? https : http
      const prefix = this.#base.pathname.replace(/\/$/, '')
      const request = begin(this.#base, { agent: this.#agent, method, path: prefix + path, headers })
      let answered = false
      const late = () => {
        answered = true
        reject(new MiniVaultError('TIMEOUT', 'there was no answer in time'))
        request.destroy()
      }
      const timer = setTimeout(late, deadline - performance.now())
      const fail = (cause: Error) => {
        clearTimeout(timer)
        // A kept connection may have ended while it rested. Only what changes nothing is sent again: a
        // repeated write could undo what somebody else wrote in between.
        if (method === 'GET' && request.reusedSocket && !answered) {
          return resolve(this.#exchange(method, path, headers, body, deadline))
        }
        reject(new MiniVaultError('CONNECTION', `the connection was lost: ${cause.message}`, 0, cause))
      }
      request.once('socket', (socket) => {
        if (!socket.connecting) return
        const connecting = setTimeout(late, this.#connectTimeoutMs)
        socket.once('connect', () => clearTimeout(connecting)).once('close', () => clearTimeout(connecting))
      })
      request.on('error', (cause) => answered || fail(cause)) // the node may answer before it has read all
      request.once('response', (response) => {
        answered = true
        const pieces: Buffer[] = []
        response.on('data', (piece: Buffer) => pieces.push(piece))
        response.once('error', fail)
        response.once('end', () => {
          clearTimeout(timer)
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces) })
        })
      })
      request.end(body)
    })
  }
}

/** So many calls at once; others wait in line, up to a number and each until its deadline. */
class Turns {
  readonly #waiting = new Set<() => void>()
  readonly #waitingMax: number
  #free: number

  constructor(count: number, waitingMax: number) {
    this.#free = count
    this.#waitingMax = waitingMax
  }

  async take(deadline: number): Promise<void> {
    if (this.#free > 0) return void this.#free--
    if (this.#waiting.size >= this.#waitingMax) {
      throw new MiniVaultError('POOL_FULL', 'too many calls wait for a connection')
    }
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(begin)
        reject(new MiniVaultError('TIMEOUT', 'no connection became free in time'))
      }, deadline - performance.now())
      const begin = () => {
        this.#waiting.delete(begin)
        clearTimeout(timer)
        resolve()
      }
      this.#waiting.add(begin)
    })
  }

  give(): void {
    const [begin] = this.#waiting
    if (begin === undefined) this.#free++
    else begin()
  }
}

/** Every byte that is not a letter, a digit or one of `-_.~` is percent-encoded, so any key fits a path. */
function keyPath(key: string | Uint8Array): string {
  const bytes = typeof key === 'string' ? Buffer.from(key) : Buffer.from(key)
  if (bytes.length < 1 || bytes.length > KEY_BYTES_MAX) {
    throw new MiniVaultError('KEY_LENGTH', `a key has 1 to ${KEY_BYTES_MAX} bytes`)
  }
  const encoded = bytes
    .toString('latin1')
    .replace(/[^\w.~-]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return encoded === 'health' ? '/%68ealth' : `/${encoded}` // /health is the node's own
}

function accepted(reply: Reply): Buffer {
  if (reply.status >= 200 && reply.status < 300) return reply.body
  const { code, error } = parse(reply.body) as { code?: string; error?: string }
  throw new MiniVaultError(code ?? 'PROTOCOL', error ?? `status ${reply.status}`, reply.status)
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch (cause) {
    throw new MiniVaultError('PROTOCOL', 'the answer is not JSON', 0, cause as Error)
  }
}
