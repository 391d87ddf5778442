/**
 * The store in numbers. Bytes unless the name says otherwise.
 */

import type { RecoveryReport } from '@minivault/wal'
import type { Engine } from './engine.ts'
import type { Merger } from './merger.ts'

export interface StoreStats {
  /** The user's keys whose newest record is no tombstone. An expired one counts until it is overwritten. */
  keys: number
  /** Keys, of any space, whose newest record is one. They leave at a merge. */
  tombstones: number
  /** In the log, with the entries' headers. */
  liveBytes: number
  /** Length of the log's segments. */
  diskBytes: number
  /** Memory taken by cached records, and how many there are. */
  cacheBytes: number
  cacheItems: number
  windowBytes: number
  keydirBytes: number
  segments: number
  merges: number
  mergedBytes: number
  recovery: RecoveryReport
}

export function collectStats(engine: Engine, merger: Merger): StoreStats {
  const { ledger } = engine
  const { keydir, cache } = engine.lookup
  const segments = engine.log.segments()
  return {
    keys: ledger.userKeys,
    tombstones: ledger.tombstones,
    liveBytes: ledger.liveBytes,
    diskBytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
    cacheBytes: cache.usedBytes,
    cacheItems: cache.items,
    windowBytes: engine.log.window.length,
    keydirBytes: keydir.bytes,
    segments: segments.length,
    merges: merger.merges,
    mergedBytes: merger.mergedBytes,
    recovery: engine.log.recovery,
  }
}
