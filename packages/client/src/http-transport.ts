/*
 * The HTTP transport: the same calls over `http(s)://` URLs, for where only HTTP gets through.
 *
 * undici's pool rather than fetch: fetch rewrites targets such as `/..`, and every byte string is a key. It
 * is loaded with the first call, since that costs a tenth of a second. A request whose connection broke is
 * sent again, a write with the same request id and a higher attempt, which takes effect at most once. A value
 * from a source has a pool of its own, so that a slow source holds up nobody, and is sent once.
 */

import { Readable } from 'node:stream'
import { Version } from '@minivault/clock'
import { VALUE_BYTES_MAX } from '@minivault/protocol'
import type { Pool } from 'undici'
import type { Address } from './address.ts'
import type { Transport } from './calls.ts'
import { ClientError, unsupported } from './client-error.ts'
import { disconnected } from './disconnected.ts'
import { gather } from './gather.ts'
import { FATAL } from './handshake.ts'
import { type HttpReply, replyOf, versionOf } from './http-reply.ts'
import { beyondHttp, bodyOf, headersOf, methodOf, targetOf } from './http-request.ts'
import { uploadBody, uploadBytes } from './http-upload.ts'
import {
  CLOCK_RETRIES_MAX,
  HTTP_REPLY_OVERHEAD_BYTES,
  RECONNECT_MS_MAX,
  RECONNECT_MS_MIN,
  STREAM_GATHER_BYTES_MAX,
  UPLOADS_MAX,
} from './limits.ts'
import type { Time } from './node-time.ts'
import type { Request } from './request.ts'
import type { RequestClock } from './request-clock.ts'
import type { Secure } from './secure.ts'

export interface HttpTransportOptions {
  address: Address
  secure: Secure | null
  connections: number
  connectTimeoutMs: number
  retriesMax: number
  clock: RequestClock
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

export class HttpTransport implements Transport {
  readonly #options: HttpTransportOptions
  #pools: Promise<Pools> | null = null

  constructor(options: HttpTransportOptions) {
    this.#options = options
  }

  submit(request: Request): void {
    const what = beyondHttp(request)
    if (what !== '') {
      request.reject(unsupported('HTTP', what))
      return
    }
    const run = request.pieces === null ? this.#call(request) : this.#upload(request)
    run.catch((error) => {
      const known = error instanceof ClientError
      request.reject(known ? error : disconnected(this.#options.address, error, request.isInDoubt))
    })
  }

  async #open(): Promise<Pools> {
    const { Pool } = await import('undici')
    const { address, secure, connections, connectTimeoutMs } = this.#options
    const { scheme, host, port } = address
    const origin = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
    const connect = { ...secure, timeout: connectTimeoutMs }
    const maxResponseSize = VALUE_BYTES_MAX + HTTP_REPLY_OVERHEAD_BYTES
    return {
      calls: new Pool(origin, { connections, connect, maxResponseSize }),
      uploads: new Pool(origin, { connections: UPLOADS_MAX, connect, maxResponseSize }),
    }
  }

  /** Sends until there is an answer, or it is no use. */
  async #call(request: Request): Promise<void> {
    const { address, clock, retriesMax } = this.#options
    const { calls } = await this.#poolsNow()
    for (let failures = 0; !request.settled; ) {
      try {
        const reply = await this.#exchange(calls, request, { body: bodyOf(request) })
        this.#observe(reply)
        request.resolve(replyOf(request, reply))
        return
      } catch (error) {
        const { code } = error as ClientError
        if (code === 'CLOCK_TOO_FAR' && request.isWrite && request.clockRetries < CLOCK_RETRIES_MAX) {
          // Nothing was done under the old id, so a new one is not a second write.
          clock.stepBack(request.clockRetries++)
          clock.next(request.id)
          request.attempt = 0
          continue
        }
        if (error instanceof ClientError || request.settled) throw error
        const failure = disconnected(address, error, request.isInDoubt)
        if (FATAL.has(failure.code) || failures >= retriesMax) throw failure
        if (request.sent > 0) request.attempt = Math.min(255, request.attempt + 1)
        await this.#pause(failures++)
      }
    }
  }

  async #upload(request: Request): Promise<void> {
    const { size } = request.pieces!
    if (size === undefined || size <= STREAM_GATHER_BYTES_MAX) {
      await gather(request, this.#options.time)
      return this.#call(request)
    }
    const { uploads } = await this.#poolsNow()
    if (request.settled) return
    request.id.clear()
    const body = Readable.from(uploadBody(request, this.#options.time))
    const reply = await this.#exchange(uploads, request, { body, length: uploadBytes(request) })
    this.#observe(reply)
    request.resolve(replyOf(request, reply))
  }

  #poolsNow(): Promise<Pools> {
    this.#pools ??= this.#open()
    return this.#pools
  }

  async #exchange(pool: Pool, request: Request, { body, length }: Body): Promise<HttpReply> {
    const aborter = new AbortController()
    const settled = request.onSettled
    request.onSettled = () => {
      settled?.()
      aborter.abort()
    }
    const headers = headersOf(request, this.#options.address.token)
    if (length !== undefined) headers['content-length'] = `${length}`
    else request.sent++
    request.carrier = pool
    try {
      const path = targetOf(request)
      const { signal } = aborter
      const response = await pool.request({ path, method: methodOf(request), headers, body, signal })
      request.isBegun = true
      const bytes = new Uint8Array(await response.body.arrayBuffer())
      return { status: response.statusCode, headers: response.headers, body: bytes }
    } catch (error) {
      if (length === undefined && NOT_SENT.has((error as NodeJS.ErrnoException).code)) {
        request.sent--
        request.carrier = null
      }
      throw error
    } finally {
      request.onSettled = settled
    }
  }

  #observe(reply: HttpReply): void {
    const version = versionOf(reply)
    if (version !== undefined) this.#options.clock.observe(Version.parse(version))
  }

  #pause(failures: number): Promise<void> {
    const { time } = this.#options
    const pauseMs = Math.min(RECONNECT_MS_MAX, RECONNECT_MS_MIN * 2 ** failures)
    return new Promise((resolve) => time.after(pauseMs * (1 + time.random() / 2), resolve))
  }

  abandon(): void {}

  close(): void {
    this.#pools
      ?.then(({ calls, uploads }) => Promise.all([calls.destroy(), uploads.destroy()]))
      .catch(() => {})
  }
}
