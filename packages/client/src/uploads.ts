/*
 * Values that come from sources. Short ones are gathered and go the way of every other call. Long ones get a
 * connection of their own, so that a slow source holds up nobody else; a few at once, the others wait.
 *
 * Such a value is sent once: its bytes are gone when they are sent. So it needs no request id either.
 */

import type { Socket } from 'node:net'
import type { Address } from './address.ts'
import { ClientError, FATAL, unsupported } from './client-error.ts'
import { refusalOf } from './frame-encoder.ts'
import { gather } from './gather.ts'
import { type Opened, openConnection, type ProtocolChoice } from './handshake.ts'
import { RECONNECT_MS_MAX, RECONNECT_MS_MIN, STREAM_GATHER_BYTES_MAX, UPLOADS_MAX } from './limits.ts'
import type { PoolOwner } from './pool-owner.ts'
import type { Request } from './request.ts'
import type { RequestClock } from './request-clock.ts'
import type { Secure } from './secure.ts'
import type { Time } from './time.ts'
import { Upload } from './upload.ts'

export interface UploadsOptions {
  address: Address
  secure: Secure | null
  protocol: ProtocolChoice
  connectTimeoutMs: number
  helloTimeoutMs: number
  clock: RequestClock
  time: Time
  owner: PoolOwner | null
  /** takes those that turned out to be short */
  submit: (request: Request) => void
}

export class Uploads {
  readonly #options: UploadsOptions
  /** the sockets of those under way, as far as they have one */
  readonly #running = new Map<Request, Socket | null>()
  #waiting: Request[] = []

  constructor(options: UploadsOptions) {
    this.#options = options
  }

  submit(request: Request): void {
    const { time, submit } = this.#options
    const { size } = request.pieces!
    if (size === undefined || size <= STREAM_GATHER_BYTES_MAX) {
      gather(request, time)
        .then(() => {
          if (!request.settled) submit(request)
        })
        .catch((error: ClientError) => request.reject(error))
    } else {
      this.#waiting.push(request)
      this.#startNext()
    }
  }

  #startNext(): void {
    while (this.#running.size < UPLOADS_MAX && this.#waiting.length > 0) {
      const request = this.#waiting.shift()!
      if (request.settled) continue
      this.#running.set(request, null)
      this.#run(request)
        .catch((error: ClientError) => request.reject(error))
        .finally(() => {
          this.#running.delete(request)
          this.#startNext()
        })
    }
  }

  async #run(request: Request): Promise<void> {
    const { address, clock, time } = this.#options
    const opened = await this.#connect(request)
    if (opened === null) return
    const { dialed, hello } = opened
    const refusal =
      hello === null
        ? unsupported('the documented opcodes', 'setStream')
        : refusalOf(request, hello.capabilities)
    if (hello === null || refusal !== null || request.settled) {
      dialed.socket.destroy()
      if (refusal !== null) request.reject(refusal)
      return
    }
    clock.learn(hello.timeMs)
    request.id.clear()
    const again = () => request.reject(new ClientError('CLOCK_TOO_FAR', 'the server refused the version'))
    const wire = { clock, capabilities: hello.capabilities, again }
    await new Upload(dialed, { request, address, time, wire }).run()
  }

  /** Tries until the call is settled: nothing was taken from the source yet. */
  async #connect(request: Request): Promise<Opened | null> {
    const { address, secure, protocol, connectTimeoutMs, helloTimeoutMs, time, owner } = this.#options
    const onSocket = (socket: Socket) => this.#running.set(request, socket)
    for (let failures = 0; !request.settled; failures++) {
      try {
        const options = { address, secure, protocol, connectTimeoutMs, helloTimeoutMs, time, onSocket }
        const opened = await openConnection(options)
        if (opened.hello !== null || opened.isCertain) return opened
        // Silence may have been an accident: it is no reason to refuse.
        opened.dialed.socket.destroy()
      } catch (error) {
        if (FATAL.has((error as ClientError).code)) throw error
        request.lastError = error as ClientError
      }
      if (owner !== null) {
        owner.onElsewhere(request)
        return null
      }
      const pauseMs = Math.min(RECONNECT_MS_MAX, RECONNECT_MS_MIN * 2 ** failures)
      await new Promise<void>((resolve) => time.after(pauseMs * (1 + time.random() / 2), resolve))
    }
    return null
  }

  /** The call was given up: its connection is of no use to others. */
  abandon(request: Request): void {
    this.#running.get(request)?.destroy()
  }
}
