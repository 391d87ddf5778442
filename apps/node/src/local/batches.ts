/**
 * Batches: all of the operations or none, under one request id, which is ballot and version of each record
 * whose key has none at or above it.
 *
 * The conditions of a batch are judged in the turn of the event loop in which it is applied: nothing comes in
 * between. Its answer waits until what they saw may be spoken of, since it tells of that, too.
 */
import { compareVersions, Version } from '@minivault/clock'
import { hashKey, KeyHash } from '@minivault/codec'
import { type BatchOperation, type ReadyBatch, StorageError } from '@minivault/storage'
import type { BatchCondition, BatchItem, Operation } from '../key-value.ts'
import type { Asked } from './answers.ts'
import { expiryOf } from './expiry-of.ts'
import { failBy, type Replica, whenShown } from './replica.ts'
import { errorOf } from './storage-errors.ts'

const DONE = (): void => {}
const UNCONDITIONAL: readonly BatchCondition[] = []

export class Batches {
  readonly #replica: Replica
  readonly #hash = new KeyHash()
  readonly #ballot = new Version()

  constructor(replica: Replica) {
    this.#replica = replica
  }

  submit(operation: Operation, asked: Asked): void {
    const operations = operation.batch!.map((item) => this.#operation(item))
    const conditions = operation.conditions ?? UNCONDITIONAL
    const finish = this.#replica.store.runBatch(operations, operation.durability, (batch) =>
      this.#apply(batch, conditions, asked),
    )
    if (!(finish instanceof Promise)) return finish()
    finish.then(
      (late) => late(),
      (error) => failBy(this.#replica, asked, error),
    )
  }

  #operation({ key, value, valueType, ttlMs }: BatchItem): BatchOperation {
    if (value === null) return { type: 'delete', key }
    return { type: 'set', key, value, valueType, expiresAtMs: expiryOf(ttlMs, this.#replica.store.now) }
  }

  /** What it returns is for after the store's call: what goes wrong with the answer is no failure of that. */
  #apply({ all, last }: ReadyBatch, conditions: readonly BatchCondition[], asked: Asked): () => void {
    const { store, deferred } = this.#replica
    const { request } = asked
    for (const condition of conditions) this.#mustHold(condition)
    const ballot = request.isZero() ? store.clock.next(this.#ballot) : request
    for (const { mutation } of all) {
      mutation.ballot.copy(ballot)
      mutation.requestId.copy(request)
    }
    let failure: StorageError | null = null
    let awaited = 1
    const settle = (error: StorageError | null) => {
      failure ??= error
      awaited -= 1
      if (awaited === 0) this.#applied(all, asked, failure)
    }
    for (const { key } of conditions) {
      awaited += 1
      this.#locate(key)
      whenShown(this.#replica, 0, settle)
    }
    if (last.length === 0) return () => settle(null)
    const row = deferred.take((_found, error) => settle(error))
    try {
      store.engine.applyBatch(last, row)
      // A ballot that was raised must not be issued again in the same millisecond.
      for (const { mutation } of last) store.clock.raised(mutation.ballot)
    } catch (error) {
      deferred.drop(row)
      // Nothing was written: who hears of this is told now.
      awaited = Number.POSITIVE_INFINITY
      throw error
    }
    if (store.engine.waiting) return DONE
    deferred.drop(row)
    return () => settle(null)
  }

  #mustHold({ key, version }: BatchCondition): void {
    const found = this.#locate(key)
    if (version.isZero() ? !found.exists : found.exists && compareVersions(found.version, version) === 0) {
      return
    }
    throw new StorageError('STORAGE_CONDITION', 'a key of the batch holds another version')
  }

  #locate(key: Uint8Array) {
    hashKey(key, 0, key.length, this.#hash)
    return this.#replica.store.locate(key, 0, key.length, this.#hash)
  }

  #applied(all: ReadyBatch['all'], asked: Asked, error: StorageError | null): void {
    const { answers } = this.#replica
    if (error !== null) return answers.doubt(asked, errorOf(error), error.message)
    const answer = answers.answer.ok()
    answer.versions = versionsOf(all)
    const last = all.at(-1)
    if (last !== undefined) answer.version.copy(last.mutation.ballot)
    answers.give(asked)
  }
}

/** Most have the version of the one before: one text for all of them. */
function versionsOf(all: ReadyBatch['all']): string[] {
  const before = new Version()
  let text = before.toString()
  return all.map(({ mutation: { ballot } }) => {
    if (ballot.high !== before.high || ballot.middle !== before.middle || ballot.low !== before.low) {
      text = before.copy(ballot).toString()
    }
    return text
  })
}
