/**
 * The header of a hint file, its name, and what goes into the layout hash. All bytes are drawn in
 * docs/DATA_FILE.md, part 3:
 *
 *     header (128) | blocks | index: an entry for each block, and one for the last key | bloom
 *
 * A hint is bound to its segment by number, random id and length. It is derived data: not synced, and where
 * anything about it is not as it should be it is thrown away and made anew from the segment.
 */

import { readVersion, Version, writeVersion } from '@minivault/clock'
import { crc32 } from '@minivault/wal'
import { int32At, writeU32 } from './key-entry.ts'

/** Hashed into the layout hash of the folder, as RECORD_LAYOUT is. */
export const HINT_LAYOUT =
  'hint 1: header128 blocks index bloom | entry keyLen2 space1 flags1 offset4 lengthWord4 ballot12be ' +
  'expiry8? blob16? key | flags expiry1 blob2 json4 ownVersion8 | block crc4 entries | bloom split-block'

export const HINT_MAGIC = 0x4648564d // MVHF
export const HINT_VERSION = 1
export const HINT_HEADER_BYTES = 128
const HEADER_CRC_AT = HINT_HEADER_BYTES - 4
/** Checksum before a block's entries. */
export const BLOCK_HEADER_BYTES = 4
/** A block holds what fits into so many bytes, but at least one entry. */
export const BLOCK_BYTES = 4096
/** Bits of `flags`: the segment has records of this kind. */
export const HINT_HOLDS = { blobs: 1, expiries: 2, otherSpaces: 4 } as const

export interface HintHeader {
  layoutHash: number
  number: number
  /** The segment's random id, seed of all checksums here. */
  seed: number
  segmentBytes: number
  /** Bits of HINT_HOLDS. */
  flags: number
  entries: number
  tombstones: number
  /** Entries of the user's space that are no tombstones. */
  userKeys: number
  ageMin: number
  ageMax: number
  /** Of the user's space. */
  highestBallot: Version
  indexAt: number
  indexBytes: number
  indexCrc: number
  bloomBytes: number
  bloomCrc: number
}

export function hintName(number: number): string {
  return `${String(number).padStart(10, '0')}.hint`
}

export function writeHintHeader(header: HintHeader): Uint8Array {
  const bytes = new Uint8Array(HINT_HEADER_BYTES)
  writeU32(bytes, 0, HINT_MAGIC)
  bytes[4] = HINT_VERSION
  bytes[6] = header.flags
  writeU32(bytes, 8, header.layoutHash)
  writeU32(bytes, 12, header.number)
  writeU32(bytes, 16, header.seed)
  writeU32(bytes, 20, header.segmentBytes)
  writeU32(bytes, 24, header.entries)
  writeU32(bytes, 28, header.tombstones)
  writeU32(bytes, 32, header.userKeys)
  writeU32(bytes, 36, header.ageMin)
  writeU32(bytes, 40, header.ageMax)
  writeVersion(header.highestBallot, bytes, 44)
  writeU32(bytes, 56, header.indexAt)
  writeU32(bytes, 60, header.indexBytes)
  writeU32(bytes, 64, header.indexCrc)
  writeU32(bytes, 68, header.bloomBytes)
  writeU32(bytes, 72, header.bloomCrc)
  writeU32(bytes, HEADER_CRC_AT, crc32(bytes, 0, HEADER_CRC_AT, 0))
  return bytes
}

/** Null: these are not the bytes of a header that this program writes. */
export function readHintHeader(bytes: Uint8Array): HintHeader | null {
  if (bytes.length < HINT_HEADER_BYTES || int32At(bytes, 0) !== HINT_MAGIC) return null
  if (int32At(bytes, HEADER_CRC_AT) !== crc32(bytes, 0, HEADER_CRC_AT, 0)) return null
  if ((bytes[4]! | (bytes[5]! << 8)) !== HINT_VERSION) return null
  return {
    flags: bytes[6]! | (bytes[7]! << 8),
    layoutHash: int32At(bytes, 8),
    number: int32At(bytes, 12),
    seed: int32At(bytes, 16),
    segmentBytes: int32At(bytes, 20),
    entries: int32At(bytes, 24),
    tombstones: int32At(bytes, 28),
    userKeys: int32At(bytes, 32),
    ageMin: int32At(bytes, 36),
    ageMax: int32At(bytes, 40),
    highestBallot: readVersion(bytes, 44, new Version()),
    indexAt: int32At(bytes, 56),
    indexBytes: int32At(bytes, 60),
    indexCrc: int32At(bytes, 64),
    bloomBytes: int32At(bytes, 68),
    bloomCrc: int32At(bytes, 72),
  }
}
