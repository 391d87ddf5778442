/** A layout of one region that nobody ever changes, and in which all partitions have the same replicas. */
import type { Electorate } from '../electorate.ts'
import type { Placement } from '../ports.ts'

const NOBODY: readonly number[] = []

export function fixedPlacement(electorate: Electorate, partitionCount = 1, epoch = 1): Placement {
  return {
    epoch,
    partitionCount,
    electorateOf: () => electorate,
    homeElectorateOf: () => electorate,
    replicasOf: () => electorate.members,
    foreignersOf: () => NOBODY,
    isForeign: () => false,
    regionOf: () => 'default',
  }
}
