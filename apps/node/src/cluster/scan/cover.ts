/** Whom to ask, so that of every partition a majority of those who hold it is heard. */
import type { Placement } from '@minivault/cluster'

/**
 * As few as are needed of those who vote, the first of them rather than the last; null: all are too few.
 *
 * @param voters by number
 */
export function coverOf(placement: Placement, voters: readonly number[]): number[] | null {
  const members = new Set<number>()
  for (const voter of voters) {
    members.add(voter)
    if (isCovered(placement, members)) return [...members]
  }
  return null
}

function isCovered(placement: Placement, members: ReadonlySet<number>): boolean {
  for (let partition = 0; partition < placement.partitionCount; partition++) {
    if (!placement.electorateOf(partition).isQuorum(bitsOf(placement, partition, members))) return false
  }
  return true
}

function bitsOf(placement: Placement, partition: number, members: ReadonlySet<number>): number {
  let bits = 0
  for (const [position, member] of placement.electorateOf(partition).members.entries()) {
    if (members.has(member)) bits |= 1 << position
  }
  return bits
}
