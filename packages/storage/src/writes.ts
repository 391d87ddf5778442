/**
 * The simple door's writes: from what a caller asks to a mutation with a ballot, and a promise that resolves
 * when its record has reached its durability level.
 *
 * A write that depends on what is there (a condition, `delete`, `touch`, `increment`) looks, decides and
 * applies in one turn of the event loop, so nothing comes in between. What it tells of the record it looked
 * at waits for that record's own mark: an answer must not promise what a crash could still undo.
 */

import { compareVersions, type HybridLogicalClock, successor, type Version } from '@minivault/clock'
import { cloneBytes, decompress, type hashKey } from '@minivault/codec'
import type { Durability } from '@minivault/wal'
import { addDecimal, DECIMAL_BYTES_MAX, readDecimal } from './decimal.ts'
import type { Engine } from './engine.ts'
import type { Found } from './found.ts'
import { APPLY, closedError } from './hot-door.ts'
import { EMPTY_BYTES, Mutation } from './mutation.ts'
import { RecordView } from './record.ts'
import { StorageError } from './storage-error.ts'
import type { Waiters } from './waiters.ts'
import {
  bytesOf,
  conditionOf,
  type DeleteOptions,
  durabilityOf,
  expiryOf,
  type IncrementOptions,
  type SetOptions,
  typeOf,
  type WriteOptions,
} from './write-options.ts'

const encoder = new TextEncoder()

export interface WriteParts {
  engine: Engine
  clock: HybridLogicalClock
  waiters: Waiters
  hash: typeof hashKey
  now: () => number
  durability: Durability
}

export class Writes {
  readonly #engine: Engine
  readonly #clock: HybridLogicalClock
  readonly #waiters: Waiters
  readonly #hash: typeof hashKey
  readonly #now: () => number
  readonly #durability: Durability
  readonly #mutation = new Mutation()

  constructor(parts: WriteParts) {
    this.#engine = parts.engine
    this.#clock = parts.clock
    this.#waiters = parts.waiters
    this.#hash = parts.hash
    this.#now = parts.now
    this.#durability = parts.durability
  }

  async set(
    key: string | Uint8Array,
    value: string | Uint8Array,
    options: SetOptions,
  ): Promise<{ version: string }> {
    const condition = conditionOf(options)
    const expiresAtMs = expiryOf(options, this.#now)
    const mutation = this.#mutate(key, options)
    this.#takeValue(mutation, bytesOf('value', value))
    mutation.valueType = typeOf(options.type)
    mutation.expiresAtMs = expiresAtMs
    this.#clock.next(mutation.ballot)
    if (condition === null) return { version: await this.#apply(mutation) }
    const found = this.#look(mutation)
    if (!isMet(condition, found)) return this.#refuse(found)
    return { version: await this.#applyAfter(mutation) }
  }

  async delete(key: string | Uint8Array, options: DeleteOptions): Promise<boolean> {
    const condition = conditionOf(options)
    const mutation = this.#mutate(key, options)
    mutation.tombstone = true
    this.#clock.next(mutation.ballot)
    const found = this.#look(mutation)
    if (condition !== null && !isMet(condition, found)) return this.#refuse(found)
    const { exists } = found
    if (exists) await this.#applyAfter(mutation)
    else await this.#shown()
    return exists
  }

  /** Adds to the decimal number there, or to zero where there is none; the sum. */
  async increment(key: string | Uint8Array, by: number | bigint, options: IncrementOptions): Promise<bigint> {
    const expiresAtMs = expiryOf(options, this.#now)
    const mutation = this.#mutate(key, options)
    this.#clock.next(mutation.ballot)
    const found = this.#look(mutation)
    let number = 0n
    if (found.exists) {
      mutation.valueType = found.valueType
      mutation.expiresAtMs = found.expiresAtMs
      const { bytes, at, length } = this.#engine.lookup
      number = storedNumber(bytes, at, length)
    } else mutation.expiresAtMs = expiresAtMs
    const sum = addDecimal(number, by)
    this.#takeValue(mutation, encoder.encode(String(sum)))
    await this.#applyAfter(mutation)
    return sum
  }

  /** A mutation for this key, with an empty value. Reused: done with when the call gives up its turn. */
  #mutate(key: string | Uint8Array, options: WriteOptions): Mutation {
    const engine = this.#engine
    if (engine.closed) throw closedError()
    const mutation = this.#mutation
    const bytes = bytesOf('key', key)
    // Its own before the clock and a look at the key are asked: both may write where it lies.
    mutation.key = engine.isOwn(bytes) ? cloneBytes(bytes, 0, bytes.length) : bytes
    mutation.keyStart = 0
    mutation.keyEnd = bytes.length
    this.#hash(mutation.key, 0, mutation.keyEnd, mutation.hash)
    mutation.durability = durabilityOf(options, this.#durability)
    mutation.tombstone = false
    mutation.expiresAtMs = 0
    this.#takeValue(mutation, EMPTY_BYTES)
    return mutation
  }

  #takeValue(mutation: Mutation, value: Uint8Array): void {
    mutation.value = this.#engine.isOwn(value) ? cloneBytes(value, 0, value.length) : value
    mutation.valueStart = 0
    mutation.valueEnd = value.length
  }

  /** What the key has now. Raises the mutation's ballot above it. */
  #look({ key, keyStart, keyEnd, hash, ballot }: Mutation): Found {
    const found = this.#engine.locate(key, keyStart, keyEnd, hash)
    if (compareVersions(ballot, found.ballot) <= 0) successor(found.ballot, this.#clock.writerId, ballot)
    return found
  }

  /** Right after a look: resolves when what it saw may be spoken of. */
  #shown(): Promise<void> | undefined {
    const token = this.#waiters.token()
    return this.#engine.waitForLocated(token) ? this.#waiters.applied(token, undefined) : undefined
  }

  async #refuse(found: Found): Promise<never> {
    const version = found.exists ? found.version.toString() : undefined
    await this.#shown()
    const there = version === undefined ? 'there is no value' : `the value has version ${version}`
    throw new StorageError('STORAGE_CONDITION', `the condition is not met: ${there}`, { version })
  }

  /** Applies what was decided on the record that was looked at. */
  async #applyAfter(mutation: Mutation): Promise<string> {
    const token = this.#waiters.token()
    const waits = this.#engine.waitForLocated(token)
    const applied = this.#apply(mutation)
    if (waits) await Promise.all([this.#waiters.applied(token, undefined), applied])
    return applied
  }

  /** The version, when it has reached its level. */
  #apply(mutation: Mutation): Promise<string> | string {
    const engine = this.#engine
    const token = this.#waiters.token()
    if (engine.apply(mutation, token) === APPLY.stale) {
      // A ballot from a clock ahead of ours: this key goes on right above it.
      successor(engine.previous.ballot, this.#clock.writerId, mutation.ballot)
      engine.apply(mutation, token)
    }
    const version = mutation.ballot.toString()
    return engine.waiting ? this.#waiters.applied(token, version) : version
  }
}

function storedNumber(bytes: Uint8Array, at: number, length: number): bigint {
  const view = new RecordView()
  const isShort = view.read(bytes, at, at + length) && !view.isBlob && view.rawBytes <= DECIMAL_BYTES_MAX
  // A long one is no number, whatever its bytes are: it need not be unpacked.
  const value = isShort
    ? decompress(view.codec, bytes.subarray(view.keyEnd, view.end), view.rawBytes)
    : EMPTY_BYTES
  return readDecimal(value)
}

/** The zero version stands for: only if absent. */
function isMet(condition: Version, found: Found): boolean {
  return found.exists ? compareVersions(found.version, condition) === 0 : condition.isZero()
}
