/**
 * Judge C, which knows nothing of versions: where a key is only counted, all sums are different and the final
 * one is possible; where it is only created, at most one was told that it did.
 */
import { LEVEL } from '@minivault/cluster'
import type { Operation } from '../world/operation.ts'
import type { KeyHistory } from './key-history.ts'

/** Empty: nothing is wrong. */
export function judgeCounters({ operations }: KeyHistory): string {
  const kinds = new Set(operations.map(({ start }) => start.kind))
  kinds.delete('get')
  if (kinds.size !== 1 || operations.some(({ start }) => start.expiresAtMs > 0)) return ''
  const writes = operations.filter(({ isRead }) => !isRead)
  if (kinds.has('increment')) return judgeSums(operations, writes)
  const winners = writes.filter(({ ending }) => ending === 'ok').length
  return kinds.has('create') && winners > 1 ? `${winners} were told that they created it` : ''
}

function judgeSums(operations: readonly Operation[], writes: readonly Operation[]): string {
  const sums = writes.filter(({ ending }) => ending === 'ok').map(({ value }) => value)
  if (new Set(sums).size !== sums.length) return `a sum was answered twice: ${sums.join(', ')}`
  const most = writes.filter(({ ending }) => ending !== 'no' && ending !== 'failed').length
  for (const { start, ending, value } of operations) {
    if (!start.isFinal || ending !== 'ok' || start.level !== LEVEL.quorum) continue
    const least = writes.filter((one) => one.ending === 'ok' && one.returnMs <= start.callMs).length
    const sum = value ?? 0
    if (sum < least || sum > most) return `${sum} at the end, of ${least} to ${most} increments`
  }
  return ''
}
