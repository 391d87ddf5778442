/*
 * Scans over HTTP: `GET /-/keys`. Its bounds are `from ≤ key < to`, so that what lies right behind a key is
 * asked for by the next one that there could be.
 *
 * A value in a page stands there as JSON, which does not tell a raw value that happens to be a JSON text from
 * a JSON value, and which cannot be parsed and printed without loss. Text and base64 can be told, by the size
 * beside them; what cannot is fetched as bytes when its turn comes.
 */

import { KEY_BYTES_MAX, type ScanWanted } from '@minivault/protocol'
import { concat, fromBase64, textOf, utf8 } from './bytes.ts'
import { ClientError } from './client-error.ts'
import type { ScanEntry } from './options.ts'
import { percentEncoded } from './percent-encoding.ts'
import { EMPTY } from './request.ts'
import type { Listed, Page } from './scan-page.ts'

/** What a page is asked for, beside its direction. */
export interface PageWanted extends ScanWanted {
  prefix: Uint8Array
  reverse: boolean
  keysOnly: boolean
}

/** No key lies above it. */
const BEHIND_ALL = new Uint8Array(KEY_BYTES_MAX).fill(0xff)

export function scanTarget(wanted: PageWanted): string {
  const { prefix, reverse, keysOnly, entriesMax = 0, from = EMPTY, to = EMPTY, cursor = EMPTY } = wanted
  const query: string[] = []
  const bound = (name: string, bytes: Uint8Array) => query.push(`${name}=${percentEncoded(bytes)}`)
  if (prefix.length > 0) bound('prefix', prefix)
  if (from.length > 0) bound('from', wanted.fromExclusive === true ? nextAfter(from) : from)
  if (to.length > 0) bound('to', wanted.toInclusive === true ? nextAfter(to) : to)
  if (entriesMax > 0) query.push(`limit=${entriesMax}`)
  if (reverse) query.push('reverse=true')
  if (!keysOnly) query.push('values=true')
  if (cursor.length > 0) bound('cursor', cursor)
  return `/-/keys?${query.join('&')}`
}

/** The lowest key above this one. */
export function nextAfter(key: Uint8Array): Uint8Array {
  if (key.length < KEY_BYTES_MAX) return concat([key, Uint8Array.of(0)])
  const last = key.findLastIndex((byte) => byte < 0xff)
  if (last < 0) return BEHIND_ALL
  const next = new Uint8Array(key.subarray(0, last + 1))
  next[last]! += 1
  return next
}

interface Told {
  key: string
  encoding?: string
  version: string
  size?: number
  expiresAt?: number
  value?: unknown
  valueEncoding?: string
}

/** Throws CLIENT_PROTOCOL. */
export function pageOf(body: Uint8Array, keysOnly: boolean): Page {
  try {
    const told = JSON.parse(textOf(body)) as { keys: Told[]; cursor: string | null }
    const cursor = told.cursor === null ? null : utf8(told.cursor)
    return { listed: told.keys.map((entry) => listedOf(entry, keysOnly)), cursor }
  } catch (cause) {
    throw new ClientError('CLIENT_PROTOCOL', 'the server sent what is no page of keys', { cause })
  }
}

function listedOf(told: Told, keysOnly: boolean): Listed {
  const key = told.encoding === 'base64' ? fromBase64(told.key) : utf8(told.key)
  if (key.length === 0 || !/^[0-9a-f]{24}$/.test(told.version)) throw new TypeError('an entry without a key')
  const value = keysOnly ? EMPTY : bytesOf(told)
  const entry: ScanEntry = {
    key,
    value: value ?? EMPTY,
    version: told.version,
    type: undefined,
    expiresAtMs: told.expiresAt ?? 0,
  }
  return { entry, isBare: value === null }
}

/** The bytes of the value where they are certain, else null. */
function bytesOf({ value, valueEncoding, size }: Told): Uint8Array | null {
  if (typeof value !== 'string') return null
  const bytes = valueEncoding === 'base64' ? fromBase64(value) : utf8(value)
  // A JSON text would have been longer, by its quotes at least.
  return bytes.length === size ? bytes : null
}
