/**
 * What this start of a member means for what it has acknowledged (docs/CLUSTER.md, "Who votes"): a record is
 * lost with the process where it was only in memory, with the machine where it was only handed to the system.
 * So the lowest level that was ever asked for stands in the folder, and the boot in which it was open last.
 */
import { MEMBERSHIP, type Membership } from '@minivault/cluster'
import { DURABILITY, type Durability, type Store } from '@minivault/storage'

export interface LastOpen {
  /** The lowest at which a record was asked for. */
  readonly level: Durability
  readonly boot: string
}

/** Of a folder that is not new. */
export function startOf(store: Store, last: LastOpen, boot: string): Membership {
  const { cleanClose, tornTails, removedSegments, corruptPlaces } = store.stats().recovery
  if (tornTails + removedSegments + corruptPlaces > 0) return MEMBERSHIP.recovering
  if (cleanClose || last.level === DURABILITY.fsync) return MEMBERSHIP.voting
  const isOtherBoot = boot === '' || boot !== last.boot
  return last.level === DURABILITY.memory || isOtherBoot ? MEMBERSHIP.recovering : MEMBERSHIP.voting
}
