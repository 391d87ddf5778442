/*
 * Every call under way: its deadline, its signal, its place in the bounded queue. A call ends by its answer,
 * by its signal or by the sweep that looks for deadlines, whichever is first.
 */

import { positive } from './arguments.ts'
import { ClientError } from './client-error.ts'
import { SWEEP_MS } from './limits.ts'
import type { CallOptions } from './options.ts'
import { type Kind, type Reply, Request } from './request.ts'
import type { RequestClock } from './request-clock.ts'
import type { Time } from './time.ts'

/** What carries requests to a node. */
export interface Transport {
  submit(request: Request): void
  /** A call was given up, `isLate` because nothing came in time. */
  abandon(request: Request, isLate: boolean): void
  /** Everything has been settled. */
  close(): void
}

export interface CallsOptions {
  transport: Transport
  clock: RequestClock
  time: Time
  timeoutMs: number
  requestsMax: number
}

export class Calls {
  readonly #options: CallsOptions
  readonly #pending = new Set<Request>()
  #sweepTimer: unknown = null
  #onIdle: (() => void)[] = []
  #closing: Promise<void> | null = null

  constructor(options: CallsOptions) {
    this.#options = options
  }

  get time(): Time {
    return this.#options.time
  }

  /** Of a call with these options that begins now. */
  timeoutMsOf(options: CallOptions): number {
    return positive(options.timeoutMs ?? this.#options.timeoutMs, 'timeoutMs')
  }

  /** `fill` says what is asked beside the key. Throws what `fill` throws, and what `check` does. */
  ask(kind: Kind, key: Uint8Array, options: CallOptions, fill?: (request: Request) => void): Promise<Reply> {
    this.check(options)
    const { clock, time, transport, requestsMax } = this.#options
    if (this.#pending.size >= requestsMax) {
      throw new ClientError('CLIENT_QUEUE_FULL', `${requestsMax} calls are waiting`, { retryable: true })
    }
    const { signal } = options
    const deadline = time.now() + this.timeoutMsOf(options)
    return new Promise((resolve, reject) => {
      const request = new Request(kind, key, deadline, resolve, reject)
      fill?.(request)
      if (request.isWrite) clock.next(request.id)
      const onAbort = () => {
        request.reject(aborted(signal!, request.isInDoubt))
        transport.abandon(request, false)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      request.onSettled = () => {
        signal?.removeEventListener('abort', onAbort)
        this.#pending.delete(request)
        if (this.#pending.size === 0) for (const wake of this.#onIdle.splice(0)) wake()
      }
      this.#pending.add(request)
      this.#planSweep()
      transport.submit(request)
    })
  }

  /** Throws CLIENT_CLOSED, CLIENT_ABORTED. */
  check({ signal }: CallOptions): void {
    if (this.#closing !== null) throw new ClientError('CLIENT_CLOSED', 'the client was closed')
    if (signal?.aborted) throw aborted(signal, false)
  }

  /** Waits for what is under way, then ends the connections; nothing is taken from now on. */
  close(): Promise<void> {
    this.#closing ??= this.#drain().then(() => this.#options.transport.close())
    return this.#closing
  }

  #drain(): Promise<void> {
    if (this.#pending.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onIdle.push(resolve))
  }

  #planSweep(): void {
    if (this.#sweepTimer !== null || this.#pending.size === 0) return
    const { time, transport } = this.#options
    this.#sweepTimer = time.after(SWEEP_MS, () => {
      this.#sweepTimer = null
      const now = time.now()
      for (const request of this.#pending) {
        if (request.deadline > now) continue
        const inDoubt = request.isInDoubt
        request.reject(late(request, inDoubt))
        transport.abandon(request, true)
      }
      this.#planSweep()
    })
  }
}

function late({ carrier, lastError }: Request, inDoubt: boolean): ClientError {
  const said = carrier === null ? 'no connection in time' : 'no answer in time'
  const why = lastError === null ? '' : `, at last: ${lastError.message}`
  const cause = lastError ?? undefined
  return new ClientError('CLIENT_TIMEOUT', said + why, { retryable: true, inDoubt, cause })
}

function aborted(signal: AbortSignal, inDoubt: boolean): ClientError {
  return new ClientError('CLIENT_ABORTED', 'the call was aborted', { cause: signal.reason, inDoubt })
}
