/**
 * The store in numbers. Bytes unless the name says otherwise.
 */

import type { RecoveryReport } from '@minivault/wal'
import type { Engine } from './engine.ts'
import type { Maintenance } from './maintenance.ts'

export interface StoreStats {
  /**
   * The user's keys whose newest record is no tombstone. An expired one counts until it is merged away. What
   * is counted is complete when the index is loaded.
   */
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
  /** Sorted keys in memory: blooms and block indexes of cold segments, keys not in a hint file yet. */
  hintBytes: number
  /** Entries of the index that an open has gone through, and how many there were; equal when it is loaded. */
  loadedEntries: number
  totalEntries: number
  segments: number
  /** Segments that are searched for keys which have no slot in the keydir. */
  coldSegments: number
  merges: number
  mergedBytes: number
  /** Of the merge under way: bytes of its sources gone through, and in all; 0 when none is. */
  mergeDoneBytes: number
  mergeTotalBytes: number
  recovery: RecoveryReport
}

export function collectStats(engine: Engine, { merger, loader }: Maintenance): StoreStats {
  const { ledger, keys } = engine
  const { keydir, cache } = engine.lookup
  const segments = engine.log.segments()
  return {
    keys: ledger.userKeys,
    tombstones: ledger.tombstones,
    liveBytes: ledger.liveBytes,
    diskBytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
    cacheBytes: cache.usedBytes,
    cacheItems: cache.items,
    windowBytes: engine.log.windowBytes,
    keydirBytes: keydir.bytes,
    hintBytes: keys.memoryBytes,
    loadedEntries: loader.done,
    totalEntries: loader.total,
    segments: segments.length,
    coldSegments: keys.coldCount,
    merges: merger.merges,
    mergedBytes: merger.mergedBytes,
    mergeDoneBytes: merger.doneBytes,
    mergeTotalBytes: merger.totalBytes,
    recovery: engine.log.recovery,
  }
}
