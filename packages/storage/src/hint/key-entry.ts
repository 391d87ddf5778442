/**
 * One entry of the sorted index: what is known of a key's record without reading it. The same bytes stand in
 * runs in memory and in the blocks of a hint file.
 *
 *     0      2     3     4      8          12     24      + 8     + 16
 *     ┌──────┬─────┬─────┬──────┬──────────┬──────┬──────┬───────┬───┐
 *     │keyLen│space│flags│offset│lengthWord│ballot│expiry│blob id│key│
 *     │u16   │u8   │u8   │u32   │u32       │12    │0 or 8│0 or 16│   │
 *     └──────┴─────┴─────┴──────┴──────────┴──────┴──────┴───────┴───┘
 *     flags: bit 0 has expiry · 1 has blob id · 2 the value is JSON · 3 the record has a version of its own
 *
 * `offset` is where the record starts in its segment, `lengthWord` is word 3 of a keydir slot. Flags 2 and 3
 * are for scans: with them a key can be described without its record, unless its version is not its ballot.
 *
 * Order is by (space, key), bytewise. Entries of one segment do not name it; the reader of a list does.
 */

import { readVersion, Version, writeVersion } from '@minivault/clock'
import { copyBytes } from '@minivault/codec'
import { BLOB_ID_BYTES } from '../blob/blob-name.ts'
import { TOMBSTONE_BIT } from '../keydir.ts'
import { EMPTY_BYTES } from '../mutation.ts'

export const ENTRY_HEADER_BYTES = 24
export const ENTRY_FLAG = { expiry: 1, blob: 2, json: 4, ownVersion: 8 } as const
/** The flags that the owner sets; the others follow from what is there. */
export const ENTRY_TRAITS = ENTRY_FLAG.json | ENTRY_FLAG.ownVersion

const TWO_POW_32 = 0x100000000

/** An entry read in place: valid as long as the bytes it was read from. Reused. */
export class KeyEntry {
  bytes: Uint8Array = EMPTY_BYTES
  /** The entry is bytes[start, end), its key bytes[keyStart, keyEnd). */
  start = 0
  keyStart = 0
  keyEnd = 0
  end = 0
  space = 0
  flags = 0
  segment = 0
  offset = 0
  lengthWord = 0
  readonly ballot = new Version()
  expiresAtMs = 0
  /** Where the sixteen bytes of the blob's id start, or -1. */
  blobAt = -1

  get isTombstone(): boolean {
    return (this.lengthWord & TOMBSTONE_BIT) !== 0
  }
}

/** Bytes of an entry. */
export function entryBytes(keyBytes: number, expiresAtMs: number, hasBlob: boolean): number {
  return ENTRY_HEADER_BYTES + (expiresAtMs > 0 ? 8 : 0) + (hasBlob ? BLOB_ID_BYTES : 0) + keyBytes
}

/**
 * Writes an entry to target[at, …), where there is room for it; `blob` null: none. `traits` are bits of
 * ENTRY_TRAITS. Returns the index behind it.
 */
export function writeEntry(
  target: Uint8Array,
  at: number,
  space: number,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  offset: number,
  lengthWord: number,
  ballot: Version,
  expiresAtMs: number,
  blob: Uint8Array | null,
  blobAt: number,
  traits: number,
): number {
  const keyBytes = keyEnd - keyStart
  target[at] = keyBytes
  target[at + 1] = keyBytes >>> 8
  target[at + 2] = space
  target[at + 3] =
    (expiresAtMs > 0 ? ENTRY_FLAG.expiry : 0) |
    (blob !== null ? ENTRY_FLAG.blob : 0) |
    (traits & ENTRY_TRAITS)
  writeU32(target, at + 4, offset)
  writeU32(target, at + 8, lengthWord)
  writeVersion(ballot, target, at + 12)
  let next = at + ENTRY_HEADER_BYTES
  if (expiresAtMs > 0) {
    writeU32(target, next, expiresAtMs % TWO_POW_32)
    writeU32(target, next + 4, Math.floor(expiresAtMs / TWO_POW_32))
    next += 8
  }
  if (blob !== null) {
    copyBytes(blob, blobAt, blobAt + BLOB_ID_BYTES, target, next)
    next += BLOB_ID_BYTES
  }
  copyBytes(key, keyStart, keyEnd, target, next)
  return next + keyBytes
}

/** Reads the entry at `at`; its bytes have been checked. Returns the index behind it. */
export function readEntry(bytes: Uint8Array, at: number, segment: number, into: KeyEntry): number {
  const flags = bytes[at + 3]!
  into.bytes = bytes
  into.start = at
  into.space = bytes[at + 2]!
  into.flags = flags
  into.segment = segment
  into.offset = int32At(bytes, at + 4)
  into.lengthWord = int32At(bytes, at + 8)
  readVersion(bytes, at + 12, into.ballot)
  let next = at + ENTRY_HEADER_BYTES
  into.expiresAtMs = 0
  if ((flags & ENTRY_FLAG.expiry) !== 0) {
    into.expiresAtMs = (int32At(bytes, next) >>> 0) + (int32At(bytes, next + 4) >>> 0) * TWO_POW_32
    next += 8
  }
  into.blobAt = -1
  if ((flags & ENTRY_FLAG.blob) !== 0) {
    into.blobAt = next
    next += BLOB_ID_BYTES
  }
  into.keyStart = next
  next += bytes[at]! | (bytes[at + 1]! << 8)
  into.keyEnd = next
  into.end = next
  return next
}

/** Where the key of the entry at `at` starts. */
export function entryKeyStart(bytes: Uint8Array, at: number): number {
  const flags = bytes[at + 3]!
  return (
    at +
    ENTRY_HEADER_BYTES +
    ((flags & ENTRY_FLAG.expiry) !== 0 ? 8 : 0) +
    ((flags & ENTRY_FLAG.blob) !== 0 ? BLOB_ID_BYTES : 0)
  )
}

export function entryKeyBytes(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8)
}

/** Below 0, 0 or above 0 as A is before, equal to or behind B. A key is before all that it begins. */
export function compareKeys(
  spaceA: number,
  bytesA: Uint8Array,
  startA: number,
  endA: number,
  spaceB: number,
  bytesB: Uint8Array,
  startB: number,
  endB: number,
): number {
  if (spaceA !== spaceB) return spaceA - spaceB
  const lengthA = endA - startA
  const lengthB = endB - startB
  const common = Math.min(lengthA, lengthB)
  for (let i = 0; i < common; i++) {
    const difference = bytesA[startA + i]! - bytesB[startB + i]!
    if (difference !== 0) return difference
  }
  return lengthA - lengthB
}

/** The same for two entries that have been read. */
export function compareEntries(a: KeyEntry, b: KeyEntry): number {
  return compareKeys(a.space, a.bytes, a.keyStart, a.keyEnd, b.space, b.bytes, b.keyStart, b.keyEnd)
}

export function writeU32(target: Uint8Array, at: number, value: number): void {
  target[at] = value
  target[at + 1] = value >>> 8
  target[at + 2] = value >>> 16
  target[at + 3] = value >>> 24
}

export function int32At(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}
