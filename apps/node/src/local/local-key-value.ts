/**
 * The `KeyValue` of a node without a cluster: the case of one replica. A write takes its request id as ballot
 * and version if that is above the key's ballot, else the ballot's successor with the id beside it; without
 * an id the node's clock stamps it. A retry (same id, higher attempt) is answered from the ledger; after a
 * restart from the newest record of the key; if neither knows, it is in doubt. An attempt below one already
 * seen is superseded.
 *
 * Everything here happens inside `submit`, one operation after another, so a create is decided on what is
 * there now; answers wait in the store for their durability mark.
 */

import { compareVersions, successor, Version } from '@minivault/clock'
import { cloneBytes } from '@minivault/codec'
import { ERROR, type ErrorNumber, OUTCOME } from '@minivault/protocol'
import {
  APPLY,
  type Found,
  Mutation,
  type StorageError,
  type Store,
  type StoreListener,
} from '@minivault/storage'
import { Answer, type Complete, type KeyValue, KIND, Operation } from '../key-value.ts'
import { Pending } from './pending.ts'
import { LEDGER_STATE, RequestLedger } from './request-ledger.ts'
import { errorOf } from './storage-errors.ts'

export class LocalKeyValue implements KeyValue, StoreListener {
  readonly #complete: Complete
  #store!: Store
  #ledger!: RequestLedger
  readonly #mutation = new Mutation()
  readonly #answer = new Answer()
  readonly #pending = new Pending()
  readonly #request = new Version()
  readonly #version = new Version()
  /** Creates that wait for a record to become readable before they can say no: their operation is copied. */
  readonly #waitingCreates = new Map<number, Operation>()

  constructor(complete: Complete) {
    this.#complete = complete
  }

  /** The store needs its listener before it opens, so it comes second. */
  attach(store: Store): void {
    this.#store = store
    this.#ledger = new RequestLedger(store.highestBallot)
  }

  submit(operation: Operation, token: number): void {
    try {
      if (operation.kind === KIND.get) this.#get(operation, token)
      else if (this.#isNew(operation, token)) this.#write(operation, token)
    } catch (error) {
      this.#forget(operation)
      this.#fail(token, errorOf(error), (error as Error).message)
    }
  }

  // --- reads

  #get(operation: Operation, token: number): void {
    const row = this.#take(token, false)
    if (!this.#store.read(operation.key, operation.keyStart, operation.keyEnd, operation.hash, row)) return
    this.#pending.give(row)
    this.#found(token, this.#store.found)
  }

  #found(token: number, found: Found): void {
    if (!found.exists) return this.#fail(token, ERROR.KEY_NOT_FOUND, null)
    const answer = this.#answer.ok()
    answer.version.copy(found.version)
    answer.value = found.value
    answer.valueStart = found.valueStart
    answer.valueEnd = found.valueEnd
    answer.valueType = found.valueType
    this.#complete(token, answer)
  }

  onRead(row: number, found: Found | null, error: StorageError | null): void {
    const token = this.#pending.token(row)
    this.#pending.give(row)
    const create = this.#waitingCreates.get(row)
    if (create !== undefined) {
      this.#waitingCreates.delete(row)
      return this.#createAfterRead(create, token, found, error)
    }
    if (error !== null || found === null) this.#fail(token, errorOf(error), error?.message ?? null)
    else this.#found(token, found)
  }

  // --- requests that were here before

  /** Answers a request that is known; true when it is to be carried out. */
  #isNew(operation: Operation, token: number): boolean {
    const request = operation.requestId
    if (request.isZero()) return true
    const entry = this.#ledger.find(request)
    if (entry >= 0) return this.#repeat(operation, token, entry)
    if (!this.#store.clock.observe(request)) {
      this.#fail(token, ERROR.CLOCK_TOO_FAR, null)
      return false
    }
    const mayBeForgotten = operation.attempt > 0 && compareVersions(request, this.#ledger.horizon) <= 0
    this.#ledger.add(request, operation.attempt)
    if (mayBeForgotten) this.#recall(operation, token)
    return !mayBeForgotten
  }

  #repeat(operation: Operation, token: number, entry: number): boolean {
    const ledger = this.#ledger
    if (operation.attempt < ledger.attempt(entry)) {
      this.#fail(token, ERROR.SUPERSEDED, null)
      return false
    }
    ledger.raiseAttempt(entry, operation.attempt)
    if (ledger.state(entry) === LEDGER_STATE.pending) {
      this.#recall(operation, token)
      return false
    }
    const error = ledger.error(entry) as ErrorNumber
    if (error !== ERROR.NONE) this.#fail(token, error, null)
    else {
      this.#answer.ok()
      ledger.version(entry, this.#answer.version)
      this.#answer.exists = ledger.existed(entry)
      this.#complete(token, this.#answer)
    }
    return false
  }

  /**
   * The ledger cannot answer: the key's newest record does if it is this request's, as soon as it is durable.
   */
  #recall(operation: Operation, token: number): void {
    const { requestId } = operation
    const found = this.#locate(operation)
    const ours =
      compareVersions(found.version, requestId) === 0 || compareVersions(found.requestId, requestId) === 0
    if (!ours) return this.#fail(token, ERROR.IN_DOUBT, null)
    const mutation = this.#mutate(operation)
    mutation.ballot.copy(found.ballot)
    mutation.version.copy(found.version)
    this.#apply(mutation, token, requestId, operation.kind === KIND.delete)
  }

  #forget(operation: Operation): void {
    if (!operation.requestId.isZero())
      this.#ledger.answer(operation.requestId, ERROR.INTERNAL, operation.requestId, false)
  }

  // --- writes

  #write(operation: Operation, token: number): void {
    if (operation.kind === KIND.create && !this.#isAbsent(operation, token)) return
    if (operation.kind === KIND.delete) {
      const found = this.#locate(operation)
      if (!found.exists) return this.#deleteNothing(operation, token, found)
    }
    const mutation = this.#mutate(operation)
    if (operation.requestId.isZero()) this.#store.clock.next(mutation.ballot)
    else mutation.ballot.copy(operation.requestId)
    mutation.version.copy(mutation.ballot)
    this.#apply(mutation, token, operation.requestId, operation.kind === KIND.delete)
  }

  #mutate(operation: Operation): Mutation {
    const mutation = this.#mutation
    mutation.key = operation.key
    mutation.keyStart = operation.keyStart
    mutation.keyEnd = operation.keyEnd
    mutation.hash.high = operation.hash.high
    mutation.hash.low = operation.hash.low
    mutation.requestId.clear()
    mutation.tombstone = operation.kind === KIND.delete
    mutation.value = operation.value
    mutation.valueStart = operation.valueStart
    mutation.valueEnd = operation.valueEnd
    mutation.valueType = operation.valueType
    mutation.codec = operation.codec
    mutation.rawBytes = operation.rawBytes
    mutation.durability = operation.durability
    return mutation
  }

  #apply(mutation: Mutation, token: number, request: Version, exists: boolean): void {
    const store = this.#store
    const row = this.#pending.take(token, mutation.version, request, exists)
    try {
      if (store.apply(mutation, row) === APPLY.stale) {
        mutation.requestId.copy(request)
        successor(store.previous.ballot, store.writerId, mutation.ballot)
        mutation.version.copy(mutation.ballot)
        this.#pending.setVersion(row, mutation.version)
        store.apply(mutation, row)
      }
    } catch (error) {
      this.#pending.give(row)
      throw error
    }
    if (!store.waiting) this.onApplied(row, null)
  }

  onApplied(row: number, error: StorageError | null): void {
    const pending = this.#pending
    const token = pending.token(row)
    const request = pending.request(row, this.#request)
    const version = pending.version(row, this.#version)
    const exists = pending.exists(row)
    pending.give(row)
    const number = error === null ? ERROR.NONE : errorOf(error)
    if (!request.isZero()) this.#ledger.answer(request, number, version, exists)
    if (error !== null) return this.#doubt(token, number, error.message)
    const answer = this.#answer.ok()
    answer.version.copy(version)
    answer.exists = exists
    this.#complete(token, answer)
  }

  #locate(operation: Operation): Found {
    return this.#store.locate(operation.key, operation.keyStart, operation.keyEnd, operation.hash)
  }

  /**
   * Nothing to delete. If that is so because of a tombstone, its durability is waited for: an answer before
   * it would promise what a crash could still undo.
   */
  #deleteNothing(operation: Operation, token: number, found: Found): void {
    if (!found.tombstone) {
      if (!operation.requestId.isZero()) {
        this.#ledger.answer(operation.requestId, ERROR.NONE, this.#version.clear(), false)
      }
      return this.#complete(token, this.#answer.ok())
    }
    const mutation = this.#mutate(operation)
    mutation.ballot.copy(found.ballot)
    mutation.version.copy(found.version)
    this.#apply(mutation, token, operation.requestId, false)
  }

  // --- create

  /** False when the create is answered, or waits until what is there may be spoken of. */
  #isAbsent(operation: Operation, token: number): boolean {
    const row = this.#take(token, false)
    if (this.#store.read(operation.key, operation.keyStart, operation.keyEnd, operation.hash, row)) {
      this.#pending.give(row)
      if (!this.#store.found.exists) return true
      this.#exist(operation, token)
      return false
    }
    this.#waitingCreates.set(row, copyOf(operation))
    return false
  }

  #createAfterRead(
    operation: Operation,
    token: number,
    found: Found | null,
    error: StorageError | null,
  ): void {
    if (error !== null || found === null) return this.#fail(token, errorOf(error), error?.message ?? null)
    if (found.exists) return this.#exist(operation, token)
    try {
      this.#write(operation, token)
    } catch (thrown) {
      this.#forget(operation)
      this.#fail(token, errorOf(thrown), (thrown as Error).message)
    }
  }

  #exist(operation: Operation, token: number): void {
    if (!operation.requestId.isZero()) {
      this.#ledger.answer(operation.requestId, ERROR.KEY_EXISTS, operation.requestId, true)
    }
    this.#fail(token, ERROR.KEY_EXISTS, null)
  }

  #take(token: number, exists: boolean): number {
    return this.#pending.take(token, this.#version.clear(), this.#request.clear(), exists)
  }

  /** The record was on its way to the disk when that failed: a restart may find it, or not. */
  #doubt(token: number, error: ErrorNumber, message: string): void {
    const answer = this.#answer.fail(error === ERROR.DISK_FULL ? error : ERROR.IN_DOUBT, message)
    answer.outcome = OUTCOME.inDoubt
    this.#complete(token, answer)
  }

  #fail(token: number, error: ErrorNumber, message: string | null): void {
    this.#complete(token, this.#answer.fail(error, message))
  }
}

function copyOf(operation: Operation): Operation {
  const copy = new Operation()
  const key = cloneBytes(operation.key, operation.keyStart, operation.keyEnd)
  copy.begin(operation.kind, key, 0, key.length, operation.durability)
  copy.hash.high = operation.hash.high
  copy.hash.low = operation.hash.low
  const value = cloneBytes(operation.value, operation.valueStart, operation.valueEnd)
  copy.setValue(value, 0, value.length, operation.valueType)
  copy.codec = operation.codec
  copy.rawBytes = operation.rawBytes
  copy.requestId.copy(operation.requestId)
  copy.attempt = operation.attempt
  return copy
}
