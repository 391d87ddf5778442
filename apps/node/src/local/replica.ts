/** What the operations off the hot path share: the store, who waits for it, and how they end. */
import { compareVersions, type Version } from '@minivault/clock'
import { cloneBytes } from '@minivault/codec'
import type { Durability, Found, StorageError, Store } from '@minivault/storage'
import type { Operation } from '../key-value.ts'
import type { Answers, Asked } from './answers.ts'
import type { Deferred } from './deferred.ts'
import { errorOf } from './storage-errors.ts'

export interface Replica {
  readonly store: Store
  readonly deferred: Deferred
  readonly answers: Answers
}

/**
 * Right after a `locate`: calls `then` when what it saw may be spoken of, at least at this level; now, or
 * when the record has been brought to its mark.
 */
export function whenShown(
  { store, deferred }: Replica,
  level: Durability,
  then: (error: StorageError | null) => void,
): void {
  const row = deferred.take((_found, error) => then(error))
  if (store.engine.waitForLocated(row, level)) return
  deferred.drop(row)
  then(null)
}

/** Nothing was done, for this reason. */
export function failBy({ answers }: Replica, asked: Asked, error: unknown): void {
  answers.fail(asked, errorOf(error), error instanceof Error ? error.message : null)
}

/** Whether the record that was found is what this request wrote. */
export function isOf(found: Found, request: Version): boolean {
  return compareVersions(found.version, request) === 0 || compareVersions(found.requestId, request) === 0
}

export function keyOf({ key, keyStart, keyEnd }: Operation): Uint8Array {
  return cloneBytes(key, keyStart, keyEnd)
}
