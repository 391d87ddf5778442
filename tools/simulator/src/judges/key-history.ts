/** What the judges get: the operations on one key, and every version that was written for one of them. */
import { LEVEL, type Version } from '@minivault/cluster'
import type { History } from '../world/history.ts'
import type { Operation, Written } from '../world/operation.ts'

export interface KeyHistory {
  readonly key: number
  /** In the order in which they were called. */
  readonly operations: readonly Operation[]
  writtenOf(version: Version): Written | undefined
  /** Of real clients: whoever finds nothing is not told the version of the tombstone. */
  readonly hidesAbsences?: boolean
}

export function keyHistoryOf(history: History, key: number): KeyHistory {
  const operations = history.operations.filter(({ start }) => start.key === key)
  return { key, operations, writtenOf: (version) => history.writtenOf(key, version) }
}

/** What it says of the order counts: it was answered, and by a quorum. */
export function isWitness({ ending, start }: Operation): boolean {
  return (ending === 'ok' || ending === 'no') && start.level === LEVEL.quorum
}

/** What was looked at, and which nothing it was is not known. */
export function isHiddenAbsence({ hidesAbsences }: KeyHistory, operation: Operation): boolean {
  const looks = operation.isRead || operation.ending === 'no'
  return hidesAbsences === true && looks && operation.value === null && operation.version.isZero()
}

export function nameOf({ start }: Operation): string {
  return `${start.kind} #${start.id}`
}
