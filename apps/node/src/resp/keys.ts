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
import { KEYS_PROVED_MAX } from '../limits.ts'
import type { Asking, FoundKey, FoundValue } from './command.ts'
import type { HeldValues } from './held-values.ts'

const ABSENT = new Version()

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

export class Keys {
  readonly ask: Asking
  readonly held: HeldValues
  readonly #now: () => number
  readonly #seen = new Map<string, Seen>()
  /** Turns of the event loop in which something was read. */
  #moments = 0
  /** A value that was read for a second time was no longer the same. */
  #hasMoved = false

  constructor(ask: Asking, held: HeldValues, now: () => number) {
    this.ask = ask
    this.held = held
    this.#now = now
  }

  async get(key: Uint8Array): Promise<ReadContent | null> {
    const seen = this.#seen.get(nameOf(key))
    if (seen !== undefined && (seen.content === null || seen.content.value !== null)) {
      return seen.content as ReadContent | null
    }
    this.#moments += 1
    const found = await this.ask.get(key, this.held)
    return this.#learn(key, found, found?.value ?? null) as ReadContent | null
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(ReadContent | null)[]> {
    if (this.#seen.size > 0) return inTurn(keys, (key) => this.get(key))
    const { found, isOneMoment } = await this.ask.getMany(keys, this.held)
    this.#moments += isOneMoment ? 1 : 2
    return found.map((value, at) => this.#learn(keys[at]!, value, value?.value ?? null) as ReadContent | null)
  }

  async find(key: Uint8Array): Promise<Content | null> {
    const seen = this.#seen.get(nameOf(key))
    if (seen !== undefined) return seen.content
    this.#moments += 1
    return this.#learn(key, await this.ask.find(key), null)
  }

  async findMany(keys: readonly Uint8Array[]): Promise<(Content | null)[]> {
    if (this.#seen.size > 0) return inTurn(keys, (key) => this.find(key))
    const { found, isOneMoment } = await this.ask.findMany(keys)
    this.#moments += isOneMoment ? 1 : 2
    return found.map((value, at) => this.#learn(keys[at]!, value, null))
  }

  /** Bytes [start, end) of the value; null: nothing. */
  async getRange(key: Uint8Array, start: number, end: number): Promise<Uint8Array | null> {
    const seen = this.#seen.get(nameOf(key))
    if (seen === undefined || (seen.content !== null && seen.content.value === null && !seen.isWritten)) {
      this.#moments += 1
      const found = await this.ask.getRange(key, start, end, this.held)
      this.#learn(key, found, null)
      return found?.value ?? null
    }
    const content = await this.get(key)
    return content === null ? null : content.value.subarray(start, end)
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
  async commit(watched: readonly BatchCondition[] = []): Promise<boolean> {
    if (this.#hasMoved) return false
    const all = [...this.#seen.values()]
    const written = all.filter((seen) => seen.isWritten)
    const isProved = all.length <= KEYS_PROVED_MAX
    if (watched.length === 0) {
      if (written.length === 0 && (this.#moments <= 1 || !isProved)) return true
      if (all.length === 1 && written.length === 1) return this.#commitOne(all[0]!)
    }
    const items: BatchItem[] = []
    for (const seen of written) {
      if (seen.content !== null && seen.content.value === null && !(await this.#load(seen))) return false
      const item = this.#item(seen)
      if (item !== null) items.push(item)
    }
    return this.ask.batch(items, isProved ? [...watched, ...conditionsOf(all)] : watched)
  }

  async #commitOne({ key, version, content, hasNewValue }: Seen): Promise<boolean> {
    if (content === null || this.#isPast(content.expiresAtMs)) {
      // Whether something was there is no condition where it was not looked at.
      if (version === null) await this.ask.delete(key)
      return version === null || version.isZero() || this.ask.delete(key, version)
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
  async #load(seen: Seen): Promise<boolean> {
    const found = await this.ask.get(seen.key, this.held)
    if (found === null || !isSame(found.version, seen.version)) return false
    seen.content = { ...seen.content!, value: found.value }
    return true
  }

  #learn(key: Uint8Array, found: FoundKey | FoundValue | null, value: Uint8Array | null): Content | null {
    const name = nameOf(key)
    const version = found?.version ?? ABSENT
    const seen = this.#seen.get(name)
    if (seen?.isWritten === true) {
      // Only its expiry was changed so far; now its value is wanted, too.
      if (seen.version !== null && !isSame(version, seen.version)) this.#hasMoved = true
      seen.content = seen.content === null ? null : { ...seen.content, value }
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

async function inTurn<T>(keys: readonly Uint8Array[], one: (key: Uint8Array) => Promise<T>): Promise<T[]> {
  const all: T[] = []
  for (const key of keys) all.push(await one(key))
  return all
}

function isSame(a: Version, b: Version | null): boolean {
  return b !== null && a.high === b.high && a.middle === b.middle && a.low === b.low
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
}
