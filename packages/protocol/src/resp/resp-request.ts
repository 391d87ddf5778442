/*
 * Cuts one request of the Redis protocol out of the bytes that are there.
 *
 *   *<arguments>\r\n  then for each  $<bytes>\r\n<bytes>\r\n       the first argument is the command's name
 *
 * It goes on where it stopped: a request of many arguments that arrives in many pieces is read once. What it
 * keeps of it are two numbers for each argument that has arrived, never more than that. As in Redis, a count
 * of zero or less is no request at all, and the two bytes behind an argument are passed over, whatever they
 * are.
 */
import { LENGTH_CLAMP, RESP_ARGUMENTS_MAX, RESP_REQUEST_BYTES_MAX, VALUE_BYTES_MAX } from '../limits.ts'
import { CR, DOLLAR, LF, MINUS, STAR, ZERO } from './resp-bytes.ts'

/** What `cut` returns when the stream cannot be followed any further; `RespRequest.error` says why. */
export const RESP_FAILED = -1

const PLACES = 8
/** Places are given back when a request had more arguments than this. */
const PLACES_KEPT_MAX = 256
/** `$0\r\n\r\n` */
const ARGUMENT_BYTES_MIN = 6
const DIGITS_MAX = 10
const NEGATIVE = -1
const INCOMPLETE = -2
const INVALID = -3

export class RespRequest {
  /** Arguments that are here; all of them once the request is whole. */
  count = 0
  /** Arguments announced; -1 as long as that is unknown. */
  announced = -1
  /** Argument i is the bytes [starts[i], ends[i]), counted from the request's first one. */
  starts = new Int32Array(PLACES)
  ends = new Int32Array(PLACES)
  /** The length of argument `count` is known: starts[count], ends[count]; its bytes are not all here. */
  isOpen = false
  /** Bytes the request needs before it can be cut further: at most what it has in all; at last that. */
  needed = 1
  /** Why it failed, in Redis' words. */
  error = ''
  #isOver = true
  /** So far it has been read. */
  #read = 0
  /** Behind the length that was read last. */
  #next = 0

  /** The next bytes are those of another request. */
  forget(): void {
    this.#isOver = true
    this.count = 0
    this.announced = -1
    this.isOpen = false
    this.needed = 1
    this.error = ''
    if (this.starts.length > PLACES_KEPT_MAX) {
      this.starts = new Int32Array(PLACES)
      this.ends = new Int32Array(PLACES)
    }
  }

  /**
   * bytes[start, end): the request from its first byte on, also where it was cut in part before. Returns the
   * bytes of it when it is whole (then the next call begins another one), 0 while it is not, RESP_FAILED.
   */
  cut(bytes: Uint8Array, start: number, end: number): number {
    if (this.#isOver) this.#begin()
    let at = start + this.#read
    if (this.announced < 0) {
      at = this.#readCount(bytes, start, end)
      if (at <= 0) return at
    }
    while (this.count < this.announced) {
      if (at >= end) return this.#waitForHead(at - start, end - start)
      if (bytes[at] !== DOLLAR) return this.#fail(`expected '$', got '${printable(bytes[at]!)}'`)
      const length = this.#readLength(bytes, at + 1, end)
      if (length < 0) {
        return length === INCOMPLETE
          ? this.#waitForHead(at - start, end - start)
          : this.#fail('invalid bulk length')
      }
      const valueStart = this.#next - start
      if (length > VALUE_BYTES_MAX || valueStart + length > RESP_REQUEST_BYTES_MAX) {
        return this.#fail('invalid bulk length')
      }
      if (this.count === this.starts.length) this.#grow()
      this.starts[this.count] = valueStart
      this.ends[this.count] = valueStart + length
      const next = this.#next + length + 2
      if (next > end) return this.#waitForBytes(at - start, next - start)
      this.count += 1
      at = next
    }
    this.#isOver = true
    this.isOpen = false
    this.needed = at - start
    return this.needed
  }

  #begin(): void {
    this.#isOver = false
    this.#read = 0
    this.count = 0
    this.announced = -1
    this.isOpen = false
  }

  /** Returns where the arguments begin; 0, RESP_FAILED. */
  #readCount(bytes: Uint8Array, start: number, end: number): number {
    if (start >= end) return this.#waitForHead(0, 0)
    if (bytes[start] !== STAR) return this.#fail(`expected '*', got '${printable(bytes[start]!)}'`)
    const count = this.#readLength(bytes, start + 1, end)
    if (count === INCOMPLETE) return this.#waitForHead(0, end - start)
    if (count === INVALID || count > RESP_ARGUMENTS_MAX) return this.#fail('invalid multibulk length')
    this.announced = Math.max(0, count)
    this.#read = this.#next - start
    return this.#next
  }

  /** The number that ends at the next CR LF; NEGATIVE, INCOMPLETE, INVALID. */
  #readLength(bytes: Uint8Array, start: number, end: number): number {
    let at = start
    let value = 0
    for (; at < end; at++) {
      const digit = bytes[at]! - ZERO
      if (digit < 0 || digit > 9) break
      if (at - start === DIGITS_MAX) return INVALID
      value = value * 10 + digit
    }
    if (at === end) return INCOMPLETE
    if (at === start) return bytes[at] === MINUS ? this.#readNegative(bytes, at + 1, end) : INVALID
    // As Redis has it: a zero alone, or a number that does not begin with one.
    if (bytes[start] === ZERO && at > start + 1) return INVALID
    return this.#readLineEnd(bytes, at, end) ?? value
  }

  #readNegative(bytes: Uint8Array, start: number, end: number): number {
    if (start < end && bytes[start] === MINUS) return INVALID
    const value = this.#readLength(bytes, start, end)
    return value < 0 ? value : NEGATIVE
  }

  #readLineEnd(bytes: Uint8Array, at: number, end: number): number | null {
    if (bytes[at] !== CR) return INVALID
    if (at + 1 === end) return INCOMPLETE
    if (bytes[at + 1] !== LF) return INVALID
    this.#next = at + 2
    return null
  }

  // --- not yet, or not at all

  /** The line that begins at `at` is not complete. */
  #waitForHead(at: number, available: number): 0 {
    this.#read = at
    this.isOpen = false
    const missing = this.announced < 0 ? 1 : this.announced - this.count
    const needed = at + missing * ARGUMENT_BYTES_MIN
    this.needed = this.announced < 0 ? available + 1 : Math.max(available + 1, needed)
    return 0
  }

  /** The argument whose line begins at `at` has not come, but for its length. */
  #waitForBytes(at: number, next: number): 0 {
    this.#read = at
    this.isOpen = true
    const missing = this.announced - this.count - 1
    this.needed = Math.min(next + missing * ARGUMENT_BYTES_MIN, LENGTH_CLAMP)
    return 0
  }

  #fail(error: string): typeof RESP_FAILED {
    this.#isOver = true
    this.error = error
    return RESP_FAILED
  }

  #grow(): void {
    this.starts = grown(this.starts)
    this.ends = grown(this.ends)
  }
}

function grown(places: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(places.length * 2)
  larger.set(places)
  return larger
}

/** One character that can stand in an error line. */
function printable(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '?'
}
