/*
 * One connection in use: what is written in a turn leaves in one write at its end; what comes back settles
 * its request.
 *
 * When it breaks, by reset, by silence or by nonsense, it hands everything unanswered back to the pool, once.
 */

import type { Socket } from 'node:net'
import type { ClientError } from './client-error.ts'
import type { DialedSocket } from './dialed-socket.ts'
import { Incoming } from './incoming.ts'
import { IN_FLIGHT_MAX, UNSENT_BYTES_MAX } from './limits.ts'
import { Outgoing } from './outgoing.ts'
import type { Request } from './request.ts'
import type { Time } from './time.ts'
import type { Wire } from './wire.ts'

export interface ConnectionOwner {
  /** `cause` is what broke it; undefined: the other side closed it */
  onBroken(connection: Connection, unanswered: Request[], cause: Error | undefined): void
  /** it can take requests again */
  onRoom(): void
}

export class Connection {
  readonly wire: Wire
  readonly out: Outgoing
  readonly #socket: Socket
  readonly #owner: ConnectionOwner
  readonly #time: Time
  readonly #incoming = new Incoming()
  #isFlushPlanned = false
  #isBroken = false
  #cause: Error | undefined
  /** when the last byte came, in ms since 1970 */
  heardAt = 0

  constructor(dialed: DialedSocket, wire: Wire, time: Time, owner: ConnectionOwner) {
    const { socket } = dialed
    this.#socket = socket
    this.wire = wire
    this.out = new Outgoing(socket)
    this.#time = time
    this.#owner = owner
    dialed.onBytes = (bytes) => this.#hear(bytes)
    socket.on('error', (error) => {
      this.#cause ??= error
    })
    socket.on('drain', () => this.#owner.onRoom())
    socket.on('close', () => this.#break())
    if (socket.destroyed) time.afterTurn(() => this.#break())
  }

  get isRepeatable(): boolean {
    return this.wire.isRepeatable
  }

  get hasRoom(): boolean {
    return (
      !this.#isBroken && this.wire.inFlight < IN_FLIGHT_MAX && this.#socket.writableLength < UNSENT_BYTES_MAX
    )
  }

  /** Bytes handed over that the socket has not taken. */
  get unsentBytes(): number {
    return this.#socket.writableLength
  }

  write(request: Request): void {
    request.sent++
    request.sentAt = this.#time.now()
    request.carrier = this
    this.wire.write(request, this.out)
    this.planFlush()
  }

  planFlush(): void {
    if (this.#isFlushPlanned) return
    this.#isFlushPlanned = true
    this.#time.afterTurn(() => {
      this.#isFlushPlanned = false
      if (!this.#isBroken) this.out.flush()
    })
  }

  #hear(bytes: Uint8Array): void {
    if (this.#isBroken) return
    this.heardAt = this.#time.now()
    try {
      this.#incoming.feed(bytes, this.#read)
    } catch (error) {
      this.destroy(error as ClientError)
      return
    }
    this.#owner.onRoom()
  }

  readonly #read = (bytes: Uint8Array, start: number, end: number): number =>
    this.wire.read(bytes, start, end)

  destroy(cause?: Error): void {
    this.#cause ??= cause
    this.#socket.destroy()
    this.#break()
  }

  /** Ends it in good order: nothing is in flight any more. */
  end(): void {
    this.#isBroken = true
    this.#socket.end()
    this.#socket.unref()
  }

  #break(): void {
    if (this.#isBroken) return
    this.#isBroken = true
    this.#owner.onBroken(this, this.wire.takeUnanswered(), this.#cause)
  }
}
