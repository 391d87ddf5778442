/*
 * Replies of the Redis protocol. What a client that has not said HELLO 3 cannot read is written as RESP2 has
 * it: a map as the array of its keys and values, a double as text, a boolean as 1 or 0.
 *
 *   +simple   -error   :integer   $bulk   *array          RESP2
 *   _null   #boolean   ,double   %map   ~set   =verbatim  RESP3
 */
import { CR, LF, ZERO } from './resp-bytes.ts'

/**
 * - null: the null of the protocol's version
 * - number (an integer), bigint: an integer of 64 bits
 * - Uint8Array, string: a bulk string, of the text's UTF-8
 * - encoded: written as it is, in the version that is spoken
 * - noArray: the null where there would be an array, which RESP2 tells from others
 */
export type RespValue =
  | null
  | number
  | bigint
  | boolean
  | string
  | Uint8Array
  | readonly RespValue[]
  | { readonly simple: string }
  | { readonly error: string }
  | { readonly double: number }
  | { readonly map: RespMap }
  | { readonly set: readonly RespValue[] }
  | { readonly verbatim: string }
  | { readonly noArray: true }
  | { readonly encoded: Uint8Array }

export type RespMap = readonly (readonly [RespValue, RespValue])[]

export type RespVersion = 2 | 3

const LINE_END = Uint8Array.of(CR, LF)
const NULL_2 = Uint8Array.from(Buffer.from('$-1\r\n'))
const NULL_3 = Uint8Array.from(Buffer.from('_\r\n'))

/** Where replies go. */
export interface RespTarget {
  /** Copies a span behind what is there. */
  append(bytes: Uint8Array, start: number, end: number): void
}

/** `$4294967295\r\n`, and room to spare. */
export const RESP_LENGTH_BYTES_MAX = 20
const HEAD = new Uint8Array(RESP_LENGTH_BYTES_MAX)

/** Writes marker, number and CR LF; returns the next offset. */
export function writeRespLength(marker: number, length: number, target: Uint8Array, at: number): number {
  target[at] = marker
  let next = at + 1
  if (length < 10) {
    target[next++] = ZERO + length
  } else {
    let digits = 2
    for (let bound = 100; length >= bound; bound *= 10) digits++
    let rest = length
    for (let place = next + digits - 1; place >= next; place--) {
      const tenth = Math.floor(rest / 10)
      target[place] = ZERO + rest - tenth * 10
      rest = tenth
    }
    next += digits
  }
  target[next] = CR
  target[next + 1] = LF
  return next + 2
}

export function writeRespValue(value: RespValue, version: RespVersion, target: RespTarget): void {
  if (value === null) writeBytes(version === 3 ? NULL_3 : NULL_2, target)
  else if (value instanceof Uint8Array) writeBulk(value, '$', target)
  else if (typeof value === 'number' && value >= 0) writeLength(':', value, target)
  else if (typeof value === 'number' || typeof value === 'bigint') writeLine(`:${value}`, target)
  else if (typeof value === 'boolean') writeLine(booleanText(value, version), target)
  else if (typeof value === 'string') writeBulk(Buffer.from(value), '$', target)
  else if (isList(value)) writeItems('*', value, version, target)
  else writeNamed(value, version, target)
}

function isList(value: Named | readonly RespValue[]): value is readonly RespValue[] {
  return Array.isArray(value)
}

function booleanText(value: boolean, version: RespVersion): string {
  if (version === 3) return value ? '#t' : '#f'
  return value ? ':1' : ':0'
}

type Named = Exclude<RespValue, null | number | bigint | boolean | string | Uint8Array | readonly RespValue[]>

function writeNamed(value: Named, version: RespVersion, target: RespTarget): void {
  if ('simple' in value) writeLine(`+${value.simple}`, target)
  else if ('error' in value) writeLine(`-${value.error}`, target)
  else if ('double' in value) writeDouble(value.double, version, target)
  else if ('map' in value) writeMap(value.map, version, target)
  else if ('set' in value) writeItems(version === 3 ? '~' : '*', value.set, version, target)
  else if ('encoded' in value) writeBytes(value.encoded, target)
  else if ('noArray' in value) writeLine(version === 3 ? '_' : '*-1', target)
  else writeVerbatim(value.verbatim, version, target)
}

function writeDouble(value: number, version: RespVersion, target: RespTarget): void {
  const text = value === Infinity ? 'inf' : value === -Infinity ? '-inf' : String(value).toLowerCase()
  if (version === 3) writeLine(`,${text}`, target)
  else writeBulk(Buffer.from(text), '$', target)
}

function writeMap(pairs: RespMap, version: RespVersion, target: RespTarget): void {
  if (version === 3) writeLine(`%${pairs.length}`, target)
  else writeLine(`*${pairs.length * 2}`, target)
  for (const [key, value] of pairs) {
    writeRespValue(key, version, target)
    writeRespValue(value, version, target)
  }
}

/** Text for a person: `txt` names its format. */
function writeVerbatim(text: string, version: RespVersion, target: RespTarget): void {
  if (version === 3) writeBulk(Buffer.from(`txt:${text}`), '=', target)
  else writeBulk(Buffer.from(text), '$', target)
}

function writeItems(
  marker: string,
  items: readonly RespValue[],
  version: RespVersion,
  target: RespTarget,
): void {
  writeLength(marker, items.length, target)
  for (const item of items) writeRespValue(item, version, target)
}

function writeBulk(bytes: Uint8Array, marker: string, target: RespTarget): void {
  writeLength(marker, bytes.length, target)
  writeBytes(bytes, target)
  writeBytes(LINE_END, target)
}

function writeLength(marker: string, length: number, target: RespTarget): void {
  target.append(HEAD, 0, writeRespLength(marker.charCodeAt(0), length, HEAD, 0))
}

function writeBytes(bytes: Uint8Array, target: RespTarget): void {
  target.append(bytes, 0, bytes.length)
}

/** A line ends at its first CR or LF: neither can stand in it. */
function writeLine(text: string, target: RespTarget): void {
  const line = Buffer.from(`${text.replace(/[\r\n]/g, ' ')}\r\n`)
  target.append(line, 0, line.length)
}
