/**
 * A page of a SCAN: the value of its reply, which is one frame. Entries are written as they are found; the
 * cursor, known only when the page is full, is put before them at the end.
 *
 *   0 entry count u32 · 4 cursor length u32 · 8 cursor · entries
 *   entry: 0 key length u16 · 2 kind u8 · 3 zero · 4 value length u32 · 8 version (12)
 *          20 expires at, ms u48 · 26 key · value
 */

import { readVersion, Version, writeVersion } from '@minivault/clock'
import { appendBytes } from './append-bytes.ts'
import { ERROR } from './errors.ts'
import { FRAME_REPLY_HEAD_BYTES } from './frame-form.ts'
import { FRAME_BYTES_MAX } from './limits.ts'
import { readLength, readU16, readU48, writeU16, writeU32, writeU48 } from './little-endian.ts'

/** What fits the frame of a reply. */
export const SCAN_PAGE_BYTES_MAX = FRAME_BYTES_MAX - FRAME_REPLY_HEAD_BYTES
/** The cursor stands behind them. */
export const SCAN_PAGE_HEAD_BYTES = 8
export const SCAN_ENTRY_HEAD_BYTES = 26

const KIND_JSON = 1
const KIND_TOO_LARGE = 128

/** An entry: decoded (spans of the bytes it came from) or to be written. Mutable and reused. */
export class ScanPageEntry {
  isJson = false
  /** The value is left out because no page has the room for it: GET it. */
  isTooLarge = false
  /** Of the whole value, also where it is left out. */
  valueBytes = 0
  readonly version = new Version()
  /** Milliseconds since 1970; 0: never. */
  expiresAtMs = 0
  keyStart = 0
  keyEnd = 0
  /** An empty span where the value is left out. */
  valueStart = 0
  valueEnd = 0
}

/** Writes one page after another. */
export class ScanPageWriter {
  count = 0
  #target: Uint8Array = new Uint8Array(0)
  #start = 0
  #at = 0
  #bytesMax: number = SCAN_PAGE_BYTES_MAX

  /** A page of at most `bytesMax` bytes from target[at] on, which has the room. */
  begin(target: Uint8Array, at: number, bytesMax: number): void {
    this.#target = target
    this.#start = at
    this.#at = at + SCAN_PAGE_HEAD_BYTES
    this.#bytesMax = bytesMax
    this.count = 0
  }

  /**
   * Whether an entry of these lengths fits beside a cursor of `cursorBytes`. An entry that does not fit an
   * empty page goes without its value; that without one goes whatever `bytesMax` says, so that there is
   * always a next step. Both always fit SCAN_PAGE_BYTES_MAX.
   */
  fits(keyBytes: number, valueBytes: number, cursorBytes: number): boolean {
    const written = this.#at - this.#start
    return written + SCAN_ENTRY_HEAD_BYTES + keyBytes + valueBytes + cursorBytes <= this.#bytesMax
  }

  /** Writes an entry; `value` is empty where it is left out. */
  add(entry: ScanPageEntry, key: Uint8Array, value: Uint8Array): void {
    const target = this.#target
    const at = this.#at
    writeU16(key.length, target, at)
    target[at + 2] = (entry.isJson ? KIND_JSON : 0) | (entry.isTooLarge ? KIND_TOO_LARGE : 0)
    target[at + 3] = 0
    writeU32(entry.valueBytes, target, at + 4)
    writeVersion(entry.version, target, at + 8)
    writeU48(entry.expiresAtMs, target, at + 20)
    const next = appendBytes(key, 0, key.length, target, at + SCAN_ENTRY_HEAD_BYTES)
    this.#at = appendBytes(value, 0, value.length, target, next)
    this.count++
  }

  /** Ends the page; the cursor is empty where there is no more. Returns the offset behind it. */
  finish(cursor: Uint8Array): number {
    const target = this.#target
    const start = this.#start
    const entriesStart = start + SCAN_PAGE_HEAD_BYTES
    if (cursor.length > 0) target.copyWithin(entriesStart + cursor.length, entriesStart, this.#at)
    writeU32(this.count, target, start)
    writeU32(cursor.length, target, start + 4)
    appendBytes(cursor, 0, cursor.length, target, entriesStart)
    return this.#at + cursor.length
  }
}

/**
 * Reads the page bytes[start, end), given in chunks or not; `isKeysOnly` as its request's flag `noValue`.
 * Returns the cursor's length (it stands at start + SCAN_PAGE_HEAD_BYTES; 0: there is no more), or
 * -ERROR.BAD_REQUEST, and then no entry was given. The entry is one object, reused.
 */
export function decodeScanPage(
  bytes: Uint8Array,
  start: number,
  end: number,
  isKeysOnly: boolean,
  onEntry: (entry: ScanPageEntry) => void,
): number {
  if (end - start < SCAN_PAGE_HEAD_BYTES) return -ERROR.BAD_REQUEST
  const count = readLength(bytes, start)
  const cursorBytes = readLength(bytes, start + 4)
  const entriesStart = start + SCAN_PAGE_HEAD_BYTES + cursorBytes
  const entry = new ScanPageEntry()
  let at = entriesStart
  for (let index = 0; index < count && at > 0; index++) at = readEntry(bytes, at, end, isKeysOnly, entry)
  if (at !== end) return -ERROR.BAD_REQUEST
  at = entriesStart
  for (let index = 0; index < count; index++) {
    at = readEntry(bytes, at, end, isKeysOnly, entry)
    onEntry(entry)
  }
  return cursorBytes
}

/** Returns the offset behind the entry, which may lie beyond `end`, or -1. */
function readEntry(
  bytes: Uint8Array,
  at: number,
  end: number,
  isKeysOnly: boolean,
  entry: ScanPageEntry,
): number {
  if (end - at < SCAN_ENTRY_HEAD_BYTES) return -1
  const kind = bytes[at + 2]!
  if ((kind & ~(KIND_JSON | KIND_TOO_LARGE)) !== 0) return -1
  entry.isJson = (kind & KIND_JSON) !== 0
  entry.isTooLarge = (kind & KIND_TOO_LARGE) !== 0
  entry.valueBytes = readLength(bytes, at + 4)
  readVersion(bytes, at + 8, entry.version)
  entry.expiresAtMs = readU48(bytes, at + 20)
  entry.keyStart = at + SCAN_ENTRY_HEAD_BYTES
  entry.keyEnd = entry.valueStart = entry.keyStart + readU16(bytes, at)
  entry.valueEnd = entry.valueStart + (isKeysOnly || entry.isTooLarge ? 0 : entry.valueBytes)
  return entry.valueEnd
}
