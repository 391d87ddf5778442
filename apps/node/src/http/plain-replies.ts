/**
 * Replies of the fast lane, written from their prepared bytes. The lines come from `ReplyHead`, as those of
 * `node:http` do; what changes from reply to reply is put into its place: the length, the version (twice)
 * and, once a second, the date.
 *
 *     HTTP/1.1 200 OK … Content-Length:  | 31 | ␍␊ETag: "<version>" … Minivault-Version: <version> … ␍␊␍␊
 *     └─────────── front ───────────────┘       └──────────────────── back, its body with it ────────────┘
 */
import type { Version } from '@minivault/clock'
import { ERROR, isJsonText } from '@minivault/protocol'
import { VALUE_TYPE } from '@minivault/storage'
import type { Output } from '../door/output.ts'
import type { Answer } from '../key-value.ts'
import { DATA, END, errorBody, SUCCESS, valueBody } from './reply-body.ts'
import { JSON_TYPE, RAW_TYPE, ReplyHead, varyOf } from './reply-head.ts'

const NO_VERSION = '0'.repeat(24)
const LENGTH = 'Content-Length: '
const DIGITS_MAX = 10
const HEX = Buffer.from('0123456789abcdef')
const ZERO = 0x30

/** A reply that stands ready; `#length` is what is behind its head. */
class Prepared {
  /** Up to where the length stands; and from behind it on. */
  readonly front: Buffer
  readonly back: Buffer
  /** In `back`, where the version stands (-1: it is not said) and the date. */
  readonly #tagAt: number
  readonly #versionAt: number
  readonly #dateAt: number

  /** @param body comes with it: all of the content, or its beginning */
  constructor(head: ReplyHead, body: Uint8Array, date: string) {
    const text = head.text(date, false)
    const lengthAt = text.indexOf(LENGTH) + LENGTH.length
    this.front = Buffer.from(text.slice(0, lengthAt))
    const back = text.slice(text.indexOf('\r\n', lengthAt))
    this.back = Buffer.concat([Buffer.from(back), body])
    this.#tagAt = back.indexOf(NO_VERSION)
    this.#versionAt = back.indexOf(NO_VERSION, this.#tagAt + 1)
    this.#dateAt = back.indexOf(date)
  }

  setDate(date: string): void {
    this.back.write(date, this.#dateAt, 'latin1')
  }

  /** Writes it for content of so many bytes, and leaves the rest of the content to be written. */
  write(output: Output, length: number, version: Version): void {
    const { front, back } = this
    const start = output.reserve(front.length + digitsOf(length) + back.length)
    const { bytes } = output
    bytes.set(front, start)
    const at = writeNumber(length, bytes, start + front.length)
    bytes.set(back, at)
    if (this.#tagAt < 0) return
    writeHex(version.high, bytes, at + this.#tagAt)
    writeHex(version.middle, bytes, at + this.#tagAt + 8)
    writeHex(version.low, bytes, at + this.#tagAt + 16)
    bytes.copyWithin(at + this.#versionAt, at + this.#tagAt, at + this.#tagAt + 24)
  }
}

export class PlainReplies {
  readonly #now: () => number
  readonly #vary: string
  readonly #varyOfKeys: string
  #second = 0
  #date = dateOf(0)
  readonly #json: Prepared
  readonly #raw: Prepared
  readonly #done: Prepared
  readonly #doneWithoutVersion: Prepared
  readonly #created: Prepared
  readonly #nothing: Prepared
  readonly #nothingBytes: number
  readonly #all: readonly Prepared[]

  /** @param dependsOnOrigin as `CrossOrigin` says it */
  constructor(now: () => number, dependsOnOrigin: boolean) {
    this.#now = now
    this.#vary = varyOf(false, dependsOnOrigin)
    this.#varyOfKeys = varyOf(true, dependsOnOrigin)
    const nothing = errorBody(ERROR.KEY_NOT_FOUND, null)
    this.#json = this.#prepare(200, JSON_TYPE, true, true, DATA)
    this.#raw = this.#prepare(200, RAW_TYPE, true, true, Buffer.alloc(0))
    this.#done = this.#prepare(200, JSON_TYPE, true, false, SUCCESS)
    this.#doneWithoutVersion = this.#prepare(200, JSON_TYPE, false, false, SUCCESS)
    this.#created = this.#prepare(201, JSON_TYPE, true, false, SUCCESS)
    this.#nothing = this.#prepare(404, JSON_TYPE, false, true, nothing)
    this.#nothingBytes = nothing.length
    this.#all = [this.#json, this.#raw, this.#done, this.#doneWithoutVersion, this.#created, this.#nothing]
  }

  #prepare(status: number, type: string, hasVersion: boolean, isRead: boolean, body: Uint8Array): Prepared {
    const head = new ReplyHead()
    head.status = status
    head.contentType = type
    head.contentLength = 0
    head.version = hasVersion ? NO_VERSION : ''
    head.vary = isRead ? this.#varyOfKeys : this.#vary
    head.hasRanges = type === RAW_TYPE
    return new Prepared(head, body, this.#date)
  }

  /** As `node:http` does it: the date of the second. */
  #keepDate(): void {
    const second = Math.floor(this.#now() / 1000)
    if (second === this.#second) return
    this.#second = second
    this.#date = dateOf(second)
    for (const prepared of this.#all) prepared.setDate(this.#date)
  }

  /** The value of a GET that does not end. */
  value(answer: Answer, wantsRaw: boolean, output: Output): void {
    this.#keepDate()
    const { value, valueStart, valueEnd, valueType, version } = answer
    const length = valueEnd - valueStart
    if (wantsRaw) {
      this.#raw.write(output, length, version)
      output.append(value, valueStart, valueEnd)
    } else if (valueType === VALUE_TYPE.json || isJsonText(value, valueStart, valueEnd)) {
      this.#json.write(output, DATA.length + length + END.length, version)
      output.append(value, valueStart, valueEnd)
      output.append(END, 0, END.length)
    } else {
      const body = valueBody(value, valueStart, valueEnd, valueType)
      this.#json.write(output, body.length, version)
      output.append(body, DATA.length, body.length)
    }
  }

  /** A PUT, POST or DELETE that was carried out; `hasVersion`: it made one. */
  done(answer: Answer, hasVersion: boolean, isCreated: boolean, output: Output): void {
    this.#keepDate()
    const prepared = !hasVersion ? this.#doneWithoutVersion : isCreated ? this.#created : this.#done
    prepared.write(output, SUCCESS.length, answer.version)
  }

  /** A GET of a key that is not there. */
  nothing(answer: Answer, output: Output): void {
    this.#keepDate()
    this.#nothing.write(output, this.#nothingBytes, answer.version)
  }

  /** Any other reply. The head says what it is of. */
  write(head: ReplyHead, body: Uint8Array, isRead: boolean, isLast: boolean, output: Output): void {
    this.#keepDate()
    head.vary = isRead ? this.#varyOfKeys : this.#vary
    head.contentLength = body.length
    const text = Buffer.from(head.text(this.#date, isLast))
    output.append(text, 0, text.length)
    output.append(body, 0, body.length)
  }
}

function dateOf(second: number): string {
  return new Date(second * 1000).toUTCString()
}

function digitsOf(number: number): number {
  let digits = 1
  for (let bound = 10; digits < DIGITS_MAX && number >= bound; bound *= 10) digits++
  return digits
}

/** Returns where it ends. */
function writeNumber(number: number, bytes: Uint8Array, at: number): number {
  const end = at + digitsOf(number)
  for (let rest = number, place = end - 1; place >= at; place--) {
    const next = (rest / 10) | 0
    bytes[place] = ZERO + rest - next * 10
    rest = next
  }
  return end
}

/** Eight digits. */
function writeHex(word: number, bytes: Uint8Array, at: number): void {
  for (let digit = 0; digit < 8; digit++) bytes[at + digit] = HEX[(word >>> (28 - 4 * digit)) & 15]!
}
