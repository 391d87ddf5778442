/**
 * What became of the requests of late, so that a retry is answered and not carried out twice. Bounded: a ring
 * of entries in typed arrays with an open-addressing index over it; the oldest entry makes room for the
 * newest, and the greatest request id ever dropped is the `horizon`: an unknown id at or below it may have
 * been here, one above it certainly was not. Not durable; after a restart the horizon is the highest ballot
 * found on disk.
 *
 *   entry: request id (3 words) · attempt · state · error · version (3 words) · existed · sum (2 words)
 */
import { compareVersions, Version } from '@minivault/clock'
import { ERROR as NUMBER, OUTCOME } from '@minivault/protocol'
import type { Answer } from '../key-value.ts'
import { LEDGER_ENTRIES } from '../limits.ts'

/** `failed`: nothing was done; a retry is carried out. */
export const LEDGER_STATE = { pending: 0, answered: 1, failed: 2 } as const

const WORDS = 12
const ATTEMPT = 3
const STATE = 4
const ERROR = 5
const VERSION = 6
const EXISTED = 9
const SUM = 10
const EMPTY = -1

export class RequestLedger {
  readonly horizon = new Version()
  readonly #entries: Int32Array
  readonly #index: Int32Array
  readonly #mask: number
  readonly #capacity: number
  #next = 0
  readonly #dropped = new Version()

  /** @param capacity entries remembered, a power of two */
  constructor(horizon: Version, capacity: number = LEDGER_ENTRIES) {
    this.horizon.copy(horizon)
    this.#capacity = capacity
    this.#entries = new Int32Array(capacity * WORDS)
    this.#index = new Int32Array(capacity * 2).fill(EMPTY)
    this.#mask = capacity * 2 - 1
  }

  /** The entry of a request, or -1. Valid until the next `add`. */
  find(request: Version): number {
    for (let at = home(request) & this.#mask; ; at = (at + 1) & this.#mask) {
      const entry = this.#index[at]!
      if (entry === EMPTY || this.#holds(entry, request)) return entry
    }
  }

  /** Remembers a request that is not there yet, as pending. Returns its entry. */
  add(request: Version, attempt: number): number {
    const entry = this.#next
    this.#next = (entry + 1) & (this.#capacity - 1)
    this.#drop(entry)
    const base = entry * WORDS
    this.#entries[base] = request.high
    this.#entries[base + 1] = request.middle
    this.#entries[base + 2] = request.low
    this.#entries[base + ATTEMPT] = attempt
    this.#entries[base + STATE] = LEDGER_STATE.pending
    let at = home(request) & this.#mask
    while (this.#index[at] !== EMPTY) at = (at + 1) & this.#mask
    this.#index[at] = entry
    return entry
  }

  /** Records the answer, if the request is still remembered. `error` 0: it took effect under `version`. */
  answer(request: Version, error: number, version: Version, existed: boolean): void {
    const entry = this.find(request)
    if (entry === EMPTY) return
    const base = entry * WORDS
    this.#entries[base + STATE] = LEDGER_STATE.answered
    this.#entries[base + ERROR] = error
    this.#entries[base + VERSION] = version.high
    this.#entries[base + VERSION + 1] = version.middle
    this.#entries[base + VERSION + 2] = version.low
    this.#entries[base + EXISTED] = existed ? 1 : 0
  }

  /** The same with all that an answer off the hot path says. */
  record(request: Version, answer: Answer): void {
    const entry = this.find(request)
    if (entry === EMPTY) return
    const isInDoubt = answer.outcome === OUTCOME.inDoubt
    this.answer(request, isInDoubt ? NUMBER.IN_DOUBT : answer.error, answer.version, answer.exists)
    const base = entry * WORDS
    if (answer.outcome === OUTCOME.failed) this.#entries[base + STATE] = LEDGER_STATE.failed
    this.#entries[base + SUM] = Number(BigInt.asIntN(32, answer.sum >> 32n))
    this.#entries[base + SUM + 1] = Number(BigInt.asIntN(32, answer.sum))
  }

  /** A retry of what had failed is carried out now. */
  again(entry: number): void {
    this.#entries[entry * WORDS + STATE] = LEDGER_STATE.pending
  }

  attempt(entry: number): number {
    return this.#entries[entry * WORDS + ATTEMPT]!
  }

  raiseAttempt(entry: number, attempt: number): void {
    this.#entries[entry * WORDS + ATTEMPT] = attempt
  }

  state(entry: number): number {
    return this.#entries[entry * WORDS + STATE]!
  }

  error(entry: number): number {
    return this.#entries[entry * WORDS + ERROR]!
  }

  existed(entry: number): boolean {
    return this.#entries[entry * WORDS + EXISTED] === 1
  }

  /** Of an increment. */
  sum(entry: number): bigint {
    const base = entry * WORDS + SUM
    return (BigInt(this.#entries[base]!) << 32n) | BigInt(this.#entries[base + 1]! >>> 0)
  }

  version(entry: number, into: Version): Version {
    const base = entry * WORDS + VERSION
    return into.set(this.#entries[base]!, this.#entries[base + 1]!, this.#entries[base + 2]!)
  }

  #holds(entry: number, request: Version): boolean {
    const base = entry * WORDS
    return (
      this.#entries[base] === request.high &&
      this.#entries[base + 1] === request.middle &&
      this.#entries[base + 2] === request.low
    )
  }

  #drop(entry: number): void {
    const base = entry * WORDS
    const old = this.#dropped.set(this.#entries[base]!, this.#entries[base + 1]!, this.#entries[base + 2]!)
    if (old.isZero()) return
    if (compareVersions(old, this.horizon) > 0) this.horizon.copy(old)
    let at = home(old) & this.#mask
    while (this.#index[at] !== entry) at = (at + 1) & this.#mask
    this.#closeGap(at)
  }

  /** Backward-shift deletion: whatever probed past the gap moves into it, so no tombstones are needed. */
  #closeGap(gap: number): void {
    let hole = gap
    for (let at = (gap + 1) & this.#mask; this.#index[at] !== EMPTY; at = (at + 1) & this.#mask) {
      const base = this.#index[at]! * WORDS
      const wanted =
        mix(this.#entries[base]!, this.#entries[base + 1]!, this.#entries[base + 2]!) & this.#mask
      if (((at - wanted) & this.#mask) < ((at - hole) & this.#mask)) continue
      this.#index[hole] = this.#index[at]!
      hole = at
    }
    this.#index[hole] = EMPTY
  }
}

function home(request: Version): number {
  return mix(request.high, request.middle, request.low)
}

function mix(high: number, middle: number, low: number): number {
  let hash = Math.imul(high ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(middle, 0xc2b2ae35)
  hash = Math.imul(hash ^ (hash >>> 15) ^ low, 0x27d4eb2f)
  return hash ^ (hash >>> 13)
}
