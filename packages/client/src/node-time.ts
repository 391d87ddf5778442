/*
 * The client's edge: wall clock, timers, randomness and the environment, behind one interface that tests
 * replace.
 */

import { getRandomValues } from 'node:crypto'
import { env } from 'node:process'

export interface Time {
  /** ms since 1970 */
  now(): number
  /** the end of this turn of the event loop */
  afterTurn(run: () => void): void
  after(ms: number, run: () => void): unknown
  cancel(handle: unknown): void
  /** 0 up to, not with, 1 */
  random(): number
}

export const nodeTime: Time = {
  now: () => Date.now(),
  afterTurn: (run) => {
    setImmediate(run)
  },
  after: (ms, run) => setTimeout(run, ms),
  cancel: (handle) => clearTimeout(handle as NodeJS.Timeout),
  random: () => Math.random(),
}

export function randomBytes(count: number): Uint8Array {
  return getRandomValues(new Uint8Array(count))
}

/** MINIVAULT_URL of the environment, if it is set. */
export function environmentUrl(): string | undefined {
  const { MINIVAULT_URL: url } = env
  return url || undefined
}
