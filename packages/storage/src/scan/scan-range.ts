/**
 * From what a scan is asked to the range of keys that it goes through, always within the user's space; and
 * the text by which another scan goes on:
 *
 *     0          1            + 4
 *     ┌──────────┬─────┬──────┐
 *     │ direction│ key │ crc32│   as base64url
 *     │ 0 or 1   │     │      │
 *     └──────────┴─────┴──────┘
 *
 * The checksum is for those who cut a text or change it by hand; it keeps no secret. Whatever cannot be is
 * STORAGE_SCAN.
 */

import { cloneBytes } from '@minivault/codec'
import { crc32 } from '@minivault/wal'
import type { KeyBound, KeyRange } from '../hint/entry-list.ts'
import { compareKeys, int32At, writeU32 } from '../hint/key-entry.ts'
import { KEY_BYTES_MAX } from '../limits.ts'
import { EMPTY_BYTES, SPACE } from '../mutation.ts'
import { StorageError } from '../storage-error.ts'
import { bytesOf } from '../write-options.ts'

export interface ScanOptions {
  /** Only keys that begin with these bytes. */
  prefix?: string | Uint8Array
  gt?: string | Uint8Array
  gte?: string | Uint8Array
  lt?: string | Uint8Array
  lte?: string | Uint8Array
  /** At most so many entries. */
  limit?: number
  /** From the last key to the first. */
  reverse?: boolean
  /** Leaves the values out, and does not read them. */
  keysOnly?: boolean
  /** Leaves a value with a file of its own unread; its entry says how long it is (`leftBytes`). */
  leaveFiles?: boolean
  /** Goes on behind what the scan that gave this text has given out, in the same direction. */
  cursor?: string
}

/** A range within the user's space; both ends are always there. */
export interface ScanRange extends KeyRange {
  from: KeyBound
  to: KeyBound
  reverse: boolean
}

const CRC_BYTES = 4
const CURSOR_LENGTH_MAX = cursorBytesOf(KEY_BYTES_MAX)

/** Copies every bound, so that the caller's bytes may change. */
export function rangeOf(options: ScanOptions): ScanRange {
  const { prefix, gt, gte, lt, lte, cursor } = options
  if (gt !== undefined && gte !== undefined) throw wrong('gt and gte exclude each other')
  if (lt !== undefined && lte !== undefined) throw wrong('lt and lte exclude each other')
  const range: ScanRange = {
    from: { space: SPACE.user, key: EMPTY_BYTES, isInclusive: true },
    to: { space: SPACE.user + 1, key: EMPTY_BYTES, isInclusive: false },
    reverse: flagOf('reverse', options.reverse),
  }
  if (gt !== undefined) raise(range, keyOf('gt', gt), false)
  if (gte !== undefined) raise(range, keyOf('gte', gte), true)
  if (lt !== undefined) lower(range, keyOf('lt', lt), false)
  if (lte !== undefined) lower(range, keyOf('lte', lte), true)
  if (prefix !== undefined) {
    const start = keyOf('prefix', prefix)
    const behind = behindAllOf(start)
    raise(range, start, true)
    if (behind !== null) lower(range, behind, false)
  }
  return cursor === undefined ? range : rangeFrom(range, keyOfCursor(cursor, range.reverse), false)
}

/** What is left of a range from this key on, in its direction. */
export function rangeFrom(range: ScanRange, key: Uint8Array, isInclusive: boolean): ScanRange {
  const rest = { ...range }
  if (range.reverse) lower(rest, key, isInclusive)
  else raise(rest, key, isInclusive)
  return rest
}

/** The range may be unlimited: Infinity. */
export function limitOf({ limit }: ScanOptions): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY
  if (Number.isSafeInteger(limit) && limit >= 0) return limit
  throw wrong('limit must be an integer of 0 or more')
}

export function flagOf(name: 'reverse' | 'keysOnly' | 'leaveFiles', flag: boolean | undefined): boolean {
  if (flag !== undefined && typeof flag !== 'boolean') throw wrong(`${name} must be true or false`)
  return flag === true
}

/** A copy of the bytes of a bound. */
export function keyOf(name: string, given: string | Uint8Array): Uint8Array {
  if (typeof given !== 'string' && !(given instanceof Uint8Array)) {
    throw wrong(`${name} must be a string or a Uint8Array`)
  }
  const bytes = bytesOf('key', given)
  return cloneBytes(bytes, 0, bytes.length)
}

/** The text by which another scan goes on behind this key. */
export function cursorOf(key: Uint8Array, length: number, reverse: boolean): string {
  const bytes = new Uint8Array(1 + length + CRC_BYTES)
  bytes[0] = reverse ? 1 : 0
  bytes.set(key.subarray(0, length), 1)
  writeU32(bytes, 1 + length, crc32(bytes, 0, 1 + length, 0))
  return Buffer.from(bytes.buffer).toString('base64url')
}

/** Length of the cursor behind a key of so many bytes. */
export function cursorBytesOf(keyBytes: number): number {
  return Math.ceil(((1 + keyBytes + CRC_BYTES) * 4) / 3)
}

function keyOfCursor(text: string, reverse: boolean): Uint8Array {
  if (typeof text !== 'string' || text.length > CURSOR_LENGTH_MAX) throw wrong('no scan gave this cursor')
  const bytes = Buffer.from(text, 'base64url')
  const end = bytes.length - CRC_BYTES
  const isOurs = end > 1 && bytes.toString('base64url') === text && bytes[0]! <= 1
  if (!isOurs || crc32(bytes, 0, end, 0) !== int32At(bytes, end)) throw wrong('no scan gave this cursor')
  if ((bytes[0] === 1) !== reverse) throw wrong('the cursor is of a scan in the other direction')
  return cloneBytes(bytes, 1, end)
}

/** The first key behind all that begin with `prefix`; null: there is none. */
function behindAllOf(prefix: Uint8Array): Uint8Array | null {
  let length = prefix.length
  while (length > 0 && prefix[length - 1] === 0xff) length -= 1
  if (length === 0) return null
  const behind = cloneBytes(prefix, 0, length)
  behind[length - 1]! += 1
  return behind
}

function raise(range: ScanRange, key: Uint8Array, isInclusive: boolean): void {
  const bound = { space: SPACE.user, key, isInclusive }
  const order = compareBounds(bound, range.from)
  if (order > 0 || (order === 0 && !isInclusive)) range.from = bound
}

function lower(range: ScanRange, key: Uint8Array, isInclusive: boolean): void {
  const bound = { space: SPACE.user, key, isInclusive }
  const order = compareBounds(bound, range.to)
  if (order < 0 || (order === 0 && !isInclusive)) range.to = bound
}

function compareBounds(a: KeyBound, b: KeyBound): number {
  return compareKeys(a.space, a.key, 0, a.key.length, b.space, b.key, 0, b.key.length)
}

export function wrong(message: string): StorageError {
  return new StorageError('STORAGE_SCAN', message)
}
