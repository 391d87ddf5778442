/** What the judges get: the operations on one key, and every version that was written for one of them. */
import { LEVEL, type Version } from '@minivault/cluster'
import type { History } from '../world/history.ts'
import type { Operation, Written } from '../world/operation.ts'

export interface KeyHistory {
  readonly key: number
  /** In the order in which they were called. */
  readonly operations: readonly Operation[]
  writtenOf(version: Version): Written | undefined
}

export function keyHistoryOf(history: History, key: number): KeyHistory {
  const operations = history.operations.filter(({ start }) => start.key === key)
  return { key, operations, writtenOf: (version) => history.writtenOf(key, version) }
}

/** What it says of the order counts: it was answered, and by a quorum. */
export function isWitness({ ending, start }: Operation): boolean {
  return (ending === 'ok' || ending === 'no') && start.level === LEVEL.quorum
}

export function nameOf({ start }: Operation): string {
  return `${start.kind} #${start.id}`
}
