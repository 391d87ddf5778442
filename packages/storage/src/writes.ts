/**
 * The simple door's writes: from what a caller asks to a mutation with a ballot, and a promise that resolves
 * when its record has reached its durability level.
 *
 * A write that depends on what is there (a condition, `delete`, `touch`, `increment`) looks, decides and
 * applies in one turn of the event loop, so nothing comes in between. What it tells of the record it looked
 * at waits for that record's own mark: an answer must not promise what a crash could still undo.
 */

import { compareVersions, type HybridLogicalClock, type Version } from '@minivault/clock'
import { cloneBytes, type hashKey } from '@minivault/codec'
import type { Durability } from '@minivault/wal'
import { type BatchOperation, BatchOperations } from './batch-operations.ts'
import type { StagedValue } from './blob/large-values.ts'
import { addDecimal } from './decimal.ts'
import type { Engine } from './engine.ts'
import type { Found } from './found.ts'
import { APPLY, closedError, valueTooLarge } from './hot-door.ts'
import { KeyScratch } from './key-scratch.ts'
import { VALUE_BYTES_MAX } from './limits.ts'
import { EMPTY_BYTES, Mutation, VALUE_TYPE } from './mutation.ts'
import { detachMutation } from './mutation-value.ts'
import { fromLog, StorageError } from './storage-error.ts'
import { storedDecimal, storedValue } from './stored-value.ts'
import type { Waiters } from './waiters.ts'
import {
  bytesOf,
  conditionOf,
  type DeleteOptions,
  durabilityOf,
  expiryOf,
  type IncrementOptions,
  type SetOptions,
  type TouchOptions,
  typeOf,
  type WriteOptions,
} from './write-options.ts'

/** A set whose value is still to come. */
export interface BegunSet {
  readonly mutation: Mutation
  readonly condition: Version | null
}

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
  readonly batches: BatchOperations
  readonly #mutation = new Mutation()
  readonly #key = new KeyScratch()

  constructor(parts: WriteParts) {
    this.#engine = parts.engine
    this.#clock = parts.clock
    this.#waiters = parts.waiters
    this.#hash = parts.hash
    this.#now = parts.now
    this.#durability = parts.durability
    this.batches = new BatchOperations(parts)
  }

  async set(
    key: string | Uint8Array,
    value: string | Uint8Array,
    options: SetOptions,
  ): Promise<{ version: string }> {
    const condition = conditionOf(options)
    const mutation = this.#mutateSet(key, options)
    this.#takeValue(mutation, bytesOf('value', value))
    if (condition === null) {
      this.#clock.next(mutation.ballot)
      const version = this.#apply(mutation)
      return { version: typeof version === 'string' ? version : await version }
    }
    if (this.#engine.packer.isLarge(mutation)) return this.#setLarge(detachMutation(mutation), condition)
    if (!this.#meets(mutation, condition)) return this.#refuse()
    return { version: await this.#applyDecided(mutation, null) }
  }

  /** A condition is judged before the file is written, and again when its record is. */
  async #setLarge(mutation: Mutation, condition: Version): Promise<{ version: string }> {
    const engine = this.#engine
    if (mutation.valueEnd > VALUE_BYTES_MAX) throw valueTooLarge(mutation.valueEnd)
    if (!this.#meets(mutation, condition)) return this.#refuse()
    engine.began()
    try {
      const staged = await engine.large.stage(mutation.hash, mutation.value)
      return await this.setStaged({ mutation, condition }, staged)
    } catch (error) {
      throw engine.error ?? fromLog(error)
    } finally {
      engine.ended()
    }
  }

  /** For a value that is still to come: what is asked, checked, and in memory of its own. */
  begin(key: string | Uint8Array, options: SetOptions): BegunSet {
    const condition = conditionOf(options)
    return { mutation: detachMutation(this.#mutateSet(key, options)), condition }
  }

  /** The value has come. A staged file that is not taken goes. */
  async setStaged({ mutation, condition }: BegunSet, staged: StagedValue): Promise<{ version: string }> {
    const { large } = this.#engine
    let applied: Promise<string> | string
    try {
      if (this.#engine.closed) throw closedError()
      if (!this.#meets(mutation, condition)) return await this.#refuse()
      applied = this.#applyDecided(mutation, staged)
    } catch (error) {
      large.discard(staged)
      throw error
    }
    return { version: await applied }
  }

  async delete(key: string | Uint8Array, options: DeleteOptions): Promise<boolean> {
    const condition = conditionOf(options)
    const mutation = this.#mutate(key, options)
    mutation.tombstone = true
    if (!this.#meets(mutation, condition)) return this.#refuse()
    if (!this.#engine.previous.exists) return this.#nothing(mutation)
    await this.#applyDecided(mutation, null)
    return true
  }

  /** The same value with another expiry. */
  async touch(key: string | Uint8Array, options: TouchOptions): Promise<boolean> {
    const expiresAtMs = expiryOf(options, this.#now)
    const mutation = this.#mutate(key, options)
    const found = this.#look(mutation)
    if (!found.exists) return this.#nothing(mutation)
    mutation.valueType = found.valueType
    mutation.expiresAtMs = expiresAtMs
    if (found.blob === null) {
      // As it is stored.
      const { bytes, codec, rawBytes } = storedValue(this.#engine)
      this.#takeValue(mutation, cloneBytes(bytes, 0, bytes.length))
      mutation.codec = codec
      mutation.rawBytes = rawBytes
    }
    await this.#applyDecided(mutation, found.blob)
    return true
  }

  /** Adds to the decimal number there, or to zero where there is none; the sum. */
  async increment(key: string | Uint8Array, by: number | bigint, options: IncrementOptions): Promise<bigint> {
    const expiresAtMs = expiryOf(options, this.#now)
    const mutation = this.#mutate(key, options)
    const found = this.#look(mutation)
    mutation.expiresAtMs = found.exists ? found.expiresAtMs : expiresAtMs
    if (found.exists) mutation.valueType = found.valueType
    const sum = addDecimal(found.exists ? storedDecimal(this.#engine) : 0n, by)
    this.#takeValue(mutation, encoder.encode(String(sum)))
    await this.#applyDecided(mutation, null)
    return sum
  }

  batch(operations: readonly BatchOperation[], options: WriteOptions): Promise<{ versions: string[] }> {
    return this.batches.write(operations, durabilityOf(options, this.#durability))
  }

  #mutateSet(key: string | Uint8Array, options: SetOptions): Mutation {
    const expiresAtMs = expiryOf(options, this.#now)
    const valueType = typeOf(options.type)
    const mutation = this.#mutate(key, options)
    mutation.valueType = valueType
    mutation.expiresAtMs = expiresAtMs
    return mutation
  }

  /** A mutation for this key, with an empty value. Reused: done with when the call gives up its turn. */
  #mutate(key: string | Uint8Array, options: WriteOptions): Mutation {
    if (this.#engine.closed) throw closedError()
    const mutation = this.#mutation
    // A copy: the clock and a look at the key may write where it lies.
    mutation.keyEnd = this.#key.take(key)
    mutation.key = this.#key.bytes
    mutation.keyStart = 0
    this.#hash(mutation.key, 0, mutation.keyEnd, mutation.hash)
    mutation.durability = durabilityOf(options, this.#durability)
    mutation.tombstone = false
    mutation.valueType = VALUE_TYPE.raw
    mutation.expiresAtMs = 0
    mutation.codec = 0
    this.#takeValue(mutation, EMPTY_BYTES)
    return mutation
  }

  #takeValue(mutation: Mutation, value: Uint8Array): void {
    mutation.value = this.#engine.isOwn(value) ? cloneBytes(value, 0, value.length) : value
    mutation.valueStart = 0
    mutation.valueEnd = value.length
  }

  /** Stamps the mutation; what the key has now. It stands in `engine.previous`. */
  #look(mutation: Mutation): Found {
    const { key, keyStart, keyEnd, hash, ballot } = mutation
    this.#clock.next(ballot)
    const found = this.#engine.locate(key, keyStart, keyEnd, hash)
    if (compareVersions(ballot, found.ballot) <= 0) this.#clock.above(found.ballot, ballot)
    return found
  }

  #meets(mutation: Mutation, condition: Version | null): boolean {
    const found = this.#look(mutation)
    if (condition === null) return true
    // The zero version stands for: only if absent.
    return found.exists ? compareVersions(found.version, condition) === 0 : condition.isZero()
  }

  /** Right after a look: resolves when what it saw may be spoken of. */
  async #shown(level: Durability): Promise<void> {
    const token = this.#waiters.token()
    if (this.#engine.waitForLocated(token, level)) await this.#waiters.applied(token, undefined)
  }

  /** There was no value: false, when that is as sure as the write would have been. */
  async #nothing(mutation: Mutation): Promise<false> {
    await this.#shown(mutation.durability)
    return false
  }

  async #refuse(): Promise<never> {
    const { exists, version } = this.#engine.previous
    const there = exists ? version.toString() : undefined
    await this.#shown(0)
    const message = `the condition is not met: there is ${exists ? `version ${there}` : 'no value'}`
    throw new StorageError('STORAGE_CONDITION', message, { version: there })
  }

  /** Right after a look: applies what was decided on it. The version, when all of it may be spoken of. */
  #applyDecided(mutation: Mutation, staged: StagedValue | null): Promise<string> | string {
    const engine = this.#engine
    const shown = this.#waiters.token()
    const isWaiting = engine.waitForLocated(shown, 0)
    const token = this.#waiters.token()
    if (staged === null) engine.apply(mutation, token)
    else engine.large.applyStaged(mutation, staged, token)
    const applied = this.#applied(mutation, token)
    if (!isWaiting) return applied
    return Promise.all([applied, this.#waiters.applied(shown, undefined)]).then(([version]) => version)
  }

  /** The version, when it has reached its level. */
  #apply(mutation: Mutation): Promise<string> | string {
    const engine = this.#engine
    const token = this.#waiters.token()
    if (engine.apply(mutation, token) === APPLY.stale) {
      // A ballot from a clock ahead of ours: this key goes on right above it.
      this.#clock.above(engine.previous.ballot, mutation.ballot)
      engine.apply(mutation, token)
    }
    return this.#applied(mutation, token)
  }

  #applied(mutation: Mutation, token: number): Promise<string> | string {
    const version = mutation.ballot.toString()
    return this.#engine.waiting ? this.#waiters.applied(token, version) : version
  }
}
