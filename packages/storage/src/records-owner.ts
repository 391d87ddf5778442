/** Who keeps the order of the records himself, and is asked about them. */

import type { Version } from '@minivault/clock'
import type { KeyHash } from '@minivault/codec'

export interface RecordsOwner {
  /** The log's marks have moved, or it has failed. */
  onReached(): void
  /**
   * May this tombstone, or what has expired, leave at a merge, once no older record of its key is left? In
   * the place of `StoreOptions.mayRelease`.
   */
  mayRelease(hash: KeyHash, ballot: Version, space: number): boolean
  /** It has left. */
  onLeft(hash: KeyHash, ballot: Version): void
}
