/**
 * A minivault client over the binary protocol. One file, Node's own modules only: copy it into your project.
 *
 *     const vault = new MiniVaultBinary('localhost:3000', 'optional-auth-key')
 *     await vault.set('user:123', 'any bytes')
 *     const value = await vault.get('user:123') // Buffer, or undefined
 *
 * Calls may be made at once from anywhere: each takes one connection of a bounded pool, or waits for one. A
 * new connection authenticates itself first. Everything that fails rejects with a MiniVaultBinaryError.
 *
 * The protocol has one error reply and no reason in it. So `undefined` from `get` means absent, or that the
 * node refused to read: no key where it asks for one, rate limit. Where the difference matters, use HTTP.
 */
import { Socket } from 'node:net'

const KEY_BYTES_MAX = 65_535
const VALUE_BYTES_MAX = 100 * 1024 * 1024

const OPCODE = { get: 0x01, set: 0x02, delete: 0x03, health: 0x05, auth: 0x06 } as const
const SUCCESS = 0x00
const REPLY_HEADER_BYTES = 5 // status u8, length u32

export interface BinaryOptions {
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

/** Every error code and what it means. With the first four, nothing was sent. */
const ERRORS = {
  KEY_LENGTH: `a key has 1 to ${KEY_BYTES_MAX} bytes`,
  VALUE_TOO_LARGE: `a value has at most ${VALUE_BYTES_MAX} bytes`,
  POOL_FULL: 'too many calls wait for a connection',
  CLOSED: 'the client is closed',
  UNAUTHORIZED: 'the node does not know this authentication key',
  REFUSED: 'the node refused without a reason: no key where it needs one, rate limit, full disk',
  // No answer, or none that can be read: a write may or may not have been done.
  TIMEOUT: 'there was no answer in time',
  CONNECTION: 'the connection could not be made, or was lost',
  PROTOCOL: 'the answer is none of this protocol',
} as const

export class MiniVaultBinaryError extends Error {
  readonly code: keyof typeof ERRORS

  constructor(code: keyof typeof ERRORS, cause?: Error) {
    super(ERRORS[code] + (cause === undefined ? '' : `: ${cause.message}`), { cause })
    this.name = 'MiniVaultBinaryError'
    this.code = code
  }
}

export class MiniVaultBinary {
  readonly #target: { host: string; port: number }
  readonly #auth: Buffer[]
  readonly #connectTimeoutMs: number
  readonly #timeoutMs: number
  readonly #turns: Turns
  readonly #idle = new Set<Connection>()
  #closed = false

  /** @param address `host:port`; an IPv6 host in brackets */
  constructor(address: string, authKey = '', options: BinaryOptions = {}) {
    const parts = /^\[?([^\]]+)\]?:(\d+)$/.exec(address)
    if (parts === null) throw new TypeError(`the address must be host:port, not ${address}`)
    this.#target = { host: parts[1] as string, port: Number(parts[2]) }
    this.#auth = authKey === '' ? [] : request(OPCODE.auth, authKey)
    this.#connectTimeoutMs = options.connectTimeoutMs ?? 5_000
    this.#timeoutMs = options.timeoutMs ?? 30_000
    this.#turns = new Turns(options.connections ?? 8, options.waiting ?? 1024)
  }

  /** @param key 1 to 65,535 bytes; text counts as UTF-8, here and everywhere */
  async set(key: string | Uint8Array, value: string | Uint8Array): Promise<void> {
    const bytes = bytesOf(value)
    if (bytes.length > VALUE_BYTES_MAX) throw new MiniVaultBinaryError('VALUE_TOO_LARGE')
    const head = Buffer.alloc(5) // length u32, compressed u8: 0, no
    head.writeUInt32LE(bytes.length)
    accepted(await this.#call([...request(OPCODE.set, key), head, bytes]))
  }

  /** The value, or undefined: see the top of this file for what that means. */
  async get(key: string | Uint8Array): Promise<Buffer | undefined> {
    return (await this.#call(request(OPCODE.get, key), true)) ?? undefined
  }

  /** Also succeeds where nothing was there. */
  async delete(key: string | Uint8Array): Promise<void> {
    accepted(await this.#call(request(OPCODE.delete, key)))
  }

  /** Numbers beyond 2^53 lose digits in JavaScript: send and read such JSON as text. */
  async setJson(key: string | Uint8Array, value: unknown): Promise<void> {
    await this.set(key, JSON.stringify(value))
  }

  /** Throws a SyntaxError where the value is no JSON. */
  async getJson<T = unknown>(key: string | Uint8Array): Promise<T | undefined> {
    const value = await this.get(key)
    return value === undefined ? undefined : JSON.parse(value.toString())
  }

  /** Needs no authentication key, unless a wrong one was given. */
  async health(): Promise<Health> {
    return JSON.parse(accepted(await this.#call(request(OPCODE.health, 'health'), true)).toString())
  }

  /** Calls under way are finished, later ones fail. Not needed for the process to end. */
  close(): void {
    this.#closed = true
    this.#dropIdle()
  }

  /** The reply's data; null where the node refused. */
  async #call(request: Buffer[], changesNothing = false): Promise<Buffer | null> {
    const deadline = performance.now() + this.#timeoutMs
    await this.#turns.take(deadline)
    try {
      const [resting] = this.#idle
      if (resting !== undefined) {
        try {
          return await this.#exchange(resting, request, deadline)
        } catch (error) {
          // It may have died while it rested, most likely with all others. Only what changes nothing is sent
          // again: a repeated write could undo what somebody else wrote in between.
          if (!changesNothing || (error as MiniVaultBinaryError).code !== 'CONNECTION') throw error
          this.#dropIdle()
        }
      }
      return await this.#exchange(await this.#connect(deadline), request, deadline)
    } finally {
      this.#turns.give()
    }
  }

  async #exchange(connection: Connection, request: Buffer[], deadline: number): Promise<Buffer | null> {
    this.#idle.delete(connection)
    const reply = await connection.exchange(request, deadline)
    if (!this.#closed) this.#idle.add(connection)
    else connection.end()
    return reply
  }

  async #connect(deadline: number): Promise<Connection> {
    if (this.#closed) throw new MiniVaultBinaryError('CLOSED')
    const connection = new Connection((ended) => this.#idle.delete(ended))
    await connection.open(this.#target, Math.min(deadline, performance.now() + this.#connectTimeoutMs))
    if (this.#auth.length === 0) return connection
    if ((await connection.exchange(this.#auth, deadline)) !== null) return connection
    connection.end()
    throw new MiniVaultBinaryError('UNAUTHORIZED')
  }

  #dropIdle(): void {
    for (const connection of this.#idle) connection.end()
  }
}

/** One connection, on which one request waits for its reply at a time. After a failure it is of no use. */
class Connection {
  readonly #socket = new Socket()
  #received: Buffer[] = []
  #receivedBytes = 0
  #done: ((error: Error | null) => void) | null = null
  readonly #ended: (connection: Connection) => void

  constructor(ended: (connection: Connection) => void) {
    this.#socket.setNoDelay(true).setKeepAlive(true)
    this.#socket.on('data', (piece: Buffer) => this.#take(piece))
    this.#socket.on('error', (cause) => this.#fail('CONNECTION', cause))
    this.#socket.on('end', () => this.#fail('CONNECTION'))
    this.#ended = ended
  }

  open(target: { host: string; port: number }, deadline: number): Promise<void> {
    this.#socket.connect(target, () => this.#done?.(null))
    return this.#wait(deadline)
  }

  /** Sends a request; the data of its reply, null for an error reply. */
  async exchange(request: Buffer[], deadline: number): Promise<Buffer | null> {
    this.#socket.ref().cork()
    for (const part of request) this.#socket.write(part)
    this.#socket.uncork()
    await this.#wait(deadline)
    this.#socket.unref() // a connection at rest keeps no process alive
    const reply = Buffer.concat(this.#received)
    this.#received = []
    this.#receivedBytes = 0
    return reply[0] === SUCCESS ? reply.subarray(REPLY_HEADER_BYTES) : null
  }

  end(): void {
    this.#socket.destroy()
    this.#ended(this)
  }

  #take(piece: Buffer): void {
    this.#received.push(piece)
    this.#receivedBytes += piece.length
    if (this.#receivedBytes < REPLY_HEADER_BYTES) return
    // The header may come in pieces; once it is whole, the first piece holds it.
    if ((this.#received[0] as Buffer).length < REPLY_HEADER_BYTES) {
      this.#received = [Buffer.concat(this.#received)]
    }
    const dataBytes = (this.#received[0] as Buffer).readUInt32LE(1)
    const missing = REPLY_HEADER_BYTES + dataBytes - this.#receivedBytes
    if (dataBytes > VALUE_BYTES_MAX || missing < 0 || this.#done === null) this.#fail('PROTOCOL')
    else if (missing === 0) this.#done(null)
  }

  #wait(deadline: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail('TIMEOUT'), deadline - performance.now())
      this.#done = (error) => {
        this.#done = null
        clearTimeout(timer)
        if (error === null) resolve()
        else reject(error)
      }
      if (this.#socket.destroyed) this.#fail('CONNECTION')
    })
  }

  #fail(code: MiniVaultBinaryError['code'], cause?: Error): void {
    this.end()
    this.#done?.(new MiniVaultBinaryError(code, cause))
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
    if (this.#waiting.size >= this.#waitingMax) throw new MiniVaultBinaryError('POOL_FULL')
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(begin)
        reject(new MiniVaultBinaryError('TIMEOUT'))
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

/** Opcode u8, key length u16, key. SET has the value behind it. */
function request(opcode: number, key: string | Uint8Array): Buffer[] {
  const bytes = bytesOf(key)
  if (bytes.length < 1 || bytes.length > KEY_BYTES_MAX) throw new MiniVaultBinaryError('KEY_LENGTH')
  return [Buffer.from([opcode, bytes.length & 0xff, bytes.length >> 8]), bytes]
}

function bytesOf(data: string | Uint8Array): Buffer {
  return typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.length)
}

function accepted(reply: Buffer | null): Buffer {
  if (reply === null) throw new MiniVaultBinaryError('REFUSED')
  return reply
}
