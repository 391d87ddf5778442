/** What each case of the contract suite is given, and the bytes they are made of. */

import type { SimpleDoor } from './simple-door.ts'

/** The few assertions the suite needs; tap's `t` has them. */
export interface ContractTest {
  equal(found: unknown, wanted: unknown, message?: string): unknown
  same(found: unknown, wanted: unknown, message?: string): unknown
  throws(call: () => unknown, wanted: object, message?: string): unknown
  rejects(promise: Promise<unknown>, wanted: object, message?: string): unknown
  ok(value: unknown, message?: string): unknown
}

/** One case: an empty store at first, closed by the suite in the end. */
export interface ContractRun {
  store: SimpleDoor
  /** The wall clock the store sees, in milliseconds; it stands still unless a case moves it on. */
  nowMs: number
  /** Closes the store and opens the same data again, where there is data to open. */
  reopen(): Promise<void>
}

/** Name to body. */
export type ContractCases = Record<string, (t: ContractTest, run: ContractRun) => Promise<void>>

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

export const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value)

export const sameBytes = (a: Uint8Array | undefined, b: Uint8Array): boolean =>
  a !== undefined && Buffer.compare(a, b) === 0

/** Deterministic bytes that do not compress. */
export function noise(length: number, seed = 1): Uint8Array {
  const value = new Uint8Array(length)
  let state = seed | 0 || 1
  for (let i = 0; i < length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    value[i] = state
  }
  return value
}
