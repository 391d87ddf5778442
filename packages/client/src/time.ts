/*
 * The client's edge: wall clock, timers and randomness, behind one interface that tests replace. Node and
 * browsers have the same, but for one name.
 */

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

/** Browsers have no name for the end of a turn. */
const endOfTurn: (run: () => void) => unknown = globalThis.setImmediate ?? setTimeout

export const systemTime: Time = {
  now: () => Date.now(),
  afterTurn: (run) => {
    endOfTurn(run)
  },
  after: (ms, run) => setTimeout(run, ms),
  cancel: (handle) => clearTimeout(handle as number),
  random: () => Math.random(),
}

export function randomBytes(count: number): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(count))
}
