/*
 * HTTP in Node.
 *
 * undici's pool rather than fetch: fetch rewrites targets such as `/..`, and every byte string is a key. It
 * is loaded with the first call, since that costs a tenth of a second. A value from a source has a pool of
 * its own, so that a slow source holds up nobody.
 */

import { Readable } from 'node:stream'
import { VALUE_BYTES_MAX } from '@minivault/protocol'
import type { Pool } from 'undici'
import { type Address, placeOf } from './address.ts'
import type { Connectivity } from './connectivity.ts'
import type { HttpExchange } from './http-exchange.ts'
import type { HttpReply } from './http-reply.ts'
import { bodyOf, headersOf, methodOf, targetOf } from './http-request.ts'
import { uploadBody, uploadBytes } from './http-upload.ts'
import { HTTP_REPLY_OVERHEAD_BYTES, STREAM_GATHER_BYTES_MAX, UPLOADS_MAX } from './limits.ts'
import type { Request } from './request.ts'
import type { Secure } from './secure.ts'
import type { Time } from './time.ts'

export interface UndiciOptions {
  address: Address
  secure: Secure | null
  connections: number
  connectTimeoutMs: number
  connectivity: Connectivity
  time: Time
}

interface Pools {
  calls: Pool
  uploads: Pool
}

/** What undici was given as body, and how long it is where that does not tell. */
interface Body {
  body: Uint8Array | Readable | null
  length?: number
}

/** Nothing had left yet. */
const NOT_SENT: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
])

export class UndiciExchange implements HttpExchange {
  readonly gatheredBytesMax = STREAM_GATHER_BYTES_MAX
  readonly #options: UndiciOptions
  #pools: Promise<Pools> | null = null

  constructor(options: UndiciOptions) {
    this.#options = options
  }

  cannotCarry(): string {
    return ''
  }

  async call(request: Request, signal: AbortSignal): Promise<HttpReply> {
    const { calls } = await this.#poolsNow()
    return this.#exchange(calls, request, { body: bodyOf(request) }, signal)
  }

  async upload(request: Request, signal: AbortSignal): Promise<HttpReply> {
    const { uploads } = await this.#poolsNow()
    const body = Readable.from(uploadBody(request, this.#options.time))
    return this.#exchange(uploads, request, { body, length: uploadBytes(request) }, signal)
  }

  async #exchange(
    pool: Pool,
    request: Request,
    { body, length }: Body,
    signal: AbortSignal,
  ): Promise<HttpReply> {
    const headers = headersOf(request, this.#options.address.token)
    if (length !== undefined) headers['content-length'] = `${length}`
    const path = targetOf(request)
    const response = await pool.request({ path, method: methodOf(request), headers, body, signal })
    request.isBegun = true
    const bytes = new Uint8Array(await response.body.arrayBuffer())
    return { status: response.statusCode, headers: response.headers, body: bytes }
  }

  #poolsNow(): Promise<Pools> {
    this.#pools ??= this.#open()
    return this.#pools
  }

  async #open(): Promise<Pools> {
    const { Pool } = await import('undici')
    const { address, secure, connections, connectTimeoutMs, connectivity } = this.#options
    const origin = `${address.scheme}://${placeOf(address)}`
    const connect = { ...secure, timeout: connectTimeoutMs }
    const maxResponseSize = VALUE_BYTES_MAX + HTTP_REPLY_OVERHEAD_BYTES
    const calls = new Pool(origin, { connections, connect, maxResponseSize })
    calls.on('connect', () => connectivity.connected(address))
    calls.on('disconnect', (_origin, _targets, error) => connectivity.disconnected(address, error))
    calls.on('connectionError', (_origin, _targets, error) => connectivity.disconnected(address, error))
    const uploads = new Pool(origin, { connections: UPLOADS_MAX, connect, maxResponseSize })
    return { calls, uploads }
  }

  isNotSent(error: unknown): boolean {
    return NOT_SENT.has((error as NodeJS.ErrnoException).code)
  }

  close(): void {
    this.#pools
      ?.then(({ calls, uploads }) => Promise.all([calls.destroy(), uploads.destroy()]))
      .catch(() => {})
  }
}
