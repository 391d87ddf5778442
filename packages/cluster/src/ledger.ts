/**
 * What a replica held of late, by request: so that a coordinator that does not know whether its write was
 * chosen can find out. Bounded: a ring in typed arrays, the oldest entry makes room for the newest. The
 * greatest request forgotten is the `horizon`: of a request at or below it the ledger may once have known
 * more. In memory only; after a restart the horizon is the highest ballot found on disk.
 *
 *   entry: request · ballot · version (3 words each) · attempt; those of one bucket are linked from the
 *   newest to the oldest, by numbers that only rise: a link to what was overwritten is the chain's end.
 */
import { Version } from '@minivault/clock'
import type { Evidence } from './messages.ts'
import { isAbove } from './record.ts'

const WORDS = 10
const BALLOT = 3
const VERSION = 6
const ATTEMPT = 9
const NONE = 0

export class Ledger {
  readonly horizon = new Version()
  readonly #capacity: number
  readonly #mask: number
  readonly #words: Int32Array
  readonly #sums: (bigint | null)[]
  readonly #heads: Float64Array
  readonly #older: Float64Array
  /** Of the entries; they are numbered from 1. */
  #next = 1
  readonly #forgotten = new Version()
  /** No request that was ever added lies above it: what is asked about is new, most of the time. */
  readonly #newest = new Version()

  /** @param capacity a power of two */
  constructor(horizon: Version, capacity: number) {
    this.horizon.copy(horizon)
    this.#capacity = capacity
    this.#mask = capacity - 1
    this.#words = new Int32Array(capacity * WORDS)
    this.#sums = new Array<bigint | null>(capacity).fill(null)
    this.#heads = new Float64Array(capacity)
    this.#older = new Float64Array(capacity)
  }

  /** Of requests up to there it does not know everything. */
  raiseHorizon(to: Version): void {
    if (isAbove(to, this.horizon)) this.horizon.copy(to)
  }

  /** A record of this request is held from now on. */
  addHeld(request: Version, ballot: Version, version: Version, sum: bigint | null): void {
    this.#add(request, ballot, version, 0, sum)
  }

  /** This attempt was promised to. */
  addAttempt(request: Version, attempt: number): void {
    this.#add(request, NO_VERSION, NO_VERSION, attempt, null)
  }

  hasHeld(request: Version, ballot: Version): boolean {
    for (let entry = this.#first(request); entry !== NONE; entry = this.#nextOf(entry, request)) {
      if (this.#is(this.#at(entry) + BALLOT, ballot)) return true
    }
    return false
  }

  evidence(request: Version): Evidence[] {
    const found: Evidence[] = []
    for (let entry = this.#first(request); entry !== NONE; entry = this.#nextOf(entry, request)) {
      const at = this.#at(entry)
      const ballot = this.#read(at + BALLOT)
      if (ballot.isZero()) continue
      found.push({ ballot, version: this.#read(at + VERSION), sum: this.#sums[entry & this.#mask]! })
    }
    return found
  }

  /** The latest attempt that was promised to; 0 where none was. */
  attempt(request: Version): number {
    let latest = 0
    for (let entry = this.#first(request); entry !== NONE; entry = this.#nextOf(entry, request)) {
      latest = Math.max(latest, this.#words[this.#at(entry) + ATTEMPT]!)
    }
    return latest
  }

  #add(request: Version, ballot: Version, version: Version, attempt: number, sum: bigint | null): void {
    const entry = this.#next
    this.#next += 1
    const at = this.#at(entry)
    if (entry > this.#capacity) this.#forget(at)
    if (isAbove(request, this.#newest)) this.#newest.copy(request)
    const words = this.#words
    put(words, at, request)
    put(words, at + BALLOT, ballot)
    put(words, at + VERSION, version)
    words[at + ATTEMPT] = attempt
    this.#sums[entry & this.#mask] = sum
    const bucket = this.#bucketOf(request)
    this.#older[entry & this.#mask] = this.#heads[bucket]!
    this.#heads[bucket] = entry
  }

  #forget(at: number): void {
    this.raiseHorizon(this.#read(at, this.#forgotten))
  }

  #first(request: Version): number {
    if (isAbove(request, this.#newest)) return NONE
    return this.#match(this.#heads[this.#bucketOf(request)]!, request)
  }

  #nextOf(entry: number, request: Version): number {
    return this.#match(this.#older[entry & this.#mask]!, request)
  }

  #match(from: number, request: Version): number {
    const oldest = this.#next - this.#capacity
    let entry = from
    while (entry >= oldest && entry !== NONE) {
      if (this.#is(this.#at(entry), request)) return entry
      entry = this.#older[entry & this.#mask]!
    }
    return NONE
  }

  #at(entry: number): number {
    return (entry & this.#mask) * WORDS
  }

  #is(at: number, version: Version): boolean {
    const words = this.#words
    return words[at] === version.high && words[at + 1] === version.middle && words[at + 2] === version.low
  }

  #read(at: number, into: Version = new Version()): Version {
    return into.set(this.#words[at]!, this.#words[at + 1]!, this.#words[at + 2]!)
  }

  #bucketOf({ high, middle, low }: Version): number {
    const mixed = Math.imul(middle ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(low, 0xc2b2ae35)
    return (mixed ^ (mixed >>> 15)) & this.#mask
  }
}

const NO_VERSION = new Version()

function put(words: Int32Array, at: number, { high, middle, low }: Version): void {
  words[at] = high
  words[at + 1] = middle
  words[at + 2] = low
}
