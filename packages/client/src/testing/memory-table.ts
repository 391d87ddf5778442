/*
 * Keys and values in memory, with versions and expiry.
 */

import { Version } from '@minivault/clock'
import { RequestClock } from '../request-clock.ts'
import type { Time } from '../time.ts'

export interface Held {
  readonly value: Uint8Array
  readonly isJson: boolean
  readonly version: string
  /** ms since 1970; 0: never */
  readonly expiresAtMs: number
}

/** Keys as text of one letter for each byte: their order is that of the bytes. */
export class MemoryTable {
  readonly #time: Time
  readonly #clock: RequestClock
  readonly #held = new Map<string, Held>()
  #sorted: string[] | null = null

  constructor(time: Time) {
    this.#time = time
    this.#clock = new RequestClock(time)
  }

  get size(): number {
    return this.keys().length
  }

  get(key: string): Held | undefined {
    const held = this.#held.get(key)
    if (held === undefined || held.expiresAtMs === 0 || held.expiresAtMs > this.#time.now()) return held
    this.delete(key)
    return undefined
  }

  /** Gives the value a version above all before; its bytes are copied. `ttlMs` 0: for ever. */
  set(key: string, value: Uint8Array, isJson: boolean, expiresAtMs: number): Held {
    const held = { value: new Uint8Array(value), isJson, version: this.nextVersion(), expiresAtMs }
    if (!this.#held.has(key)) this.#sorted = null
    this.#held.set(key, held)
    return held
  }

  delete(key: string): boolean {
    if (!this.#held.delete(key)) return false
    this.#sorted = null
    return true
  }

  clear(): void {
    this.#held.clear()
    this.#sorted = null
  }

  nextVersion(): string {
    const version = new Version()
    this.#clock.next(version)
    return version.toString()
  }

  /** 0: never */
  expiryOf(ttlMs: number): number {
    return ttlMs === 0 ? 0 : this.#time.now() + ttlMs
  }

  /** Those of live values, in order. */
  keys(): readonly string[] {
    const now = this.#time.now()
    for (const [key, { expiresAtMs }] of this.#held) {
      if (expiresAtMs !== 0 && expiresAtMs <= now) this.delete(key)
    }
    this.#sorted ??= [...this.#held.keys()].sort((a, b) => (a < b ? -1 : 1))
    return this.#sorted
  }
}
