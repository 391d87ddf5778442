/**
 * Patterns over bytes, as KEYS and SCAN take them: `*` any bytes, `?` one, `[abc]`, `[a-c]`, `[^abc]` one of
 * these or none of them, `\` before a byte that stands for itself. Matching goes back to the last star only,
 * so its time is at most the product of both lengths.
 */
import { PATTERN_BYTES_MAX } from '../../limits.ts'
import { CommandError } from '../command.ts'

const STAR = 0x2a
const QUESTION = 0x3f
const OPEN = 0x5b
const CLOSE = 0x5d
const CARET = 0x5e
const DASH = 0x2d
const ESCAPE = 0x5c

/** An argument that is a pattern. */
export function patternIn(arg: Uint8Array): Uint8Array {
  if (arg.length > PATTERN_BYTES_MAX) {
    throw new CommandError(`ERR a pattern has at most ${PATTERN_BYTES_MAX} bytes`)
  }
  return arg
}

export function isMatch(pattern: Uint8Array, bytes: Uint8Array): boolean {
  let at = 0
  let place = 0
  let behindStar = -1
  let starPlace = 0
  while (place < bytes.length) {
    if (pattern[at] === STAR) {
      behindStar = ++at
      starPlace = place
      continue
    }
    const next = at < pattern.length ? behindOne(pattern, at, bytes[place]!) : -1
    if (next >= 0) {
      at = next
      place += 1
    } else if (behindStar >= 0) {
      at = behindStar
      place = ++starPlace
    } else return false
  }
  while (pattern[at] === STAR) at += 1
  return at === pattern.length
}

/** What every match begins with. */
export function prefixOf(pattern: Uint8Array): Uint8Array {
  const prefix: number[] = []
  for (let at = 0; at < pattern.length; at++) {
    const byte = pattern[at]!
    if (byte === STAR || byte === QUESTION || byte === OPEN) break
    if (byte === ESCAPE && at + 1 < pattern.length) at += 1
    prefix.push(pattern[at]!)
  }
  return Uint8Array.from(prefix)
}

/** Where the pattern goes on behind what stands for this one byte; -1: it does not stand for it. */
function behindOne(pattern: Uint8Array, at: number, byte: number): number {
  const first = pattern[at]!
  if (first === QUESTION) return at + 1
  if (first === OPEN) return behindClass(pattern, at + 1, byte)
  const isEscaped = first === ESCAPE && at + 1 < pattern.length
  const literal = isEscaped ? pattern[at + 1]! : first
  return literal === byte ? at + (isEscaped ? 2 : 1) : -1
}

/** A class that is not closed ends with the pattern. */
function behindClass(pattern: Uint8Array, start: number, byte: number): number {
  const isNegated = pattern[start] === CARET
  let isAmong = false
  let at = isNegated ? start + 1 : start
  while (at < pattern.length && pattern[at] !== CLOSE) {
    if (pattern[at] === ESCAPE && at + 1 < pattern.length) {
      isAmong ||= pattern[at + 1] === byte
      at += 2
    } else if (pattern[at + 1] === DASH && at + 2 < pattern.length) {
      const one = pattern[at]!
      const other = pattern[at + 2]!
      isAmong ||= byte >= Math.min(one, other) && byte <= Math.max(one, other)
      at += 3
    } else {
      isAmong ||= pattern[at] === byte
      at += 1
    }
  }
  return isAmong === isNegated ? -1 : Math.min(at + 1, pattern.length)
}
