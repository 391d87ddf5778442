/*
 * Where request ids come from: a hybrid logical clock of the client's own under a random writerId, lifted by
 * the versions in replies, so that what a client writes after reading is ordered after what it read.
 *
 * A server refuses ids that are too far ahead of its own clock. So the client's clock runs at the server's
 * time, as HELLO told it; after a refusal it starts anew, further back. An id that lies low costs nothing:
 * the server then takes the next version above the one the key holds.
 */

import { HybridLogicalClock, type Version } from '@minivault/clock'
import { randomBytes, type Time } from './time.ts'

const STEP_BACK_MS = 1_000

export class RequestClock {
  readonly #time: Time
  #offsetMs = 0
  #clock: HybridLogicalClock

  constructor(time: Time) {
    this.#time = time
    this.#clock = this.#start()
  }

  next(into: Version): void {
    this.#clock.next(into)
  }

  observe(version: Version): void {
    this.#clock.observe(version)
  }

  /** The server's wall time, just heard. Only moves the clock back: ahead it is lifted by replies. */
  learn(serverMs: number): void {
    const offsetMs = Math.min(0, serverMs - this.#time.now())
    if (offsetMs >= this.#offsetMs - STEP_BACK_MS / 4 && offsetMs <= this.#offsetMs + STEP_BACK_MS / 4) return
    this.#offsetMs = offsetMs
    this.#clock = this.#start()
  }

  /** An id was refused as too far ahead, for the nth time of its request. */
  stepBack(nth: number): void {
    this.#offsetMs -= STEP_BACK_MS * 4 ** nth
    this.#clock = this.#start()
  }

  // A new writerId each time, so that no id is ever issued twice although the clock went back.
  #start(): HybridLogicalClock {
    const bytes = randomBytes(4)
    const writerId = new DataView(bytes.buffer).getUint32(0)
    return new HybridLogicalClock({ writerId, now: () => this.#time.now() + this.#offsetMs })
  }
}
