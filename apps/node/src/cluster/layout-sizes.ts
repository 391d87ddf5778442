/** How many bytes a partition has, as far as this member can tell. */
import type { Store } from '@minivault/storage'
import { PARTITIONS } from '@minivault/topology'
import type { Member } from './member.ts'
import type { StoredReplica } from './stored/stored-replica.ts'

/**
 * Of each partition: its keys times the mean of all records here, as they lie in the log; of one that is not
 * held here, the mean of those that are. What lies in files of its own is not counted.
 */
export function partitionBytes(replica: StoredReplica, store: Store, { layouts, self }: Member): number[] {
  const isHeld = (partition: number) => layouts!.replicasOf(partition).includes(self)
  const counts = Array.from({ length: PARTITIONS }, (_, partition) => replica.countIn(partition))
  const keys = counts.reduce((sum, count) => sum + count, 0)
  const bytesOfKey = keys === 0 ? 0 : store.stats().liveBytes / keys
  const held = counts.filter((_, partition) => isHeld(partition)).length
  const mean = held === 0 ? 0 : keys / held
  return counts.map((count, partition) => Math.round((isHeld(partition) ? count : mean) * bytesOfKey))
}
