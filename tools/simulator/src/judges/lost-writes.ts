/**
 * Judge L: what was acknowledged is there when everything is at rest: the final reads show it, or something
 * that came after it; and those behind the last repair all show the same.
 */
import { isAbove, isEqual, LEVEL } from '@minivault/cluster'
import type { Operation } from '../world/operation.ts'
import { isHiddenAbsence, type KeyHistory, nameOf } from './key-history.ts'

/** Empty: nothing is lost. */
export function judgeLostWrites(history: KeyHistory): string {
  const { operations } = history
  const reads = operations.filter(({ start }) => start.isFinal)
  const lastMs = reads.at(-1)?.start.callMs
  const final = reads.filter(({ start, ending }) => start.callMs === lastMs && ending === 'ok')
  const [first] = final
  if (first === undefined) return ''
  // Whether nothing is right the order says.
  if (final.every((read) => isHiddenAbsence(history, read))) return ''
  const other = final.find(({ version }) => !isEqual(version, first.version))
  if (other !== undefined) return `at the end ${first.version} is read, and ${other.version}`
  const lost = operations.find(
    (operation) => isAcknowledged(operation) && isAbove(operation.version, first.version),
  )
  return lost === undefined
    ? ''
    : `${nameOf(lost)} was acknowledged as ${lost.version}; ${first.version} is left`
}

function isAcknowledged({ isRead, ending, start }: Operation): boolean {
  return !isRead && ending === 'ok' && start.level === LEVEL.quorum
}
