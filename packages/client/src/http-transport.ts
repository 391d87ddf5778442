/*
 * The HTTP transport: the same calls over `http(s)://` URLs, for where only HTTP gets through.
 *
 * A value over HTTP is a JSON text. Bytes given to `set` travel as a JSON string, so they must be UTF-8;
 * `json()` sends its JSON text as it is. undici's pool rather than fetch: fetch rewrites targets such as
 * `/..`, and every byte string is a key. It is loaded with the first call, since that costs a tenth of a
 * second. Nothing here is sent twice: HTTP requests carry no request id.
 */

import { isUtf8 } from 'node:buffer'
import { FRAME_FLAG, isErrorName } from '@minivault/protocol'
import type { Pool } from 'undici'
import type { Address } from './address.ts'
import type { Transport } from './calls.ts'
import { ClientError, unsupported } from './client-error.ts'
import { disconnected } from './handshake.ts'
import { EMPTY, KIND, type Reply, type Request } from './request.ts'

const PREFIX = Buffer.from('{"success":true,"data":')
const UNRESERVED = /^[A-Za-z0-9_.~-]$/

/** What came back, its body read. */
interface Response {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}

export class HttpTransport implements Transport {
  readonly #address: Address
  readonly #connections: number
  #pool: Promise<Pool> | null = null

  constructor(address: Address, connections: number) {
    this.#address = address
    this.#connections = connections
  }

  submit(request: Request): void {
    if (request.framesOnly !== '') {
      request.reject(unsupported('HTTP', request.framesOnly))
      return
    }
    if (request.kind === KIND.set && !request.has(FRAME_FLAG.json) && !isUtf8(request.value)) {
      request.reject(
        new ClientError(
          'CLIENT_UNSUPPORTED',
          'over HTTP a value must be UTF-8 text: use minivault:// for bytes',
        ),
      )
      return
    }
    this.#send(request).catch((error) => {
      const known = error instanceof ClientError
      request.reject(known ? error : disconnected(this.#address, error, request.isWrite))
    })
  }

  async #open(): Promise<Pool> {
    const { Pool } = await import('undici')
    const { scheme, host, port } = this.#address
    const origin = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
    return new Pool(origin, { connections: this.#connections })
  }

  async #send(request: Request): Promise<void> {
    this.#pool ??= this.#open()
    const pool = await this.#pool
    if (request.settled) return
    const body = request.kind === KIND.set ? bodyOf(request) : null
    const { token } = this.#address
    const aborter = new AbortController()
    const settled = request.onSettled
    request.onSettled = () => {
      settled?.()
      aborter.abort()
    }
    const response = await pool.request({
      path: request.kind === KIND.health ? '/health' : targetOf(request.key),
      method: methodOf(request),
      headers: {
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(body === null ? {} : { 'content-type': 'application/json' }),
      },
      body,
      signal: aborter.signal,
    })
    const bytes = Buffer.from(await response.body.arrayBuffer())
    answer(request, { status: response.statusCode, headers: response.headers, body: bytes })
  }

  abandon(): void {}

  close(): void {
    this.#pool?.then((pool) => pool.destroy()).catch(() => {})
  }
}

function methodOf(request: Request): 'GET' | 'PUT' | 'POST' | 'DELETE' {
  if (request.kind === KIND.set) return request.has(FRAME_FLAG.ifAbsent) ? 'POST' : 'PUT'
  return request.kind === KIND.delete ? 'DELETE' : 'GET'
}

// Slashes are encoded, too: then no key looks like one of the node's own addresses, but `health`.
function targetOf(key: Uint8Array): string {
  let target = '/'
  const isHealth = key.length === 6 && Buffer.from(key).toString('latin1') === 'health'
  for (const [index, byte] of key.entries()) {
    const letter = String.fromCharCode(byte)
    const plain = UNRESERVED.test(letter) && !(isHealth && index === 0)
    target += plain ? letter : `%${byte.toString(16).padStart(2, '0').toUpperCase()}`
  }
  return target
}

function bodyOf(request: Request): Buffer {
  const text = request.has(FRAME_FLAG.json)
    ? request.value
    : Buffer.from(JSON.stringify(Buffer.from(request.value).toString()))
  return Buffer.concat([Buffer.from('{"value":'), text, Buffer.from('}')])
}

function answer(request: Request, { status, headers, body }: Response): void {
  const version = /^(?:W\/)?"([0-9a-f]{24})"$/i.exec(`${headers['etag'] ?? ''}`)?.[1]
  const reply: Reply = { exists: true, value: EMPTY, type: 'json', version, size: 0, hasMore: false }
  if (status === 200 || status === 201) {
    if (request.kind === KIND.health) request.resolve({ ...reply, value: new Uint8Array(body) })
    else if (request.kind === KIND.get) request.resolve(readValue(body, reply))
    else request.resolve(reply)
    return
  }
  const told = parse(body)
  const code = typeof told?.code === 'string' ? told.code : ''
  const message = typeof told?.error === 'string' ? told.error : `HTTP status ${status}`
  if (status === 404 && request.kind === KIND.get && (code === 'KEY_NOT_FOUND' || told?.success === false)) {
    request.resolve({ ...reply, exists: false })
    return
  }
  const retryAfterMs = Number(headers['retry-after'] ?? 0) * 1000 || 0
  const retryable = status === 429 || status === 503 || status === 504 || status === 507
  const inDoubt = request.isWrite && status === 504
  request.reject(
    new ClientError(isErrorName(code) ? code : 'CLIENT_REFUSED', message, {
      retryable,
      inDoubt,
      retryAfterMs,
    }),
  )
}

/** The value's JSON text as it came, where the body has the form a node gives it. */
function readValue(body: Buffer, reply: Reply): Reply {
  const told = parse(body)
  if (told === null || told.success !== true || !('data' in told)) {
    throw new ClientError('CLIENT_PROTOCOL', 'the server answered with something else than a value')
  }
  const { data } = told
  if (told.encoding === 'base64' && typeof data === 'string') {
    return { ...reply, type: 'raw', value: new Uint8Array(Buffer.from(data, 'base64')) }
  }
  const isPlain = body.subarray(0, PREFIX.length).equals(PREFIX)
  const text = isPlain
    ? body.subarray(PREFIX.length, body.lastIndexOf('}'))
    : Buffer.from(JSON.stringify(data))
  return { ...reply, value: new Uint8Array(text) }
}

interface Body {
  success?: unknown
  data?: unknown
  encoding?: unknown
  error?: unknown
  code?: unknown
}

function parse(body: Buffer): Body | null {
  try {
    const told: unknown = JSON.parse(body.toString())
    return typeof told === 'object' && told !== null ? (told as Body) : null
  } catch {
    return null
  }
}
