/**
 * Batches: all of the operations or none, under one request id, which is ballot and version of each record
 * whose key has none at or above it.
 */
import { Version } from '@minivault/clock'
import type { BatchOperation, ReadyBatch, StorageError } from '@minivault/storage'
import type { BatchItem, Operation } from '../key-value.ts'
import type { Asked } from './answers.ts'
import { expiryOf } from './expiry-of.ts'
import { failBy, type Replica } from './replica.ts'
import { errorOf } from './storage-errors.ts'

export class Batches {
  readonly #replica: Replica

  constructor(replica: Replica) {
    this.#replica = replica
  }

  submit(operation: Operation, asked: Asked): void {
    const operations = operation.batch!.map((item) => this.#operation(item))
    this.#replica.store
      .runBatch(operations, operation.durability, (batch) => this.#apply(batch, asked))
      .catch((error) => failBy(this.#replica, asked, error))
  }

  #operation({ key, value, valueType, ttlMs }: BatchItem): BatchOperation {
    if (value === null) return { type: 'delete', key }
    return { type: 'set', key, value, valueType, expiresAtMs: expiryOf(ttlMs, this.#replica.store.now) }
  }

  #apply({ all, last }: ReadyBatch, asked: Asked): void {
    const { store, deferred } = this.#replica
    const { request } = asked
    for (const { mutation } of all) {
      if (request.isZero()) store.clock.next(mutation.ballot)
      else mutation.ballot.copy(request)
      mutation.requestId.copy(request)
    }
    const row = deferred.take((_found, error) => this.#applied(all, asked, error))
    try {
      store.engine.applyBatch(last, row)
      // A ballot that was raised must not be issued again in the same millisecond.
      for (const { mutation } of last) store.clock.raised(mutation.ballot)
    } catch (error) {
      deferred.drop(row)
      throw error
    }
    if (store.engine.waiting) return
    deferred.drop(row)
    // Not from inside the store's call: what goes wrong with the answer is no failure of the batch.
    queueMicrotask(() => this.#applied(all, asked, null))
  }

  #applied(all: ReadyBatch['all'], asked: Asked, error: StorageError | null): void {
    const { answers } = this.#replica
    if (error !== null) return answers.doubt(asked, errorOf(error), error.message)
    const answer = answers.answer.ok()
    answer.versions = versionsOf(all)
    const last = answer.versions.at(-1)
    if (last !== undefined) answer.version.copy(Version.parse(last))
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
