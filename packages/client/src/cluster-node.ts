/*
 * One node of several, as far as it has shown itself.
 *
 * One that refuses rests for a while, reads and writes by themselves, and then gets one call now and then
 * until it takes one. One that cannot be reached, or is silent, is down: it gets calls only when there is
 * nobody else, and is asked for its health now and then. Whatever it answers, and however late, it is up.
 */

import { type Address, placeOf } from './address.ts'
import type { Transport } from './calls.ts'
import { ClientError } from './client-error.ts'
import type { Listeners } from './client-events.ts'
import { PROBE_MS, REST_MS_MAX, REST_MS_MIN } from './limits.ts'
import { EMPTY, KIND, Request } from './request.ts'
import type { Time } from './time.ts'

/** How fit a node is for a call; lower is better. Far is one less fit than near. */
export const FITNESS = { upAndNear: 0, resting: 2, down: 4 } as const
const FAR = 1

export interface NodeParts {
  time: Time
  listeners: Listeners
}

interface Rest {
  refusals: number
  until: number
}

export class ClusterNode {
  readonly place: string
  readonly transport: Transport
  /** in the region that is asked for, if one is */
  isNear = true
  /** as its HELLO showed */
  hasLayout = false
  isDown = false
  downAt = 0
  readonly #time: Time
  readonly #listeners: Listeners
  readonly #reads: Rest = { refusals: 0, until: 0 }
  readonly #writes: Rest = { refusals: 0, until: 0 }
  #failures = 0
  #probeAt = 0
  #isProbing = false
  #probeTimer: unknown = null

  constructor(address: Address, transport: Transport, { time, listeners }: NodeParts) {
    this.place = placeOf(address)
    this.transport = transport
    this.#time = time
    this.#listeners = listeners
  }

  fitness(isWrite: boolean, now: number): number {
    const distance = this.isNear ? 0 : FAR
    if (this.isDown) return FITNESS.down + distance
    const isResting = (isWrite ? this.#writes : this.#reads).until > now
    return (isResting ? FITNESS.resting : FITNESS.upAndNear) + distance
  }

  /** It gets a call: after refusals one at a time. */
  take(isWrite: boolean, now: number): void {
    const rest = isWrite ? this.#writes : this.#reads
    if (rest.refusals > 0) rest.until = Math.max(rest.until, now + REST_MS_MIN)
  }

  served(isWrite: boolean): void {
    this.heard()
    const rest = isWrite ? this.#writes : this.#reads
    rest.refusals = 0
    rest.until = 0
  }

  /** It is there, whatever it said. */
  heard(): void {
    if (this.isDown) this.#listeners.tell('up', { node: this.place })
    this.isDown = false
    this.#failures = 0
    this.#probeAt = 0
  }

  refused(isWrite: boolean, now: number): void {
    this.heard()
    const rest = isWrite ? this.#writes : this.#reads
    if (rest.until > now && rest.refusals > 0) return
    rest.until = now + this.#pauseMs(rest.refusals++)
  }

  fell(now: number): void {
    if (this.isDown) return
    this.isDown = true
    this.downAt = now
    this.#listeners.tell('down', { node: this.place })
    this.probe(now)
  }

  /** Asks for its health, unless it was asked a moment ago. */
  probe(now: number): void {
    if (this.#isProbing || now < this.#probeAt) return
    this.#isProbing = true
    const ended = () => {
      this.#time.cancel(this.#probeTimer)
      this.#isProbing = false
    }
    const answered = () => {
      ended()
      this.heard()
    }
    const failed = () => {
      ended()
      this.#probeAt = this.#time.now() + this.#pauseMs(this.#failures++)
    }
    const request = new Request(KIND.health, EMPTY, now + PROBE_MS, answered, failed)
    this.#probeTimer = this.#time.after(PROBE_MS, () => {
      request.reject(new ClientError('CLIENT_TIMEOUT', `${this.place} did not tell its health in time`))
      this.transport.abandon(request, true)
    })
    this.transport.submit(request)
  }

  close(): void {
    this.#isProbing = true
    this.#time.cancel(this.#probeTimer)
    this.transport.close()
  }

  #pauseMs(failures: number): number {
    return Math.min(REST_MS_MAX, REST_MS_MIN * 2 ** failures) * (1 + this.#time.random() / 2)
  }
}
