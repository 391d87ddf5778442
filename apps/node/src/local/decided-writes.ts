/**
 * Writes that depend on what is there: sets and deletes with a condition, touch, increment; and sets whose
 * value was staged. Each looks, decides and applies in one turn of the event loop, so nothing comes in
 * between; what an answer tells of the record that was looked at waits for that record's own durability mark.
 *
 * A large value is written to its file first. The condition is judged before that, and again when its record
 * is written.
 */
import { compareVersions, Version } from '@minivault/clock'
import { cloneBytes, decompress } from '@minivault/codec'
import { ERROR, type ErrorNumber, VALUE_BYTES_MAX } from '@minivault/protocol'
import {
  addDecimal,
  detachMutation,
  type Found,
  fromLog,
  Mutation,
  type StagedValue,
  type StorageError,
  storedDecimal,
  storedValue,
  VALUE_TYPE,
} from '@minivault/storage'
import { KIND, type Operation } from '../key-value.ts'
import type { Asked } from './answers.ts'
import { expiryOf } from './expiry-of.ts'
import { failBy, type Replica, whenShown } from './replica.ts'
import { errorOf } from './storage-errors.ts'

/** Null: none. The zero version: only if there is nothing. */
type Condition = Version | null

/** What an answer says beside the version. */
interface Said {
  exists?: boolean
  sum?: bigint
}

/** Of a write that was applied. */
interface Ending {
  readonly asked: Asked
  readonly version: Version
  readonly said: Said
  /** So much has to reach its mark before it may be spoken of. */
  awaited: number
  failure: StorageError | null
}

const SAID_NOTHING: Said = {}

export class DecidedWrites {
  readonly #replica: Replica
  readonly #mutation = new Mutation()

  constructor(replica: Replica) {
    this.#replica = replica
  }

  set(operation: Operation, asked: Asked): void {
    const { engine } = this.#replica.store
    const mutation = this.#mutate(operation)
    this.#takeValue(mutation, operation)
    const condition = conditionOf(operation)
    const { staged } = operation
    operation.staged = null
    if (staged !== null) {
      this.#setStaged(detachMutation(mutation), condition, staged, asked)
    } else if (engine.packer.isLarge(mutation)) {
      if (!this.#meets(mutation, condition, asked)) return
      this.#setLarge(detachMutation(mutation), condition, asked)
    } else if (this.#meets(mutation, condition, asked)) {
      this.#apply(mutation, null, asked)
    }
  }

  delete(operation: Operation, asked: Asked): void {
    const mutation = this.#mutate(operation)
    mutation.tombstone = true
    if (this.#meets(mutation, conditionOf(operation), asked)) {
      this.#apply(mutation, null, asked, { exists: true })
    }
  }

  /** The same value with another expiry. */
  touch(operation: Operation, asked: Asked): void {
    const { engine } = this.#replica.store
    const mutation = this.#mutate(operation)
    const found = this.#look(mutation, asked)
    if (!found.exists) return this.#refuse(asked, ERROR.KEY_NOT_FOUND)
    const condition = conditionOf(operation)
    if (condition !== null && compareVersions(found.version, condition) !== 0) {
      return this.#refuse(asked, ERROR.VERSION_MISMATCH)
    }
    const { blob } = found
    mutation.valueType = found.valueType
    if (blob === null) {
      // As it is stored.
      const { bytes, codec, rawBytes } = storedValue(engine)
      mutation.value = cloneBytes(bytes, 0, bytes.length)
      mutation.valueEnd = bytes.length
      mutation.codec = codec
      mutation.rawBytes = rawBytes
    }
    this.#apply(mutation, blob, asked)
  }

  /** Adds to the decimal number there, or to zero where there is none. */
  increment(operation: Operation, asked: Asked): void {
    const mutation = this.#mutate(operation)
    const found = this.#look(mutation, asked)
    let sum: bigint
    try {
      sum = addDecimal(found.exists ? storedDecimal(this.#replica.store.engine) : 0n, operation.delta)
    } catch (error) {
      if ((error as StorageError).code !== 'STORAGE_NOT_A_NUMBER') throw error
      return this.#refuse(asked, ERROR.NOT_A_NUMBER, (error as Error).message)
    }
    if (found.exists) {
      mutation.valueType = found.valueType
      mutation.expiresAtMs = found.expiresAtMs
    }
    mutation.value = Buffer.from(String(sum))
    mutation.valueEnd = mutation.value.length
    this.#apply(mutation, null, asked, { sum })
  }

  /** Key, level and expiry; an empty value. Reused: done with when the operation gives up its turn. */
  #mutate(operation: Operation): Mutation {
    const mutation = this.#mutation
    mutation.key = operation.key
    mutation.keyStart = operation.keyStart
    mutation.keyEnd = operation.keyEnd
    mutation.hash.high = operation.hash.high
    mutation.hash.low = operation.hash.low
    mutation.durability = operation.durability
    mutation.expiresAtMs = expiryOf(operation.ttlMs, this.#replica.store.now)
    mutation.tombstone = false
    mutation.value = EMPTY
    mutation.valueStart = 0
    mutation.valueEnd = 0
    mutation.valueType = VALUE_TYPE.raw
    mutation.codec = 0
    mutation.rawBytes = 0
    return mutation
  }

  /** Raw: whether it is large is told by its length. */
  #takeValue(mutation: Mutation, operation: Operation): void {
    const { value, valueStart, valueEnd, codec } = operation
    const isRaw = codec === 0
    mutation.value = isRaw ? value : decompress(codec, value.subarray(valueStart, valueEnd), VALUE_BYTES_MAX)
    mutation.valueStart = isRaw ? valueStart : 0
    mutation.valueEnd = isRaw ? valueEnd : mutation.value.length
    mutation.valueType = operation.valueType
  }

  /** What the key has now; the mutation gets a ballot above it. */
  #look(mutation: Mutation, { request }: Asked): Found {
    const { store } = this.#replica
    const { key, keyStart, keyEnd, hash, ballot } = mutation
    if (request.isZero()) store.clock.next(ballot)
    else ballot.copy(request)
    const found = store.locate(key, keyStart, keyEnd, hash)
    if (compareVersions(ballot, found.ballot) <= 0) store.clock.above(found.ballot, ballot)
    mutation.version.copy(ballot)
    mutation.requestId.copy(request)
    return found
  }

  /** False: it is refused, and will be answered. */
  #meets(mutation: Mutation, condition: Condition, asked: Asked): boolean {
    const found = this.#look(mutation, asked)
    if (condition === null) return true
    if (condition.isZero()) {
      if (!found.exists) return true
      this.#refuse(asked, ERROR.KEY_EXISTS)
      return false
    }
    if (found.exists && compareVersions(found.version, condition) === 0) return true
    this.#refuse(asked, ERROR.VERSION_MISMATCH)
    return false
  }

  /** Right after a look: says so, and which version is there, when that may be spoken of. */
  #refuse(asked: Asked, error: ErrorNumber, message: string | null = null): void {
    const { answers, store } = this.#replica
    const { exists, version } = store.previous
    const there = exists ? new Version().copy(version) : new Version()
    whenShown(this.#replica, 0, (failure) => {
      if (failure !== null) return failBy(this.#replica, asked, failure)
      const answer = answers.answer.fail(error, message)
      answer.version.copy(there)
      answers.give(asked)
    })
  }

  /** The mutation is in memory of its own, and the condition was met a moment ago. */
  async #setLarge(mutation: Mutation, condition: Condition, asked: Asked): Promise<void> {
    const { engine } = this.#replica.store
    engine.began()
    try {
      const staged = await engine.large.stage(mutation.hash, mutation.value)
      this.#setStaged(mutation, condition, staged, asked)
    } catch (error) {
      failBy(this.#replica, asked, engine.error ?? fromLog(error))
    } finally {
      engine.ended()
    }
  }

  /** A staged file that is not taken goes. */
  #setStaged(mutation: Mutation, condition: Condition, staged: StagedValue, asked: Asked): void {
    const { large } = this.#replica.store.engine
    try {
      if (this.#meets(mutation, condition, asked)) this.#apply(mutation, staged, asked)
      else large.discard(staged)
    } catch (error) {
      large.discard(staged)
      throw error
    }
  }

  /** Right after a look, on which this was decided. */
  #apply(mutation: Mutation, staged: StagedValue | null, asked: Asked, said: Said = SAID_NOTHING): void {
    const { engine } = this.#replica.store
    const { deferred } = this.#replica
    const version = new Version().copy(mutation.version)
    const ending: Ending = { asked, version, said, awaited: 1, failure: null }
    // What was looked at may be of a higher level than what is written.
    if (engine.lookup.slot >= 0 && !engine.reader.isShown) this.#awaitShown(ending)
    const row = deferred.takeRow()
    try {
      if (staged === null) engine.apply(mutation, row)
      else engine.large.applyStaged(mutation, staged, row)
    } catch (error) {
      deferred.drop(row)
      // Nothing was written: who hears of this is told now.
      ending.awaited = Number.POSITIVE_INFINITY
      throw error
    }
    if (engine.waiting) return deferred.await(row, (_found, error) => this.#settle(ending, error))
    deferred.drop(row)
    this.#settle(ending, null)
  }

  #awaitShown(ending: Ending): void {
    ending.awaited += 1
    whenShown(this.#replica, 0, (error) => this.#settle(ending, error))
  }

  #settle(ending: Ending, error: StorageError | null): void {
    const { answers } = this.#replica
    const { asked, version, said } = ending
    ending.failure ??= error
    ending.awaited -= 1
    if (ending.awaited > 0) return
    const { failure } = ending
    if (failure !== null) return answers.doubt(asked, errorOf(failure), failure.message)
    const answer = answers.answer.ok()
    answer.version.copy(version)
    answer.exists = said.exists ?? false
    answer.sum = said.sum ?? 0n
    answers.give(asked)
  }
}

const EMPTY = new Uint8Array(0)
const ABSENT = new Version()

function conditionOf({ kind, expectedVersion }: Operation): Condition {
  if (kind === KIND.create) return ABSENT
  return expectedVersion.isZero() ? null : new Version().copy(expectedVersion)
}
