/**
 * What a SCAN asks for: the value of its request. Prefix and direction stand in the frame around it.
 *
 *   0 entries max u32 · 4 bytes max u32 · 8 bounds u8 · 9 zero · 10 from length u16 · 12 to length u16
 *   14 zero u16 · 16 cursor length u32 · 20 from · to · cursor
 */

import { appendBytes } from './append-bytes.ts'
import { ERROR } from './errors.ts'
import { SCAN_ENTRIES_DEFAULT, SCAN_ENTRIES_MAX } from './limits.ts'
import { readLength, readU16, writeU16, writeU32 } from './little-endian.ts'
import { SCAN_PAGE_BYTES_MAX } from './scan-page.ts'

export const SCAN_REQUEST_HEAD_BYTES = 20
const BOUND = { fromExclusive: 1, toInclusive: 2 } as const
const BOUNDS_KNOWN = 3

/** A decoded request: spans of the bytes it came from; an empty one is no bound. Reused. */
export class ScanRequest {
  /** 1 to SCAN_ENTRIES_MAX */
  entriesMax = SCAN_ENTRIES_DEFAULT
  /** Of the reply's value; at most SCAN_PAGE_BYTES_MAX. */
  bytesMax: number = SCAN_PAGE_BYTES_MAX
  fromExclusive = false
  toInclusive = false
  fromStart = 0
  fromEnd = 0
  toStart = 0
  toEnd = 0
  cursorStart = 0
  cursorEnd = 0
}

/** Decodes the value bytes[start, end). Returns its length, or -ERROR.BAD_REQUEST. */
export function decodeScanRequest(bytes: Uint8Array, start: number, end: number, into: ScanRequest): number {
  if (end - start < SCAN_REQUEST_HEAD_BYTES) return -ERROR.BAD_REQUEST
  const bounds = bytes[start + 8]!
  const zeros = bytes[start + 9]! | readU16(bytes, start + 14)
  if (bounds > BOUNDS_KNOWN || zeros !== 0) return -ERROR.BAD_REQUEST
  into.entriesMax = Math.min(readLength(bytes, start) || SCAN_ENTRIES_DEFAULT, SCAN_ENTRIES_MAX)
  into.bytesMax = Math.min(readLength(bytes, start + 4) || SCAN_PAGE_BYTES_MAX, SCAN_PAGE_BYTES_MAX)
  into.fromExclusive = (bounds & BOUND.fromExclusive) !== 0
  into.toInclusive = (bounds & BOUND.toInclusive) !== 0
  into.fromStart = start + SCAN_REQUEST_HEAD_BYTES
  into.fromEnd = into.toStart = into.fromStart + readU16(bytes, start + 10)
  into.toEnd = into.cursorStart = into.toStart + readU16(bytes, start + 12)
  into.cursorEnd = into.cursorStart + readLength(bytes, start + 16)
  return into.cursorEnd === end ? end - start : -ERROR.BAD_REQUEST
}

/** What is left out is at its default: no bound, from the beginning, as much as fits a page. */
export interface ScanWanted {
  entriesMax?: number
  bytesMax?: number
  from?: Uint8Array
  fromExclusive?: boolean
  to?: Uint8Array
  toInclusive?: boolean
  cursor?: Uint8Array
}

const NOTHING = new Uint8Array(0)

/** The value of a SCAN's request. */
export function encodeScanRequest(wanted: ScanWanted): Uint8Array {
  const { entriesMax = 0, bytesMax = 0, from = NOTHING, to = NOTHING, cursor = NOTHING } = wanted
  const body = new Uint8Array(SCAN_REQUEST_HEAD_BYTES + from.length + to.length + cursor.length)
  writeU32(entriesMax, body, 0)
  writeU32(bytesMax, body, 4)
  body[8] =
    (wanted.fromExclusive === true ? BOUND.fromExclusive : 0) |
    (wanted.toInclusive === true ? BOUND.toInclusive : 0)
  writeU16(from.length, body, 10)
  writeU16(to.length, body, 12)
  writeU32(cursor.length, body, 16)
  let at = appendBytes(from, 0, from.length, body, SCAN_REQUEST_HEAD_BYTES)
  at = appendBytes(to, 0, to.length, body, at)
  appendBytes(cursor, 0, cursor.length, body, at)
  return body
}
