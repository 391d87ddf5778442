/**
 * One HTTP request of an exact, plain shape, read in place:
 *
 *     GET /key HTTP/1.1␍␊        or PUT, POST, DELETE; of a key only bytes that stand for themselves
 *     Host: example:3000␍␊       headers of plain-headers.ts, each once: the name, a colon, one space, the
 *     Content-Length: 12␍␊       value, CR LF
 *     ␍␊
 *     {"value": 1}               PUT and POST: Content-Length, no leading zero, 1 to PLAIN_BODY_BYTES_MAX
 *
 * It says yes only to what has one reading, and that the same in every parser; anything else is for
 * `node:http`, from its first byte on. So a decision about where a request ends is never another one here
 * than there: it is made here only where nothing is left to decide. There are no errors in this file.
 */
import { KIND, type Kind } from '../key-value.ts'
import { PLAIN_BODY_BYTES_MAX, PLAIN_HEAD_BYTES_MAX } from '../limits.ts'
import {
  ACCEPT_VALUES,
  CONTENT_TYPE_VALUES,
  HEADER,
  type Header,
  headerOf,
  isText,
  KEEP_ALIVE_VALUES,
  valueIndex,
} from './plain-headers.ts'

/** More of it has to come. */
export const INCOMPLETE = 0
/** It is for `node:http`. */
export const NOT_PLAIN = -1

const CARRIAGE_RETURN = 0x0d
const SPACE = 0x20
const SLASH = 0x2f
const ZERO = 0x30

const SEPARATOR = Buffer.from(': ')
const LINE_END = Buffer.from('\r\n')
const VERSION_LINE = Buffer.from('HTTP/1.1\r\n')
const BEARER = Buffer.from('Bearer ')
const HEALTH = Buffer.from('/health')
const METHODS: readonly { readonly text: Uint8Array; readonly kind: Kind }[] = [
  { text: Buffer.from('GET '), kind: KIND.get },
  { text: Buffer.from('PUT '), kind: KIND.set },
  { text: Buffer.from('POST '), kind: KIND.create },
  { text: Buffer.from('DELETE '), kind: KIND.delete },
]

/** Bytes that may stand in the target, in Host, in a name, in a value. */
const IN_TARGET = 1
const IN_HOST = 2
const IN_NAME = 4
const IN_VALUE = 8
const CLASSES = new Uint8Array(256)
mark("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/", IN_TARGET)
mark('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:[]', IN_HOST)
mark('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-', IN_NAME)
for (let byte = SPACE; byte < 0x7f; byte++) CLASSES[byte]! |= IN_VALUE

function mark(characters: string, as: number): void {
  for (const byte of Buffer.from(characters)) CLASSES[byte]! |= as
}

export class PlainRequest {
  kind: Kind = KIND.get
  keyStart = 0
  keyEnd = 0
  bodyStart = 0
  bodyEnd = 0
  /** Behind `Bearer `; both 0: nothing was shown. */
  credentialsStart = 0
  credentialsEnd = 0
  /** The body is the value. */
  sendsRaw = false
  /** The value alone is wanted. */
  wantsRaw = false
  /** Its head has come, but not all of its body: the bytes it has in all; else 0. */
  needed = 0
  #bytes: Uint8Array = VERSION_LINE
  /** Bytes that have come, and bytes of them that a head may have. */
  #end = 0
  #limit = 0
  #seen = 0
  #contentBytes = 0

  /**
   * Reads the request that begins at `start`. Returns its length; INCOMPLETE while it may still become one;
   * NOT_PLAIN.
   */
  read(bytes: Uint8Array, start: number, end: number): number {
    this.#bytes = bytes
    this.#end = end
    this.#limit = Math.min(end, start + PLAIN_HEAD_BYTES_MAX)
    this.#seen = 0
    this.needed = 0
    this.credentialsStart = this.credentialsEnd = 0
    this.sendsRaw = this.wantsRaw = false
    let at = this.#method(start)
    if (at > 0) at = this.#target(at)
    while (at > 0 && !this.#isHeadsEnd(at)) at = this.#header(at)
    if (at > 0) at = this.#body(start, at)
    // A head that does not end within its bound is none.
    return at === INCOMPLETE && this.needed === 0 && this.#limit < end ? NOT_PLAIN : at
  }

  /** These return where to go on, INCOMPLETE or NOT_PLAIN. */
  #method(start: number): number {
    for (let index = 0; index < METHODS.length; index++) {
      const { text, kind } = METHODS[index]!
      this.kind = kind
      const at = this.#expect(start, text)
      if (at !== NOT_PLAIN) return at
    }
    return NOT_PLAIN
  }

  #expect(start: number, text: Uint8Array): number {
    for (let matched = 0; matched < text.length; matched++) {
      if (start + matched >= this.#limit) return INCOMPLETE
      if (this.#bytes[start + matched] !== text[matched]) return NOT_PLAIN
    }
    return start + text.length
  }

  #target(start: number): number {
    const bytes = this.#bytes
    if (start >= this.#limit) return INCOMPLETE
    if (bytes[start] !== SLASH) return NOT_PLAIN
    const end = this.#skip(start, IN_TARGET)
    if (end >= this.#limit) return INCOMPLETE
    if (bytes[end] !== SPACE || end - start < 2) return NOT_PLAIN
    // What is the node's own is no key.
    if (bytes[start + 1] === 0x2d && bytes[start + 2] === SLASH) return NOT_PLAIN
    if (isText(bytes, start, end, HEALTH)) return NOT_PLAIN
    this.keyStart = start + 1
    this.keyEnd = end
    return this.#expect(end + 1, VERSION_LINE)
  }

  /** `at` stands where a line begins. */
  #isHeadsEnd(at: number): boolean {
    return at < this.#limit && this.#bytes[at] === CARRIAGE_RETURN
  }

  #header(nameStart: number): number {
    const bytes = this.#bytes
    const nameEnd = this.#skip(nameStart, IN_NAME)
    const separated = this.#expect(nameEnd, SEPARATOR)
    if (separated <= 0) return separated
    const header = headerOf(bytes, nameStart, nameEnd)
    if (header === 0 || (this.#seen & header) !== 0) return NOT_PLAIN
    this.#seen |= header
    const end = this.#skip(separated, IN_VALUE)
    const lineEnd = this.#expect(end, LINE_END)
    if (lineEnd <= 0) return lineEnd
    if (end === separated || bytes[separated] === SPACE || bytes[end - 1] === SPACE) return NOT_PLAIN
    return this.#isPlain(header, separated, end) ? lineEnd : NOT_PLAIN
  }

  #skip(start: number, inClass: number): number {
    const bytes = this.#bytes
    const limit = this.#limit
    let at = start
    while (at < limit && (CLASSES[bytes[at]!]! & inClass) !== 0) at++
    return at
  }

  #isPlain(header: Header, start: number, end: number): boolean {
    const bytes = this.#bytes
    switch (header) {
      case HEADER.host:
        return this.#skip(start, IN_HOST) === end
      case HEADER.connection:
        return valueIndex(KEEP_ALIVE_VALUES, bytes, start, end) >= 0
      case HEADER.accept: {
        const index = valueIndex(ACCEPT_VALUES, bytes, start, end)
        if (index >= 0) this.wantsRaw = ACCEPT_VALUES[index]!.isRaw
        return index >= 0
      }
      case HEADER.contentType: {
        const index = valueIndex(CONTENT_TYPE_VALUES, bytes, start, end)
        if (index >= 0) this.sendsRaw = CONTENT_TYPE_VALUES[index]!.isRaw
        return index >= 0
      }
      case HEADER.contentLength:
        return this.#isLength(start, end)
      case HEADER.authorization:
        return this.#isBearer(start, end)
      default:
        return true
    }
  }

  /** Digits of a number that may be held, the first of them no zero. */
  #isLength(start: number, end: number): boolean {
    let length = 0
    for (let at = start; at < end; at++) {
      const digit = this.#bytes[at]! - ZERO
      if (digit < 0 || digit > 9 || length > PLAIN_BODY_BYTES_MAX) return false
      length = length * 10 + digit
    }
    this.#contentBytes = length
    return this.#bytes[start] !== ZERO && length <= PLAIN_BODY_BYTES_MAX
  }

  #isBearer(start: number, end: number): boolean {
    const shown = start + BEARER.length
    if (end <= shown || !isText(this.#bytes, start, shown, BEARER)) return false
    for (let at = shown; at < end; at++) if (this.#bytes[at] === SPACE) return false
    this.credentialsStart = shown
    this.credentialsEnd = end
    return true
  }

  /** `at` stands at the CR of the empty line. */
  #body(start: number, at: number): number {
    const bodyStart = this.#expect(at, LINE_END)
    if (bodyStart <= 0) return bodyStart
    const takesBody = this.kind === KIND.set || this.kind === KIND.create
    const hasBody = (this.#seen & HEADER.contentLength) !== 0
    if ((this.#seen & HEADER.host) === 0 || takesBody !== hasBody) return NOT_PLAIN
    this.bodyStart = bodyStart
    this.bodyEnd = hasBody ? this.bodyStart + this.#contentBytes : this.bodyStart
    const length = this.bodyEnd - start
    if (this.bodyEnd <= this.#end) return length
    this.needed = length
    return INCOMPLETE
  }
}
