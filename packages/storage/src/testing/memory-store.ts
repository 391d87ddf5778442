/**
 * The model: the simple door over a `Map`, with nothing on disk. What it answers is what every store must
 * answer; tests drive both with the same operations. Each method works at once and before its first `await`,
 * so that operations take effect in the order of their calls.
 */

import type { BatchOperation } from '../batch-operations.ts'
import { isExpired } from '../expiry.ts'
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from '../limits.ts'
import type { Entry } from '../reads.ts'
import { StorageError } from '../storage-error.ts'
import {
  bytesOf,
  type ConditionOptions,
  conditionOf,
  type DeleteOptions,
  expiryOf,
  type IncrementOptions,
  type SetOptions,
  type TouchOptions,
  typeOf,
} from '../write-options.ts'
import { MemoryScan, nameOf } from './memory-scan.ts'
import { collect, MemoryStream } from './memory-stream.ts'
import type { Bytes, SimpleDoor } from './simple-door.ts'

/** As `increment` writes it: no sign of plus, no zero in front. */
const DECIMAL = /^(0|-?[1-9][0-9]{0,18})$/

export class MemoryStore implements SimpleDoor {
  /** Entries are replaced, never changed. */
  readonly #entries = new Map<string, Entry>()
  readonly #now: () => number
  #counter = 0
  #isClosed = false

  /** `now` gives wall milliseconds; without one nothing ever expires. */
  constructor(options: { now?: () => number } = {}) {
    this.#now = options.now ?? (() => 0)
  }

  async get(key: Bytes): Promise<Uint8Array | undefined> {
    return this.getSync(key)
  }

  getSync(key: Bytes): Uint8Array | undefined {
    return this.#live(this.#name(key))?.value.slice()
  }

  view(key: Bytes): Uint8Array | undefined {
    return this.getSync(key)
  }

  getInto(key: Bytes, target: Uint8Array): number {
    const value = this.getSync(key)
    if (value === undefined) return -1
    target.set(value.subarray(0, target.length))
    return value.length
  }

  async getEntry(key: Bytes): Promise<Entry | undefined> {
    const entry = this.#live(this.#name(key))
    return entry && { ...entry, value: entry.value.slice() }
  }

  async getMany(keys: readonly Bytes[]): Promise<(Uint8Array | undefined)[]> {
    this.#check()
    return keys.map((key) => this.getSync(key))
  }

  async has(key: Bytes): Promise<boolean> {
    return this.#live(this.#name(key)) !== undefined
  }

  async set(key: Bytes, value: Bytes, options: SetOptions = {}): Promise<{ version: string }> {
    return { version: this.#set(this.#name(key), this.#bytes(value), options) }
  }

  async delete(key: Bytes, options: DeleteOptions = {}): Promise<boolean> {
    const name = this.#name(key)
    this.#meets(name, options)
    const exists = this.#live(name) !== undefined
    this.#entries.delete(name)
    return exists
  }

  async touch(key: Bytes, options: TouchOptions = {}): Promise<boolean> {
    const name = this.#name(key)
    const expiresAtMs = expiryOf(options, this.#now)
    const entry = this.#live(name)
    if (entry !== undefined) this.#put(name, { ...entry, expiresAtMs })
    return entry !== undefined
  }

  async increment(key: Bytes, by: number | bigint = 1, options: IncrementOptions = {}): Promise<bigint> {
    const name = this.#name(key)
    const made = expiryOf(options, this.#now)
    if (typeof by !== 'bigint' && !Number.isSafeInteger(by)) {
      throw new StorageError('STORAGE_OPTION', 'an increment must be a safe integer or a bigint')
    }
    const { value, type, expiresAtMs } = this.#live(name) ?? {
      value: Buffer.from('0'),
      type: 0,
      expiresAtMs: made,
    }
    const digits = Buffer.from(value).toString('latin1')
    if (!DECIMAL.test(digits) || !isSigned64(BigInt(digits))) {
      throw new StorageError('STORAGE_NOT_A_NUMBER', 'the value is no decimal number of 64 bits')
    }
    const sum = BigInt(digits) + BigInt(by)
    if (!isSigned64(sum)) throw new StorageError('STORAGE_NOT_A_NUMBER', 'the sum has more than 64 bits')
    this.#put(name, { value: Buffer.from(String(sum)), type, expiresAtMs })
    return sum
  }

  async batch(operations: readonly BatchOperation[]): Promise<{ versions: string[] }> {
    this.#check()
    const writes = operations.map((operation) => {
      if (operation?.type !== 'set' && operation?.type !== 'delete') {
        throw new StorageError('STORAGE_BATCH', 'an operation of a batch is a set or a delete')
      }
      const name = this.#name(operation.key)
      if (operation.type === 'delete') return { name, entry: null }
      const { value, valueType } = operation
      const entry = {
        value: this.#bytes(value),
        type: typeOf(valueType),
        expiresAtMs: expiryOf(operation, this.#now),
      }
      return { name, entry }
    })
    const versions = writes.map(({ name, entry }) => {
      if (entry !== null) return this.#put(name, entry)
      this.#entries.delete(name)
      return this.#nextVersion()
    })
    return { versions }
  }

  scan: SimpleDoor['scan'] = (options = {}) => {
    this.#check()
    const live = [...this.#entries].filter(([name]) => this.#live(name) !== undefined)
    return new MemoryScan(live, options, () => this.#check())
  }

  setStream: SimpleDoor['setStream'] = async (key, source, options = {}) => {
    const name = this.#name(key)
    const bytes = await collect(source, options.size)
    this.#check()
    return { version: this.#set(name, bytes, options), size: bytes.length }
  }

  getStream: SimpleDoor['getStream'] = async (key, range = {}) => {
    const entry = this.#live(this.#name(key))
    return entry && new MemoryStream(entry, range)
  }

  async merge(): Promise<unknown> {
    this.#check()
    return {}
  }

  async sync(): Promise<void> {
    this.#check()
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  #set(name: string, value: Uint8Array, options: SetOptions): string {
    const expiresAtMs = expiryOf(options, this.#now)
    this.#meets(name, options)
    return this.#put(name, { value, type: typeOf(options.type), expiresAtMs })
  }

  #put(name: string, entry: Omit<Entry, 'version'>): string {
    const version = this.#nextVersion()
    this.#entries.set(name, { ...entry, version })
    return version
  }

  #nextVersion(): string {
    return (++this.#counter).toString(16).padStart(24, '0')
  }

  #live(name: string): Entry | undefined {
    const entry = this.#entries.get(name)
    return entry && isExpired(entry.expiresAtMs, this.#now()) ? undefined : entry
  }

  #meets(name: string, options: ConditionOptions): void {
    const condition = conditionOf(options)
    const version = this.#live(name)?.version
    const isMet = condition?.isZero() ? version === undefined : version === condition?.toString()
    if (condition !== null && !isMet) {
      throw new StorageError('STORAGE_CONDITION', 'the key has another version', { version })
    }
  }

  #bytes(value: Bytes): Uint8Array {
    const bytes = Uint8Array.from(bytesOf('value', value))
    if (bytes.length > VALUE_BYTES_MAX) {
      throw new StorageError('STORAGE_VALUE_TOO_LARGE', 'the value is too large')
    }
    return bytes
  }

  #name(key: Bytes): string {
    this.#check()
    const name = nameOf(bytesOf('key', key))
    if (name.length < 1 || name.length > KEY_BYTES_MAX) {
      const message = `a key has 1 to ${KEY_BYTES_MAX} bytes, not ${name.length}`
      throw new StorageError('STORAGE_KEY_LENGTH', message)
    }
    return name
  }

  #check(): void {
    if (this.#isClosed) throw new StorageError('STORAGE_CLOSED', 'the store is closed')
  }
}

function isSigned64(value: bigint): boolean {
  return value === BigInt.asIntN(64, value)
}
