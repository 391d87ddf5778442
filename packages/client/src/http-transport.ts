/*
 * The HTTP transport: the same calls over `http(s)://` URLs, for where only HTTP gets through.
 *
 * A request whose connection broke is sent again, a write with the same request id and a higher attempt,
 * which takes effect at most once. A value that goes straight from its source is sent once.
 */

import { Version } from '@minivault/clock'
import type { Address } from './address.ts'
import type { Transport } from './calls.ts'
import { ClientError, FATAL, unsupported } from './client-error.ts'
import type { Connectivity } from './connectivity.ts'
import { disconnected } from './disconnected.ts'
import { gather } from './gather.ts'
import type { HttpExchange } from './http-exchange.ts'
import { type HttpReply, replyOf, versionOf } from './http-reply.ts'
import { beyondHttp } from './http-request.ts'
import { CLOCK_RETRIES_MAX, RECONNECT_MS_MAX, RECONNECT_MS_MIN } from './limits.ts'
import { type Request, SOME_CARRIER } from './request.ts'
import type { RequestClock } from './request-clock.ts'
import type { Time } from './time.ts'

export interface HttpTransportOptions {
  address: Address
  exchange: HttpExchange
  retriesMax: number
  clock: RequestClock
  connectivity: Connectivity
  time: Time
}

export class HttpTransport implements Transport {
  readonly #options: HttpTransportOptions

  constructor(options: HttpTransportOptions) {
    this.#options = options
  }

  submit(request: Request): void {
    const what = beyondHttp(request) || this.#options.exchange.cannotCarry(request)
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

  /** Sends until there is an answer, or it is no use. */
  async #call(request: Request): Promise<void> {
    const { address, clock, connectivity, exchange, retriesMax, time } = this.#options
    for (let failures = 0; !request.settled; ) {
      try {
        const reply = await this.#while(request, (signal) => {
          request.sent++
          return exchange.call(request, signal)
        })
        this.#observe(reply)
        request.resolve(replyOf(request, reply, time.now()))
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
        if (exchange.isNotSent(error)) {
          request.sent--
          request.carrier = null
        }
        const failure = disconnected(address, error, request.isInDoubt)
        if (FATAL.has(failure.code) || failures >= retriesMax) throw failure
        if (request.sent > 0) request.attempt = Math.min(255, request.attempt + 1)
        connectivity.retries(address, failure, failures + 1)
        await this.#pause(failures++)
      }
    }
  }

  async #upload(request: Request): Promise<void> {
    const { exchange, time } = this.#options
    const { size } = request.pieces!
    if (size === undefined || size <= exchange.gatheredBytesMax) {
      await gather(request, time, exchange.gatheredBytesMax)
      return this.#call(request)
    }
    if (request.settled) return
    request.id.clear()
    const reply = await this.#while(request, (signal) => exchange.upload(request, signal))
    this.#observe(reply)
    request.resolve(replyOf(request, reply, time.now()))
  }

  /** What runs is told to stop when the call is settled by others. */
  async #while<T>(request: Request, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const aborter = new AbortController()
    const settled = request.onSettled
    request.onSettled = () => {
      settled?.()
      aborter.abort()
    }
    request.carrier = SOME_CARRIER
    try {
      return await run(aborter.signal)
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
    this.#options.exchange.close()
  }
}
