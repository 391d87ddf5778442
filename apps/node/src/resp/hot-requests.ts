/**
 * The requests that came together, read as far as they are plain: `GET key`, `SET key value`, `DEL key`,
 * spelled as clients spell them. Their keys are hashed before the first is carried out, so that the store can
 * have the records come from memory at once (`Foresight`). What is anything else, or is not whole, ends the
 * reading and is left to `RespRequest`, which says the same of these.
 *
 *   *2\r\n$3\r\nGET\r\n$<bytes>\r\n<key>\r\n
 *   *3\r\n$3\r\nSET\r\n$<bytes>\r\n<key>\r\n$<bytes>\r\n<value>\r\n
 */
import { hashKey, KeyHash } from '@minivault/codec'
import { FORESEEN_MAX, Foresight } from '@minivault/storage'
import { KIND } from '../key-value.ts'

const CR = 0x0d
const LF = 0x0a
const STAR = 0x2a
const DOLLAR = 0x24
const ZERO = 0x30
const TWO = 0x32
const THREE = 0x33
const GET = 0x67_65_74
const SET = 0x73_65_74
const DEL = 0x64_65_6c
/** Of a letter: upper or lower case. */
const LOWER = 0x20
/** Where the line of the key begins. */
const KEY_LINE_AT = 13
/** More are for the other reader to judge. */
const KEY_DIGITS_MAX = 5
const VALUE_DIGITS_MAX = 7
const NONE = -1

/** One for all connections: it speaks of the bytes that are being read right now. */
export class HotRequests {
  /** Request i is of kinds[i], and ends where the next begins. */
  count = 0
  readonly kinds = new Uint8Array(FORESEEN_MAX)
  readonly keyStarts = new Int32Array(FORESEEN_MAX)
  readonly keyEnds = new Int32Array(FORESEEN_MAX)
  readonly valueStarts = new Int32Array(FORESEEN_MAX)
  readonly valueEnds = new Int32Array(FORESEEN_MAX)
  readonly ends = new Int32Array(FORESEEN_MAX)
  readonly foresight = new Foresight()
  readonly #hash = new KeyHash()
  /** Behind the length that was read last. */
  #next = 0

  get isFull(): boolean {
    return this.count === FORESEEN_MAX
  }

  /** Reads from `start` on as many as there are, and as there are places for. */
  read(bytes: Uint8Array, start: number, end: number): void {
    this.count = 0
    this.foresight.count = 0
    for (let at = start; at < end && this.count < FORESEEN_MAX; at = this.ends[this.count - 1]!) {
      if (!this.#readOne(bytes, at, end)) return
    }
  }

  #readOne(bytes: Uint8Array, at: number, end: number): boolean {
    const kind = kindAt(bytes, at)
    if (kind === NONE) return false
    const keyBytes = this.#readLength(bytes, at + KEY_LINE_AT, end, KEY_DIGITS_MAX)
    if (keyBytes <= 0) return false
    const keyStart = this.#next
    const keyEnd = keyStart + keyBytes
    let next = keyEnd + 2
    const { count } = this
    if (kind === KIND.set) {
      const valueBytes = this.#readLength(bytes, next, end, VALUE_DIGITS_MAX)
      if (valueBytes < 0) return false
      this.valueStarts[count] = this.#next
      this.valueEnds[count] = this.#next + valueBytes
      next = this.#next + valueBytes + 2
    }
    if (next > end) return false
    this.kinds[count] = kind
    this.keyStarts[count] = keyStart
    this.keyEnds[count] = keyEnd
    this.ends[count] = next
    this.count = count + 1
    const hash = this.#hash
    hashKey(bytes, keyStart, keyEnd, hash)
    this.foresight.add(hash)
    return true
  }

  /** `$<bytes>\r\n` at `at`; NONE where it is not there, not whole or not plain. */
  #readLength(bytes: Uint8Array, at: number, end: number, digitsMax: number): number {
    // A longer line than any that is read here: what lies behind the end is not looked at.
    if (at + 3 > end || bytes[at] !== DOLLAR) return NONE
    let next = at + 1
    let value = 0
    const stop = Math.min(end, next + digitsMax)
    for (; next < stop; next++) {
      const digit = bytes[next]! - ZERO
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    if (next === at + 1 || next + 2 > end || bytes[next] !== CR || bytes[next + 1] !== LF) return NONE
    if (bytes[at + 1] === ZERO && next > at + 2) return NONE
    this.#next = next + 2
    return value
  }
}

/** Bytes behind the end are no danger: then the line of the key is not there either. */
function kindAt(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== STAR || bytes[at + 4] !== DOLLAR || bytes[at + 5] !== THREE) return NONE
  if (bytes[at + 2] !== CR || bytes[at + 3] !== LF || bytes[at + 6] !== CR || bytes[at + 7] !== LF)
    return NONE
  const name = ((bytes[at + 8]! | LOWER) << 16) | ((bytes[at + 9]! | LOWER) << 8) | (bytes[at + 10]! | LOWER)
  if (bytes[at + 1] === TWO) {
    if (name === GET) return KIND.get
    return name === DEL ? KIND.delete : NONE
  }
  return bytes[at + 1] === THREE && name === SET ? KIND.set : NONE
}
