/**
 * The manifest: which segments are sealed and how long each is. Merge removes segments from the middle, so a
 * gap in the numbers says nothing; this list does. Bytes in docs/DATA_FILE.md part 1.
 *
 * Invariant: it is only ever replaced whole (write beside, fsync, rename, fsync directory), so a bad one was
 * damaged, never torn.
 */
import { crc32 } from './crc32.ts'
import { FORMAT_VERSION, type SegmentKind } from './segment-format.ts'
import { otherVersion, WalError } from './wal-error.ts'

export const MANIFEST_NAME = 'manifest'
export const MANIFEST_UNFINISHED_NAME = 'manifest.new'
export const MANIFEST_MAGIC = 0x4d57564d // MVWM
export const MANIFEST_HEADER_BYTES = 28
export const MANIFEST_ROW_BYTES = 16
export const MANIFEST_FLAG_CLEAN_CLOSE = 1

export interface ManifestRow {
  number: number
  id: number
  bytes: number
  kind: SegmentKind
}

export interface Manifest {
  clean: boolean
  layoutHash: number
  generation: number
  /** The highest log segment that was ever sealed. */
  lastLog: number
  /** The highest segment number ever used. */
  highest: number
  rows: ManifestRow[]
}

export function encodeManifest(manifest: Manifest): Uint8Array {
  const end = MANIFEST_HEADER_BYTES + MANIFEST_ROW_BYTES * manifest.rows.length
  const bytes = new Uint8Array(end + 4)
  const view = new DataView(bytes.buffer)
  view.setInt32(0, MANIFEST_MAGIC, true)
  view.setUint16(4, FORMAT_VERSION, true)
  view.setUint16(6, manifest.clean ? MANIFEST_FLAG_CLEAN_CLOSE : 0, true)
  view.setInt32(8, manifest.layoutHash, true)
  view.setInt32(12, manifest.generation, true)
  view.setInt32(16, manifest.lastLog, true)
  view.setInt32(20, manifest.highest, true)
  view.setInt32(24, manifest.rows.length, true)
  let at = MANIFEST_HEADER_BYTES
  for (const row of manifest.rows) {
    view.setInt32(at, row.number, true)
    view.setInt32(at + 4, row.id, true)
    view.setInt32(at + 8, row.bytes, true)
    view.setInt32(at + 12, row.kind, true)
    at += MANIFEST_ROW_BYTES
  }
  view.setInt32(end, crc32(bytes, 0, end, 0), true)
  return bytes
}

/** Throws WAL_CORRUPT, or WAL_FORMAT for a version that we do not know. */
export function decodeManifest(bytes: Uint8Array, path: string): Manifest {
  const bad = (what: string): WalError => new WalError('WAL_CORRUPT', `${path}: ${what}`, { path, offset: 0 })
  if (bytes.length < MANIFEST_HEADER_BYTES + 4) throw bad('the manifest is too short')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const end = bytes.length - 4
  if (view.getInt32(0, true) !== MANIFEST_MAGIC) throw bad('this is not a manifest')
  if (view.getInt32(end, true) !== crc32(bytes, 0, end, 0)) throw bad('the checksum of the manifest is wrong')
  const version = view.getUint16(4, true)
  if (version !== FORMAT_VERSION) throw otherVersion(path, version, FORMAT_VERSION)
  const count = view.getInt32(24, true)
  if (MANIFEST_HEADER_BYTES + count * MANIFEST_ROW_BYTES !== end) throw bad('the manifest has another length')
  const rows: ManifestRow[] = []
  for (let at = MANIFEST_HEADER_BYTES; at < end; at += MANIFEST_ROW_BYTES) {
    rows.push({
      number: view.getInt32(at, true),
      id: view.getInt32(at + 4, true),
      bytes: view.getInt32(at + 8, true),
      kind: view.getInt32(at + 12, true) as SegmentKind,
    })
  }
  return {
    clean: (view.getUint16(6, true) & MANIFEST_FLAG_CLEAN_CLOSE) !== 0,
    layoutHash: view.getInt32(8, true),
    generation: view.getInt32(12, true),
    lastLog: view.getInt32(16, true),
    highest: view.getInt32(20, true),
    rows,
  }
}
