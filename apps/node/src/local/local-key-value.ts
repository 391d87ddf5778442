/**
 * The `KeyValue` of a node without a cluster: the case of one replica. A write takes its request id as ballot
 * and version if that is above the key's ballot, else the ballot's successor with the id beside it; without
 * an id the node's clock stamps it. A retry (same id, higher attempt) is answered from the ledger; after a
 * restart from the newest record of the key; if neither knows, it is in doubt. An attempt below one already
 * seen is superseded.
 *
 * Here are the plain get, set and delete, which allocate nothing, and who does all the others. Each is begun
 * inside `submit`, one after another; answers wait in the store for their durability mark.
 */

import { compareVersions, Version } from '@minivault/clock'
import { ERROR, type ErrorNumber } from '@minivault/protocol'
import {
  APPLY,
  DURABILITY,
  type Foresight,
  type Found,
  Mutation,
  type StorageError,
  type Store,
  type StoreListener,
} from '@minivault/storage'
import { Answer, type Complete, type KeyValue, KIND, type Operation } from '../key-value.ts'
import { Answers, askedBy } from './answers.ts'
import { Batches } from './batches.ts'
import { DecidedWrites } from './decided-writes.ts'
import { Deferred } from './deferred.ts'
import { DescribedReads, isDescribed } from './described-reads.ts'
import { expiryOf } from './expiry-of.ts'
import { Pending } from './pending.ts'
import { Recall } from './recall.ts'
import { failBy, type Replica } from './replica.ts'
import { LEDGER_STATE, RequestLedger } from './request-ledger.ts'
import { pageOf, ScanPages } from './scan-pages.ts'
import { errorOf } from './storage-errors.ts'

export class LocalKeyValue implements KeyValue, StoreListener {
  readonly isCluster = false
  readonly #complete: Complete
  #store!: Store
  #ledger!: RequestLedger
  #answers!: Answers
  #replica!: Replica
  #reads!: DescribedReads
  #writes!: DecidedWrites
  #scans!: ScanPages
  #batches!: Batches
  #recall!: Recall
  readonly #mutation = new Mutation()
  #answer = new Answer()
  readonly #pending = new Pending()
  readonly #deferred = new Deferred(this.#pending)
  readonly #request = new Version()
  readonly #version = new Version()

  constructor(complete: Complete) {
    this.#complete = complete
  }

  /** The store needs its listener before it opens, so it comes second. */
  attach(store: Store): void {
    this.#store = store
    this.#ledger = new RequestLedger(store.highestBallot)
    this.#answers = new Answers(this.#complete, this.#ledger)
    this.#answer = this.#answers.answer
    const replica = { store, deferred: this.#deferred, answers: this.#answers }
    this.#replica = replica
    this.#reads = new DescribedReads(replica)
    this.#writes = new DecidedWrites(replica)
    this.#scans = new ScanPages(this.#complete, this.#answer, (query) => pageOf(store, query))
    this.#batches = new Batches(replica)
    this.#recall = new Recall(replica)
  }

  submit(operation: Operation, token: number): void {
    const { kind } = operation
    try {
      if (kind === KIND.get) this.#get(operation, token)
      else if (kind === KIND.scan) this.#scans.submit(operation, token)
      else if (this.#isNew(operation, token)) this.#write(operation, token)
      else this.#discard(operation)
    } catch (error) {
      this.#discard(operation)
      const asked = askedBy(operation, token)
      if (kind === KIND.get) asked.request.clear()
      failBy(this.#replica, asked, error)
    }
  }

  foresee(keys: Foresight): void {
    this.#store.foresee(keys)
  }

  /** A staged value that nobody took. */
  #discard(operation: Operation): void {
    if (operation.staged !== null) this.#store.engine.large.discard(operation.staged)
    operation.staged = null
  }

  // --- reads

  #get(operation: Operation, token: number): void {
    if (isDescribed(operation)) return this.#reads.submit(operation, token)
    const row = this.#take(token, false)
    if (operation.wantsStream) this.#pending.wantStream(row)
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
    answer.expiresAtMs = found.expiresAtMs
    if (found.blob !== null) {
      answer.stream = this.#store.takeStream()
      answer.size = found.blob.size
    }
    this.#complete(token, answer)
  }

  wantsStream(row: number): boolean {
    return this.#pending.wantsStream(row)
  }

  onRead(row: number, found: Found | null, error: StorageError | null): void {
    if (!this.#deferred.isEmpty && this.#deferred.settle(row, found, error)) return
    const token = this.#pending.token(row)
    this.#pending.give(row)
    if (error !== null || found === null) this.#fail(token, errorOf(error), error?.message ?? null)
    else this.#found(token, found)
  }

  // --- requests that were here before

  /** Answers a request that is known; true when it is to be carried out. */
  #isNew(operation: Operation, token: number): boolean {
    const request = operation.requestId
    if (request.isZero()) return true
    const entry = this.#ledger.find(request)
    if (entry >= 0) return this.#isAgain(operation, token, entry)
    const mayBeForgotten = operation.attempt > 0 && compareVersions(request, this.#ledger.horizon) <= 0
    // Nothing was done, this says: not of what may have been here before the wall clock was set back.
    if (!this.#store.clock.observe(request) && !mayBeForgotten) {
      this.#fail(token, ERROR.CLOCK_TOO_FAR, null)
      return false
    }
    this.#ledger.add(request, operation.attempt)
    if (mayBeForgotten) this.#recall.submit(operation, askedBy(operation, token))
    return !mayBeForgotten
  }

  /** The request is known: true when nothing was done so far, and the retry is to be carried out. */
  #isAgain(operation: Operation, token: number, entry: number): boolean {
    const ledger = this.#ledger
    if (operation.attempt < ledger.attempt(entry)) {
      this.#fail(token, ERROR.SUPERSEDED, null)
      return false
    }
    ledger.raiseAttempt(entry, operation.attempt)
    const state = ledger.state(entry)
    if (state === LEDGER_STATE.pending) this.#answers.follow(operation.requestId, token)
    else if (state === LEDGER_STATE.failed) ledger.again(entry)
    else if (ledger.error(entry) !== ERROR.IN_DOUBT) this.#answers.repeat(operation, token, entry)
    else this.#recall.submit(operation, askedBy(operation, token))
    return state === LEDGER_STATE.failed
  }

  // --- writes

  #write(operation: Operation, token: number): void {
    if (!isPlain(operation)) return this.#decide(operation, token)
    if (operation.kind === KIND.delete) {
      const found = this.#locate(operation)
      if (!found.exists) return this.#deleteNothing(operation, token, found)
      if (operation.durability < DURABILITY.fsync && !this.#store.engine.reader.isShown) {
        return this.#decide(operation, token)
      }
    }
    const mutation = this.#mutate(operation)
    if (operation.requestId.isZero()) this.#store.clock.next(mutation.ballot)
    else mutation.ballot.copy(operation.requestId)
    mutation.version.copy(mutation.ballot)
    this.#apply(mutation, token, operation.requestId, operation.kind === KIND.delete)
  }

  #decide(operation: Operation, token: number): void {
    const asked = askedBy(operation, token)
    switch (operation.kind) {
      case KIND.touch:
        return this.#writes.touch(operation, asked)
      case KIND.increment:
        return this.#writes.increment(operation, asked)
      case KIND.batch:
        return this.#batches.submit(operation, asked)
      case KIND.delete:
        return this.#writes.delete(operation, asked)
      default:
        return this.#writes.set(operation, asked)
    }
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
    mutation.expiresAtMs = operation.ttlMs === 0 ? 0 : expiryOf(operation.ttlMs, this.#store.now)
    return mutation
  }

  #apply(mutation: Mutation, token: number, request: Version, exists: boolean): void {
    const store = this.#store
    const row = this.#pending.take(token, mutation.version, request, exists)
    try {
      if (store.apply(mutation, row) === APPLY.stale) {
        mutation.requestId.copy(request)
        store.clock.above(store.previous.ballot, mutation.ballot)
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
    if (!this.#deferred.isEmpty && this.#deferred.settle(row, null, error)) return
    const pending = this.#pending
    const token = pending.token(row)
    const request = pending.request(row, this.#request)
    const version = pending.version(row, this.#version)
    const exists = pending.exists(row)
    pending.give(row)
    if (error !== null) return this.#answers.doubt({ token, request }, errorOf(error), error.message)
    const answer = this.#answer.ok()
    answer.version.copy(version)
    answer.exists = exists
    if (!request.isZero()) this.#ledger.answer(request, ERROR.NONE, version, exists)
    this.#complete(token, answer)
    this.#answers.tell(request)
  }

  #locate(operation: Operation): Found {
    return this.#store.locate(operation.key, operation.keyStart, operation.keyEnd, operation.hash)
  }

  /**
   * Nothing to delete. If that is so because of a record (a tombstone, or a value that has expired), its
   * durability is waited for: an answer before it would promise what a crash could still undo.
   */
  #deleteNothing(operation: Operation, token: number, found: Found): void {
    if (found.ballot.isZero()) {
      if (!operation.requestId.isZero()) {
        this.#ledger.answer(operation.requestId, ERROR.NONE, this.#version.clear(), false)
      }
      return this.#complete(token, this.#answer.ok())
    }
    const { engine } = this.#store
    const row = this.#pending.take(token, found.version, operation.requestId, false)
    if (!engine.waitForLocated(row, operation.durability)) this.onApplied(row, null)
  }

  #take(token: number, exists: boolean): number {
    return this.#pending.take(token, this.#version.clear(), this.#request.clear(), exists)
  }

  #fail(token: number, error: ErrorNumber, message: string | null): void {
    this.#complete(token, this.#answer.fail(error, message))
  }
}

/** Whether what is written does not depend on what is there. */
function isPlain({ kind, expectedVersion, staged }: Operation): boolean {
  return (kind === KIND.set || kind === KIND.delete) && staged === null && expectedVersion.isZero()
}
