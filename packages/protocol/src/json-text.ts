/**
 * JSON read as bytes. A stored value is the JSON text of `value` exactly as it was sent, so that numbers
 * beyond 2^53, the order of keys, duplicates and unicode survive: the text is found and checked here, never
 * parsed into objects.
 *
 * Strict RFC 8259 in valid UTF-8, with one leniency for `findValueText`: raw CR, LF and TAB inside a string
 * are accepted and reported (a shell's `"$(base64 file)"` produces them); `escapeRawControls` makes the text
 * proper. No recursion: open containers stand in one fixed array, JSON_DEPTH_MAX deep.
 */

import { isUtf8 } from 'node:buffer'
import { ERROR, type ErrorNumber } from './errors.ts'
import { JSON_DEPTH_MAX } from './limits.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const MINUS = 0x2d
const PLUS = 0x2b
const POINT = 0x2e
const ZERO = 0x30
const FAILED = -1

/** Where a text lies in the bytes it was found in. Reused. */
export class JsonSpan {
  start = 0
  end = 0
  /** Raw CR, LF or TAB stand inside strings of the span: it is JSON only after `escapeRawControls`. */
  hasRawControls = false
}

/** The closing bytes of the containers that are open at the scanner's place. */
const closers = new Uint8Array(JSON_DEPTH_MAX)
/** Bytes that may follow a backslash, and what they stand for where that is one byte. */
const ESCAPES = new Map(
  [...'"\\/bfnrt'].map((letter, index) => [letter.charCodeAt(0), '"\\/\b\f\n\r\t'.charCodeAt(index)]),
)
const VALUE = Buffer.from('value')
const LITERALS = [Buffer.from('true'), Buffer.from('false'), Buffer.from('null')]

let lenient = false
let sawRawControl = false

/**
 * Finds the member `value` of the object that bytes[start, end) must be; of several the last, as `JSON.parse`
 * would take it. Returns ERROR.NONE, ERROR.BAD_JSON, or ERROR.MISSING_VALUE (valid JSON without it).
 */
export function findValueText(bytes: Uint8Array, start: number, end: number, span: JsonSpan): ErrorNumber {
  if (!isUtf8(bytes.subarray(start, end))) return ERROR.BAD_JSON
  lenient = true
  let at = skipSpace(bytes, start, end)
  if (at === end || bytes[at] !== OPEN_OBJECT) {
    return isWhole(bytes, scanValue(bytes, at, end), end) ? ERROR.MISSING_VALUE : ERROR.BAD_JSON
  }
  let found = false
  at = skipSpace(bytes, at + 1, end)
  if (bytes[at] !== CLOSE_OBJECT || at === end) {
    for (;;) {
      const keyStart = at
      const keyEnd = scanString(bytes, at, end)
      at = valueAfterKey(bytes, keyEnd, end)
      if (at === FAILED) return ERROR.BAD_JSON
      sawRawControl = false
      const valueStart = at
      at = scanValue(bytes, at, end)
      if (at === FAILED) return ERROR.BAD_JSON
      if (isValueKey(bytes, keyStart + 1, keyEnd - 1)) {
        found = true
        span.start = valueStart
        span.end = at
        span.hasRawControls = sawRawControl
      }
      at = skipSpace(bytes, at, end)
      if (at < end && bytes[at] === CLOSE_OBJECT) break
      if (at === end || bytes[at] !== COMMA) return ERROR.BAD_JSON
      at = skipSpace(bytes, at + 1, end)
    }
  }
  if (skipSpace(bytes, at + 1, end) !== end) return ERROR.BAD_JSON
  return found ? ERROR.NONE : ERROR.MISSING_VALUE
}

/** Whether bytes[start, end) is one JSON text, strictly; white space around it is part of JSON. */
export function isJsonText(bytes: Uint8Array, start: number, end: number): boolean {
  lenient = false
  const first = skipSpace(bytes, start, end)
  return isWhole(bytes, scanValue(bytes, first, end), end) && isUtf8(bytes.subarray(start, end))
}

/** A copy of a text found leniently, with the raw CR, LF and TAB of its strings escaped. */
export function escapeRawControls(bytes: Uint8Array, start: number, end: number): Uint8Array {
  let extra = 0
  for (let at = start; at < end; at++) if (escapedControl(bytes[at]!) !== 0) extra++
  const escaped = Buffer.allocUnsafe(end - start + extra)
  let length = 0
  let inString = false
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    const letter = inString ? escapedControl(byte) : 0
    if (letter !== 0) {
      escaped[length++] = BACKSLASH
      escaped[length++] = letter
      continue
    }
    escaped[length++] = byte
    if (byte === QUOTE) inString = !inString
    else if (byte === BACKSLASH && inString) escaped[length++] = bytes[++at]!
  }
  return escaped.subarray(0, length)
}

function escapedControl(byte: number): number {
  return byte === 0x0a ? 0x6e : byte === 0x0d ? 0x72 : byte === 0x09 ? 0x74 : 0
}

function isWhole(bytes: Uint8Array, at: number, end: number): boolean {
  return at !== FAILED && skipSpace(bytes, at, end) === end
}

function skipSpace(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end) {
    const byte = bytes[at]!
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break
    at++
  }
  return at
}

/** Scans the value at `start` (no white space before it); returns the index behind it, or FAILED. */
function scanValue(bytes: Uint8Array, start: number, end: number): number {
  let depth = 0
  let at = start
  for (;;) {
    if (at >= end) return FAILED
    const first = bytes[at]!
    if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
      if (depth === JSON_DEPTH_MAX) return FAILED
      const closer = first + 2 // in ASCII a closing bracket stands two behind its opening one
      closers[depth++] = closer
      at = skipSpace(bytes, at + 1, end)
      if (at === end) return FAILED
      if (bytes[at] !== closer) {
        if (closer === CLOSE_OBJECT) at = valueAfterKey(bytes, scanString(bytes, at, end), end)
        if (at === FAILED) return FAILED
        continue
      }
    } else {
      at = scanScalar(bytes, at, end)
      if (at === FAILED) return FAILED
    }
    for (;;) {
      if (depth === 0) return at
      at = skipSpace(bytes, at, end)
      if (at === end) return FAILED
      if (bytes[at] === COMMA) break
      if (bytes[at] !== closers[depth - 1]) return FAILED
      depth--
      at++
    }
    at = skipSpace(bytes, at + 1, end)
    if (closers[depth - 1] === CLOSE_OBJECT) at = valueAfterKey(bytes, scanString(bytes, at, end), end)
    if (at === FAILED) return FAILED
  }
}

/** From behind a member's name over the colon to its value; FAILED where the name failed. */
function valueAfterKey(bytes: Uint8Array, keyEnd: number, end: number): number {
  if (keyEnd === FAILED) return FAILED
  const colon = skipSpace(bytes, keyEnd, end)
  return colon < end && bytes[colon] === COLON ? skipSpace(bytes, colon + 1, end) : FAILED
}

function scanScalar(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!
  if (first === QUOTE) return scanString(bytes, at, end)
  if (first === MINUS || isDigit(first)) return scanNumber(bytes, at, end)
  for (const literal of LITERALS) if (first === literal[0]) return scanLiteral(bytes, at, end, literal)
  return FAILED
}

function scanLiteral(bytes: Uint8Array, at: number, end: number, literal: Uint8Array): number {
  if (end - at < literal.length) return FAILED
  for (let i = 1; i < literal.length; i++) if (bytes[at + i] !== literal[i]) return FAILED
  return at + literal.length
}

function scanString(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end || bytes[start] !== QUOTE) return FAILED
  for (let at = start + 1; at < end; at++) {
    const byte = bytes[at]!
    if (byte === QUOTE) return at + 1
    if (byte === BACKSLASH) {
      at = scanEscape(bytes, at + 1, end)
      if (at === FAILED) return FAILED
    } else if (byte < 0x20) {
      if (!lenient || escapedControl(byte) === 0) return FAILED
      sawRawControl = true
    }
  }
  return FAILED
}

/** `at` stands behind the backslash; returns the last byte of the escape. */
function scanEscape(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return FAILED
  if (bytes[at] !== 0x75) return ESCAPES.has(bytes[at]!) ? at : FAILED
  if (end - at < 5) return FAILED
  for (let i = 1; i <= 4; i++) if (hexDigit(bytes[at + i]!) < 0) return FAILED
  return at + 4
}

function scanNumber(bytes: Uint8Array, start: number, end: number): number {
  let at = bytes[start] === MINUS ? start + 1 : start
  if (at < end && bytes[at] === ZERO) at++
  else if ((at = skipDigits(bytes, at, end)) === FAILED) return FAILED
  if (at < end && bytes[at] === POINT && (at = skipDigits(bytes, at + 1, end)) === FAILED) return FAILED
  if (at < end && (bytes[at]! | 0x20) === 0x65) {
    at++
    if (at < end && (bytes[at] === PLUS || bytes[at] === MINUS)) at++
    at = skipDigits(bytes, at, end)
  }
  return at
}

/** At least one digit. */
function skipDigits(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end && isDigit(bytes[at]!)) at++
  return at === start ? FAILED : at
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= 0x39
}

function hexDigit(byte: number): number {
  if (isDigit(byte)) return byte - ZERO
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : FAILED
}

/** Whether the inside of a valid string, escapes resolved, is `value`. */
function isValueKey(bytes: Uint8Array, start: number, end: number): boolean {
  let matched = 0
  for (let at = start; at < end; at++) {
    let byte = bytes[at]!
    if (byte === BACKSLASH) {
      const letter = bytes[++at]!
      if (letter === 0x75) {
        byte = 0
        for (let i = 1; i <= 4; i++) byte = (byte << 4) | hexDigit(bytes[at + i]!)
        at += 4
      } else byte = ESCAPES.get(letter)!
    }
    if (byte !== VALUE[matched++]) return false
  }
  return matched === VALUE.length
}
