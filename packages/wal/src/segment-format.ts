/**
 * The bytes of a segment: header, commit block, entry. docs/DATA_FILE.md part 1 draws them; a test holds
 * these constants and the vectors to that page. All integers are little-endian, lengths in bytes; offsets are
 * from the start of the file.
 */
import { crc32 } from './crc32.ts'

export const FORMAT_VERSION = 1
export const SEGMENT_MAGIC = 0x5357564d // MVWS
export const BLOCK_MAGIC = 0x4257564d // MVWB
export const SEGMENT_HEADER_BYTES = 64
export const BLOCK_HEADER_BYTES = 32
export const ENTRY_HEADER_BYTES = 8
/** Most that an entry takes on top of its payload: header and padding. */
export const ENTRY_EXTRA_BYTES_MAX = ENTRY_HEADER_BYTES + 7
export const SEGMENT_KIND = { log: 0, output: 1 } as const
export type SegmentKind = 0 | 1
export const BLOCK_FLAG_CLEAN_CLOSE = 1

export interface SegmentHeader {
  version: number
  kind: SegmentKind
  layoutHash: number
  number: number
  id: number
  predecessor: number
  predecessorBytes: number
  generation: number
  segmentBytes: number
}

export function writeSegmentHeader(
  view: DataView,
  bytes: Uint8Array,
  at: number,
  header: SegmentHeader,
): void {
  bytes.fill(0, at, at + SEGMENT_HEADER_BYTES)
  view.setInt32(at, SEGMENT_MAGIC, true)
  view.setUint16(at + 4, header.version, true)
  view.setUint16(at + 6, header.kind, true)
  view.setInt32(at + 8, header.layoutHash, true)
  view.setInt32(at + 12, header.number, true)
  view.setInt32(at + 16, header.id, true)
  view.setInt32(at + 20, header.predecessor, true)
  view.setInt32(at + 24, header.predecessorBytes, true)
  view.setInt32(at + 28, header.generation, true)
  view.setInt32(at + 32, header.segmentBytes, true)
  view.setInt32(at + 60, crc32(bytes, at, at + 60, 0), true)
}

/** The header, or null when these bytes are none. Its version may be one that we do not know. */
export function readSegmentHeader(view: DataView, bytes: Uint8Array, at: number): SegmentHeader | null {
  if (view.getInt32(at, true) !== SEGMENT_MAGIC) return null
  if (view.getInt32(at + 60, true) !== crc32(bytes, at, at + 60, 0)) return null
  return {
    version: view.getUint16(at + 4, true),
    kind: view.getUint16(at + 6, true) as SegmentKind,
    layoutHash: view.getInt32(at + 8, true),
    number: view.getInt32(at + 12, true),
    id: view.getInt32(at + 16, true),
    predecessor: view.getInt32(at + 20, true),
    predecessorBytes: view.getInt32(at + 24, true),
    generation: view.getInt32(at + 28, true),
    segmentBytes: view.getInt32(at + 32, true),
  }
}

/** Writes the block header at `at`; the block lies at `offset` in the file. */
export function writeBlockHeader(
  view: DataView,
  bytes: Uint8Array,
  at: number,
  id: number,
  offset: number,
  blockBytes: number,
  count: number,
  syncedSegment: number,
  syncedOffset: number,
  flags: number,
): void {
  view.setInt32(at, BLOCK_MAGIC, true)
  view.setInt32(at + 4, id, true)
  view.setInt32(at + 8, blockBytes, true)
  view.setInt32(at + 12, count, true)
  view.setInt32(at + 16, syncedSegment, true)
  view.setInt32(at + 20, syncedOffset, true)
  view.setInt32(at + 24, flags, true)
  view.setInt32(at + 28, crc32(bytes, at, at + 28, (id + offset) | 0), true)
}

/** Whether a block header of this segment (`id`) stands at `at`, which is `offset` in the file. */
export function isBlockHeader(
  view: DataView,
  bytes: Uint8Array,
  at: number,
  id: number,
  offset: number,
): boolean {
  return (
    view.getInt32(at, true) === BLOCK_MAGIC &&
    view.getInt32(at + 4, true) === id &&
    view.getInt32(at + 28, true) === crc32(bytes, at, at + 28, (id + offset) | 0)
  )
}

/** Bytes that an entry takes in the file. */
export function entryBytes(payloadBytes: number): number {
  return (ENTRY_HEADER_BYTES + payloadBytes + 7) & ~7
}

/** Checksum of the entry at `at` (its length stands at `at` + 4 already), which is `offset` in the file. */
export function entryChecksum(
  bytes: Uint8Array,
  at: number,
  payloadBytes: number,
  id: number,
  offset: number,
): number {
  return crc32(bytes, at + 4, at + ENTRY_HEADER_BYTES + payloadBytes, (id + offset) | 0)
}

export function segmentName(number: number): string {
  return `${String(number).padStart(10, '0')}.seg`
}

export function outputName(number: number): string {
  return `${String(number).padStart(10, '0')}.merge`
}

/** The number in a segment's file name, or 0. */
export function segmentNumber(name: string): number {
  const found = /^(\d{10})\.seg$/.exec(name)
  return found ? Number(found[1]) : 0
}

export function isUnfinished(name: string): boolean {
  return /^\d{10}\.merge$/.test(name) || name === 'manifest.new'
}
