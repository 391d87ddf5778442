/*
 * From what a scan is asked to the range of keys that pages are asked for; and the text by which another scan
 * goes on: the direction and the key given out last, as base64url. Whatever cannot be is CLIENT_BAD_ARGUMENT,
 * a bound that is longer than any key KEY_LENGTH.
 */

import { KEY_BYTES_MAX } from '@minivault/protocol'
import { badArgument, bytesOf, countOf } from './arguments.ts'
import { compare, concat, fromBase64Url, toBase64Url } from './bytes.ts'
import { ClientError } from './client-error.ts'
import type { ScanOptions } from './options.ts'
import { EMPTY } from './request.ts'

/** An empty bound is none. */
export interface ScanRange {
  prefix: Uint8Array
  from: Uint8Array
  fromExclusive: boolean
  to: Uint8Array
  toInclusive: boolean
  reverse: boolean
  /** no key lies in it, whatever the server holds */
  isEmpty: boolean
}

/** Copies every bound, so that the caller's bytes may change. */
export function rangeOf(options: ScanOptions): ScanRange {
  if (typeof options !== 'object' || options === null) throw badArgument('the options must be an object')
  const { prefix, gt, gte, lt, lte, cursor } = options
  if (gt !== undefined && gte !== undefined) throw badArgument('gt and gte exclude each other')
  if (lt !== undefined && lte !== undefined) throw badArgument('lt and lte exclude each other')
  const from = boundOf('gt or gte', gt ?? gte)
  const to = boundOf('lt or lte', lt ?? lte)
  const range: ScanRange = {
    prefix: boundOf('prefix', prefix) ?? EMPTY,
    from: from ?? EMPTY,
    fromExclusive: gt !== undefined,
    to: to ?? EMPTY,
    toInclusive: lte !== undefined,
    reverse: flagOf('reverse', options.reverse),
    isEmpty: to !== null && to.length === 0,
  }
  if (cursor !== undefined) goOnBehind(range, keyOfCursor(cursor, range.reverse))
  return range
}

export function limitOf({ limit }: ScanOptions): number {
  return limit === undefined ? Number.POSITIVE_INFINITY : countOf(limit, 'limit')
}

export function flagOf(name: string, flag: boolean | undefined): boolean {
  if (flag !== undefined && typeof flag !== 'boolean') throw badArgument(`${name} must be true or false`)
  return flag === true
}

export function cursorOf(key: Uint8Array, reverse: boolean): string {
  return toBase64Url(concat([Uint8Array.of(reverse ? 1 : 0), key]))
}

function boundOf(name: string, given: string | Uint8Array | undefined): Uint8Array | null {
  if (given === undefined) return null
  const bytes = new Uint8Array(bytesOf(name, given))
  if (bytes.length <= KEY_BYTES_MAX) return bytes
  throw new ClientError('KEY_LENGTH', `${name} has at most ${KEY_BYTES_MAX} bytes`)
}

function keyOfCursor(text: string, reverse: boolean): Uint8Array {
  const bytes = bytesOfCursor(text)
  const isOurs = bytes.length > 1 && bytes.length <= 1 + KEY_BYTES_MAX && bytes[0]! <= 1
  if (!isOurs || toBase64Url(bytes) !== text) throw badArgument('no scan gave this cursor')
  if ((bytes[0] === 1) !== reverse) throw badArgument('the cursor is of a scan in the other direction')
  return bytes.slice(1)
}

function bytesOfCursor(text: string): Uint8Array {
  try {
    return fromBase64Url(`${text}`)
  } catch {
    return EMPTY
  }
}

function goOnBehind(range: ScanRange, key: Uint8Array): void {
  if (!range.reverse && compare(key, range.from) >= 0) {
    range.from = key
    range.fromExclusive = true
  } else if (range.reverse && (range.to.length === 0 || compare(key, range.to) <= 0)) {
    range.to = key
    range.toInclusive = false
  }
}
