/*
 * The binary transport: a few connections to one node and the requests that wait for one.
 *
 * A request goes to the connection with the fewest unanswered ones; all of a turn go the same way, so that
 * they leave in one write. When a connection breaks, its requests are sent again with the same request id and
 * a higher attempt, which takes effect at most once; where the server knows no request ids (documented
 * opcodes) only reads are, and a write that had left ends as CLIENT_DISCONNECTED, in doubt. While no
 * connection can be made requests wait, within a bound.
 */

import type { Socket } from 'node:net'
import type { Address } from './address.ts'
import type { Transport } from './calls.ts'
import { ClientError, FATAL } from './client-error.ts'
import { Connection, type ConnectionOwner } from './connection.ts'
import type { Connectivity } from './connectivity.ts'
import { disconnected } from './disconnected.ts'
import { DocumentedWire } from './documented-wire.ts'
import { FrameWire } from './frame-wire.ts'
import { type Opened, openConnection, type ProtocolChoice } from './handshake.ts'
import { COPY_BYTES_MAX, RECONNECT_MS_MAX, RECONNECT_MS_MIN } from './limits.ts'
import type { PoolOwner } from './pool-owner.ts'
import type { Request } from './request.ts'
import type { RequestClock } from './request-clock.ts'
import type { Secure } from './secure.ts'
import type { Time } from './time.ts'
import { Uploads } from './uploads.ts'

export interface PoolOptions {
  address: Address
  secure: Secure | null
  protocol: ProtocolChoice
  connections: number
  connectTimeoutMs: number
  helloTimeoutMs: number
  retriesMax: number
  /** of one node among several: what finds no connection is rejected at once, for others to carry */
  owner: PoolOwner | null
  clock: RequestClock
  connectivity: Connectivity
  time: Time
}

export class Pool implements ConnectionOwner, Transport {
  readonly #options: PoolOptions
  #protocol: ProtocolChoice
  readonly #connections: Connection[] = []
  readonly #sockets = new Set<Socket>()
  readonly #uploads: Uploads
  #queue: Request[] = []
  #opening = 0
  #failures = 0
  #retryTimer: unknown = null
  #turnConnection: Connection | null = null
  #isClosed = false

  constructor(options: PoolOptions) {
    this.#options = options
    this.#protocol = options.protocol
    this.#uploads = new Uploads({ ...options, submit: (request) => this.submit(request) })
  }

  submit(request: Request): void {
    if (request.pieces !== null) {
      this.#uploads.submit(request)
      return
    }
    const connection = this.#queue.length === 0 ? this.#pick() : null
    if (connection !== null) connection.write(request)
    else this.#queue.push(request)
    this.#open()
  }

  #pick(): Connection | null {
    if (this.#turnConnection?.hasRoom) return this.#turnConnection
    let best: Connection | null = null
    for (const connection of this.#connections) {
      if (!connection.hasRoom) continue
      if (best === null || load(connection) < load(best)) best = connection
    }
    if (best !== null && this.#turnConnection === null) {
      this.#options.time.afterTurn(() => {
        this.#turnConnection = null
      })
    }
    this.#turnConnection = best
    return best
  }

  onRoom(): void {
    if (this.#queue.length === 0) return
    let taken = 0
    for (; taken < this.#queue.length; taken++) {
      const request = this.#queue[taken]!
      if (request.settled) continue
      const connection = this.#pick()
      if (connection === null) break
      connection.write(request)
    }
    this.#queue = this.#queue.slice(taken)
  }

  // --- connecting
  // ----------------------------------------------------------------------------------------------------

  /**
   * One connection at once when there is work; the others once the first has shown that the node is there.
   */
  #open(): void {
    if (this.#isClosed || this.#retryTimer !== null || this.#opening > 0) return
    const count = this.#connections.length
    if (count >= this.#options.connections) return
    if (count > 0 && this.#connections.some((connection) => connection.wire.inFlight < 8)) return
    this.#opening++
    const { address, secure, connectTimeoutMs, helloTimeoutMs, time } = this.#options
    const onSocket = (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    }
    openConnection({
      address,
      secure,
      protocol: this.#protocol,
      connectTimeoutMs,
      helloTimeoutMs,
      time,
      onSocket,
    }).then(
      (opened) => this.#opened(opened),
      (error) => this.#openFailed(error),
    )
  }

  #opened(opened: Opened): void {
    this.#opening--
    if (this.#isClosed) {
      opened.dialed.socket.destroy()
      return
    }
    const { clock, time, address, owner } = this.#options
    // Where there are others, silence is no reason to believe that a node is an old one.
    if (opened.hello === null && !opened.isCertain && owner !== null) {
      opened.dialed.socket.destroy()
      return this.#rejectQueue(disconnected(address, new Error('it did not answer HELLO')))
    }
    this.#failures = 0
    let connection: Connection
    if (opened.hello === null) {
      // Silence may have been an accident: only a plain refusal of HELLO is remembered.
      if (opened.isCertain) this.#protocol = 'documented'
      const wire = new DocumentedWire()
      connection = new Connection(opened.dialed, wire, time, this)
      if (address.token !== '') {
        wire.authenticate(Buffer.from(address.token), connection.out)
        connection.planFlush()
      }
    } else {
      clock.learn(opened.hello.timeMs)
      const { capabilities } = opened.hello
      const wire = new FrameWire({ clock, capabilities, again: (request) => this.submit(request) })
      connection = new Connection(opened.dialed, wire, time, this)
    }
    this.#connections.push(connection)
    this.#options.connectivity.connected(address)
    owner?.onGreeted(opened.hello?.capabilities ?? 0)
    this.onRoom()
  }

  #openFailed(error: ClientError): void {
    this.#opening--
    if (this.#isClosed) return
    this.#options.connectivity.disconnected(this.#options.address, error)
    // Everything that waits hears what will not change.
    const isLone = this.#options.owner === null
    if (FATAL.has(error.code) || (!isLone && this.#connections.length === 0)) this.#rejectQueue(error)
    else if (this.#connections.length === 0) this.#reconnectLater()
  }

  #reconnectLater(): void {
    if (this.#isClosed || this.#retryTimer !== null) return
    this.#queue = this.#queue.filter((request) => !request.settled)
    if (this.#queue.length === 0) return
    const { time } = this.#options
    const pauseMs = Math.min(RECONNECT_MS_MAX, RECONNECT_MS_MIN * 2 ** this.#failures++)
    this.#retryTimer = time.after(pauseMs * (1 + time.random() / 2), () => {
      this.#retryTimer = null
      this.#open()
    })
  }

  // --- breaking
  // ------------------------------------------------------------------------------------------------------

  onBroken(connection: Connection, unanswered: Request[], cause: Error | undefined): void {
    const at = this.#connections.indexOf(connection)
    if (at >= 0) this.#connections.splice(at, 1)
    if (this.#turnConnection === connection) this.#turnConnection = null
    const { address, retriesMax, connectivity } = this.#options
    const why = disconnected(address, cause)
    if (!this.#isClosed) connectivity.disconnected(address, why)
    const again: Request[] = []
    for (const request of unanswered) {
      if (request.settled) continue
      const isSafe = connection.wire.isRepeatable || !request.isWrite
      if (isSafe && request.sent <= retriesMax) {
        request.attempt++
        again.push(request)
        connectivity.retries(address, why, request.sent)
      } else request.reject(disconnected(address, cause, request.isWrite))
    }
    this.#queue = [...again, ...this.#queue]
    if (this.#isClosed || this.#queue.length === 0) return
    if (this.#connections.length > 0) this.onRoom()
    else if (this.#options.owner !== null) this.#open()
    else this.#reconnectLater()
  }

  /**
   * A call was given up, `isLate` because no answer came in time. Its connection is no use if it has been
   * silent since the call was sent, nor half-way through a value that its owner may now change.
   */
  abandon(request: Request, isLate: boolean): void {
    if (request.pieces !== null) this.#uploads.abandon(request)
    const connection = this.#connections.find((candidate) => candidate === request.carrier)
    if (connection === undefined) return
    const isSilent = isLate && connection.heardAt < request.sentAt
    if (isSilent || (request.value.length > COPY_BYTES_MAX && connection.unsentBytes > 0)) {
      connection.destroy(new Error('a call was given up before the server answered'))
    }
  }

  #rejectQueue(error: ClientError): void {
    const queue = this.#queue
    this.#queue = []
    for (const request of queue) request.reject(error)
  }

  /** Everything has been settled: the connections end. */
  close(): void {
    this.#isClosed = true
    if (this.#retryTimer !== null) this.#options.time.cancel(this.#retryTimer)
    this.#rejectQueue(new ClientError('CLIENT_CLOSED', 'the client was closed'))
    for (const connection of this.#connections) connection.end()
    if (this.#opening > 0) for (const socket of this.#sockets) socket.destroy()
  }
}

function load(connection: Connection): number {
  return connection.wire.inFlight + connection.unsentBytes / 1024
}
