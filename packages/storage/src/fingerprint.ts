/**
 * How a key's hash is cut up: the highest byte names the shard of the keydir, the lower half is the
 * fingerprint that slots and blooms keep. Part of the format, since blooms stand in hint files.
 */

import type { KeyHash } from '@minivault/codec'

/** The space goes into the fingerprint, so that a key's records in two spaces rarely meet. */
export function fingerprintOf(space: number, hash: KeyHash): number {
  return hash.low ^ Math.imul(space, 0x9e3779b1)
}

export function shardOf(hash: KeyHash): number {
  return hash.high >>> 24
}
