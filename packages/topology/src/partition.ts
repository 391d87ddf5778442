/**
 * Partitions: the 1,024 parts into which the space of key hashes is cut, the unit that is placed and moved.
 * The upper bits name it, so that a partition is a range of hashes: one quarter of a shard of the keydir.
 */
export const PARTITIONS = 1024

const SHIFT = 22

/** The partition of a key, 0 to 1023; `hash.high` is the upper half of its 64-bit hash as int32. */
export function partitionOf(hash: { readonly high: number }): number {
  return hash.high >>> SHIFT
}
