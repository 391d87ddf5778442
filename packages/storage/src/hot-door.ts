/**
 * What the engine's hot door speaks: outcomes, completions, the hook, and the checks that every call begins
 * with.
 */

import type { Version } from '@minivault/clock'
import type { hashKey, KeyHash } from '@minivault/codec'
import type { Log } from '@minivault/wal'
import type { BlobFiles } from './blob/blob-files.ts'
import type { Found } from './found.ts'
import { SLOT_BALLOT } from './keydir.ts'
import type { KeyIndex } from './keys/key-index.ts'
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from './limits.ts'
import type { Lookup } from './lookup.ts'
import type { SegmentLedger } from './segment-ledger.ts'
import { StorageError } from './storage-error.ts'

export const APPLY = { applied: 0, held: 1, stale: 2 } as const
export type ApplyOutcome = (typeof APPLY)[keyof typeof APPLY]

/** A token nobody hears of. */
export const NO_TOKEN = -0x80000000

/** Completions; never called from inside the call they belong to. */
export interface StoreListener {
  onApplied(token: number, error: StorageError | null): void
  onRead(token: number, found: Found | null, error: StorageError | null): void
  /**
   * Whether this read of a value in a file of its own wants the file opened and not read: what is found then
   * has no value, and `Store.takeStream` has the stream. Asked while the read is under way, and only for such
   * a value.
   */
  wantsStream?(token: number): boolean
}

export type RecordHook = (
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  hash: KeyHash,
  oldBallot: Version,
  newBallot: Version,
) => void

export interface EngineParts {
  log: Log
  lookup: Lookup
  ledger: SegmentLedger
  keys: KeyIndex
  blobs: BlobFiles
  compression: 'zstd' | 'lz4' | 'none'
  hash: typeof hashKey
  now: () => number
  listener: StoreListener
  highestBallot: Version
  writerId: number
}

export function closedError(): StorageError {
  return new StorageError('STORAGE_CLOSED', 'the store is closed')
}

export function checkKey(bytes: number): void {
  if (bytes >= 1 && bytes <= KEY_BYTES_MAX) return
  throw new StorageError('STORAGE_KEY_LENGTH', `a key has 1 to ${KEY_BYTES_MAX} bytes, not ${bytes}`)
}

export function valueTooLarge(bytes: number): StorageError {
  return new StorageError(
    'STORAGE_VALUE_TOO_LARGE',
    `a value has at most ${VALUE_BYTES_MAX} bytes, not ${bytes}`,
  )
}

export function compareToSlot(ballot: Version, shard: Int32Array, slot: number): number {
  const high = shard[slot + SLOT_BALLOT]!
  const middle = shard[slot + SLOT_BALLOT + 1]!
  const low = shard[slot + SLOT_BALLOT + 2]!
  if (ballot.high !== high) return ballot.high >>> 0 < high >>> 0 ? -1 : 1
  if (ballot.middle !== middle) return ballot.middle >>> 0 < middle >>> 0 ? -1 : 1
  if (ballot.low !== low) return ballot.low >>> 0 < low >>> 0 ? -1 : 1
  return 0
}

export function isAbove(ballot: Version, than: Version): boolean {
  if (ballot.high !== than.high) return ballot.high >>> 0 > than.high >>> 0
  if (ballot.middle !== than.middle) return ballot.middle >>> 0 > than.middle >>> 0
  return ballot.low >>> 0 > than.low >>> 0
}
