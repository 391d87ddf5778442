/**
 * The keys as one command sees them, or one transaction: what it reads is remembered with its version, what
 * it writes is kept here until `commit`, which lets all of it take effect in one moment, or none: only where
 * every key that was read is still what it was.
 *
 *     read    what is there, once a key; later commands see what earlier ones have made of it
 *     write   into memory
 *     commit  nothing written: what was read must have been so at one moment
 *             one key in all: a write with a condition; else a batch with conditions
 */
import { Version } from '@minivault/clock'
import { VALUE_TYPE, type ValueType } from '@minivault/storage'
import type { BatchCondition, BatchItem } from '../key-value.ts'
import { ASKED_AT_ONCE_MAX, KEYS_PROVED_MAX } from '../limits.ts'
import { type Asking, CommandError, type FoundKey, type FoundValue, type Told } from './command.ts'
import type { HeldValues } from './held-values.ts'
import { Late } from './late.ts'

const SEVERAL_KEYS =
  'EXECABORT in a cluster a transaction is of one key: several keys do not change in one moment'
const ABSENT = new Version()
const GONE = new Uint8Array(0)

/** What a key holds for who asks. */
export interface Content {
  readonly type: ValueType
  readonly size: number
  /** Wall milliseconds; 0: never. */
  readonly expiresAtMs: number
  /** Null: not read. */
  readonly value: Uint8Array | null
}

export type ReadContent = Content & { readonly value: Uint8Array }

interface Seen {
  readonly key: Uint8Array
  /** When it was read; zero: nothing was there; null: it was not looked at. */
  version: Version | null
  /** Null: nothing. */
  content: Content | null
  isWritten: boolean
  /** Not only its expiry was changed. */
  hasNewValue: boolean
}

interface Part {
  readonly key: Uint8Array
  readonly start: number
  readonly end: number
  readonly bytes: Uint8Array | null
}

export class Keys {
  readonly ask: Asking
  readonly held: HeldValues
  readonly #now: () => number
  readonly #seen = new Map<string, Seen>()
  #reads = 0
  /** Not all was read in one turn of the event loop. */
  #isLate = false
  /** The part of a value that was told late, for the work that begins again. */
  #part: Part | null = null
  /** A value that was read for a second time was no longer the same. */
  #hasMoved = false

  constructor(ask: Asking, held: HeldValues, now: () => number) {
    this.ask = ask
    this.held = held
    this.#now = now
  }

  get(key: Uint8Array): ReadContent | null {
    const seen = this.#seen.get(nameOf(key))
    if (seen !== undefined && (seen.content === null || seen.content.value !== null)) {
      return seen.content as ReadContent | null
    }
    const learn = (found: FoundValue | null) => this.#learn(key, found, found?.value ?? null)
    return this.#read(this.ask.get(key, this.held), learn) as ReadContent | null
  }

  getMany(keys: readonly Uint8Array[]): (ReadContent | null)[] {
    return all(keys, (key) => this.get(key))
  }

  find(key: Uint8Array): Content | null {
    const seen = this.#seen.get(nameOf(key))
    if (seen !== undefined) return seen.content
    return this.#read(this.ask.find(key), (found) => this.#learn(key, found, null))
  }

  findMany(keys: readonly Uint8Array[]): (Content | null)[] {
    return all(keys, (key) => this.find(key))
  }

  /** Bytes [start, end) of the value; null: nothing. */
  getRange(key: Uint8Array, start: number, end: number): Uint8Array | null {
    const seen = this.#seen.get(nameOf(key))
    if (seen !== undefined && (seen.content === null || seen.content.value !== null || seen.isWritten)) {
      return this.get(key)?.value.subarray(start, end) ?? null
    }
    const late = this.#part
    this.#part = null
    if (late !== null && late.key === key && late.start === start && late.end === end) return late.bytes
    return this.#read(this.ask.getRange(key, start, end, this.held), (found, isLate) => {
      const bytes = found?.value ?? null
      this.#learn(key, found, null)
      if (isLate) this.#part = { key, start, end, bytes }
      return bytes
    })
  }

  #read<F, T>(told: Told<F>, learn: (found: F, isLate: boolean) => T): T {
    this.#reads += 1
    if (!(told instanceof Promise)) return learn(told, false)
    this.#isLate = true
    throw new Late(told.then((found) => learn(found, true)))
  }

  put(key: Uint8Array, value: Uint8Array, expiresAtMs = 0, type: ValueType = VALUE_TYPE.raw): void {
    this.#write(key, { value, size: value.length, type, expiresAtMs }, true)
  }

  /** The same value, which must have been found, with another expiry. */
  expire(key: Uint8Array, content: Content, expiresAtMs: number): void {
    this.#write(key, { ...content, expiresAtMs }, false)
  }

  remove(key: Uint8Array): void {
    this.#write(key, null, true)
  }

  /** False: something was written in between. Nothing has taken effect then. */
  commit(isTransaction: boolean, watched: readonly BatchCondition[]): Told<boolean> {
    if (this.#hasMoved) return false
    if (this.ask.isCluster) return this.#commitInCluster(isTransaction, watched)
    const all = [...this.#seen.values()]
    const written = all.filter((seen) => seen.isWritten)
    const isProved = all.length <= KEYS_PROVED_MAX
    if (watched.length === 0) {
      if (written.length === 0 && (!this.#isLate || this.#reads <= 1 || !isProved)) return true
      if (all.length === 1 && written.length === 1) return this.#commitOne(all[0]!)
    }
    const items: BatchItem[] = []
    for (const seen of written) {
      if (seen.content !== null && seen.content.value === null && !this.#load(seen)) return false
      const item = this.#item(seen)
      if (item !== null) items.push(item)
    }
    return this.ask.batch(items, isProved ? [...watched, ...conditionsOf(all)] : watched)
  }

  /** Not in one moment: at most one key is written, and of what else was read nothing is proved. */
  #commitInCluster(isTransaction: boolean, watched: readonly BatchCondition[]): Told<boolean> {
    const all = [...this.#seen.values()]
    const names = new Set([...this.#seen.keys(), ...watched.map(({ key }) => nameOf(key))])
    const written = all.filter((seen) => seen.isWritten)
    if (written.length > 1 || (isTransaction && names.size > 1)) throw new CommandError(SEVERAL_KEYS)
    for (const { key, version } of watched) {
      const seen = this.#seen.get(nameOf(key)) ?? this.#learnVersion(key)
      if (seen.version === null) seen.version = version
      else if (!isSame(version, seen.version)) return false
    }
    return written.length === 0 || this.#commitOne(written[0]!)
  }

  #learnVersion(key: Uint8Array): Seen {
    this.find(key)
    return this.#seen.get(nameOf(key))!
  }

  #commitOne({ key, version, content, hasNewValue }: Seen): Told<boolean> {
    if (content === null || this.#isPast(content.expiresAtMs)) {
      if (version !== null) return version.isZero() || this.ask.delete(key, version)
      // Whether something was there is no condition where it was not looked at.
      const wasThere = this.ask.delete(key)
      return wasThere instanceof Promise ? wasThere.then(() => true) : true
    }
    const ttlMs = this.#ttlOf(content)
    if (!hasNewValue) return this.ask.touch(key, ttlMs, version!)
    const { type } = content
    const value = content.value!
    if (version === null) return this.ask.set(key, value, { ttlMs, type })
    return version.isZero()
      ? this.ask.set(key, value, { ttlMs, type, ifAbsent: true })
      : this.ask.set(key, value, { ttlMs, type, expectedVersion: version })
  }

  /** Null: there is nothing to do. */
  #item({ key, version, content }: Seen): BatchItem | null {
    if (content === null || this.#isPast(content.expiresAtMs)) {
      return version?.isZero() === true ? null : { key, value: null, valueType: VALUE_TYPE.raw, ttlMs: 0 }
    }
    return { key, value: content.value, valueType: content.type, ttlMs: this.#ttlOf(content) }
  }

  /** The value of a key of which only the expiry was changed: in a batch it is written anew. */
  #load(seen: Seen): boolean {
    return this.#read(this.ask.get(seen.key, this.held), (found) => {
      if (found === null || !isSame(found.version, seen.version)) {
        this.#hasMoved = true
        return false
      }
      seen.content = { ...seen.content!, value: found.value }
      return true
    })
  }

  #learn(key: Uint8Array, found: FoundKey | FoundValue | null, value: Uint8Array | null): Content | null {
    const name = nameOf(key)
    const version = found?.version ?? ABSENT
    const seen = this.#seen.get(name)
    if (seen?.isWritten === true) {
      // Only its expiry was changed so far; now its value is wanted, too.
      if (seen.version !== null && !isSame(version, seen.version)) this.#hasMoved = true
      // Where it is gone all is begun again anyway; null would be looked up for ever.
      seen.content = seen.content === null ? null : { ...seen.content, value: value ?? GONE }
      return seen.content
    }
    if (seen !== undefined && seen.version !== null && !isSame(version, seen.version)) this.#hasMoved = true
    const content =
      found === null ? null : { type: found.type, size: found.size, expiresAtMs: found.expiresAtMs, value }
    this.#seen.set(name, { key, version, content, isWritten: false, hasNewValue: false })
    return content
  }

  #write(key: Uint8Array, given: Content | null, hasNewValue: boolean): void {
    const name = nameOf(key)
    const content = given !== null && this.#isPast(given.expiresAtMs) ? null : given
    const seen = this.#seen.get(name)
    if (seen === undefined)
      this.#seen.set(name, { key, version: null, content, isWritten: true, hasNewValue })
    else {
      seen.content = content
      seen.isWritten = true
      seen.hasNewValue ||= hasNewValue
    }
  }

  #isPast(expiresAtMs: number): boolean {
    return expiresAtMs !== 0 && expiresAtMs <= this.#now()
  }

  #ttlOf({ expiresAtMs }: Content): number {
    return expiresAtMs === 0 ? 0 : Math.max(1, expiresAtMs - Math.floor(this.#now()))
  }
}

function conditionsOf(all: readonly Seen[]): BatchCondition[] {
  const conditions: BatchCondition[] = []
  for (const { key, version } of all) if (version !== null) conditions.push({ key, version })
  return conditions
}

/** Those that are told late are asked for before the first is waited for. */
function all<T>(keys: readonly Uint8Array[], one: (key: Uint8Array) => T): T[] {
  const told: T[] = []
  const late: Promise<unknown>[] = []
  for (const key of keys) {
    try {
      told.push(one(key))
    } catch (thrown) {
      late.push(thrown instanceof Late ? thrown.known : Promise.reject(thrown))
      if (!(thrown instanceof Late) || late.length === ASKED_AT_ONCE_MAX) break
    }
  }
  if (late.length > 0) throw new Late(Promise.all(late))
  return told
}

function isSame(a: Version, b: Version | null): boolean {
  return b !== null && a.high === b.high && a.middle === b.middle && a.low === b.low
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
}
