/*
 * Inline requests: a line of words, as a person types it into telnet. Words stand between blanks; "…" knows
 * \n \r \t \b \a \xHH and takes any other byte behind a backslash as it is, '…' knows \' alone. Behind a
 * closing quote a blank must follow.
 *
 * No speed is asked of it: the words come as copies, and `encodeRespRequest` brings them into the other form.
 */
import { RESP_INLINE_BYTES_MAX } from '../limits.ts'
import { CR, LF } from './resp-bytes.ts'
import { RESP_FAILED } from './resp-request.ts'

const BACKSLASH = 0x5c
const DOUBLE_QUOTE = 0x22
const SINGLE_QUOTE = 0x27
const LOWER_X = 0x78
const ESCAPED: Readonly<Record<string, number>> = { n: 0x0a, r: 0x0d, t: 0x09, b: 0x08, a: 0x07 }

export class InlineRequest {
  /** Of the line cut last; an empty line has none. */
  words: readonly Uint8Array[] = []
  /** Why it failed, in Redis' words. */
  error = ''

  /** Returns the bytes of the line, at most `bytesMax`; 0 while it is incomplete, RESP_FAILED. */
  cut(bytes: Uint8Array, start: number, end: number, bytesMax: number = RESP_INLINE_BYTES_MAX): number {
    const lineEnd = bytes.subarray(start, Math.min(end, start + bytesMax)).indexOf(LF)
    if (lineEnd < 0) return end - start >= bytesMax ? this.#fail('too big inline request') : 0
    const stop = start + lineEnd
    const words = splitWords(bytes, start, stop > start && bytes[stop - 1] === CR ? stop - 1 : stop)
    if (words === null) return this.#fail('unbalanced quotes in request')
    this.words = words
    return lineEnd + 1
  }

  #fail(error: string): typeof RESP_FAILED {
    this.words = []
    this.error = error
    return RESP_FAILED
  }
}

/** Null: a quote is not closed, or something follows it at once. */
function splitWords(bytes: Uint8Array, start: number, end: number): Uint8Array[] | null {
  const words: Uint8Array[] = []
  let at = start
  for (;;) {
    while (at < end && isBlank(bytes[at]!)) at++
    if (at === end) return words
    const word: number[] = []
    at = readWord(bytes, at, end, word)
    if (at < 0) return null
    words.push(Uint8Array.from(word))
  }
}

/** Returns where it ends; -1: in the middle of a quote. */
function readWord(bytes: Uint8Array, start: number, end: number, word: number[]): number {
  let at = start
  while (at < end && !isBlank(bytes[at]!)) {
    const byte = bytes[at]!
    if (byte !== DOUBLE_QUOTE && byte !== SINGLE_QUOTE) {
      word.push(byte)
      at += 1
      continue
    }
    at = readQuoted(bytes, at + 1, end, byte, word)
    if (at < 0 || (at < end && !isBlank(bytes[at]!))) return -1
  }
  return at
}

function readQuoted(bytes: Uint8Array, start: number, end: number, quote: number, word: number[]): number {
  let at = start
  while (at < end && bytes[at] !== quote) {
    if (bytes[at] !== BACKSLASH || at + 1 === end) word.push(bytes[at++]!)
    else if (quote === DOUBLE_QUOTE) at = readEscape(bytes, at, end, word)
    else {
      // Only the quote itself can be escaped here.
      if (bytes[at + 1] === quote) at += 1
      word.push(bytes[at++]!)
    }
  }
  return at < end ? at + 1 : -1
}

function readEscape(bytes: Uint8Array, at: number, end: number, word: number[]): number {
  const hex = String.fromCharCode(...bytes.subarray(at + 2, Math.min(end, at + 4)))
  if (bytes[at + 1] === LOWER_X && /^[0-9a-f]{2}$/i.test(hex)) {
    word.push(Number.parseInt(hex, 16))
    return at + 4
  }
  const letter = bytes[at + 1]!
  word.push(ESCAPED[String.fromCharCode(letter)] ?? letter)
  return at + 2
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d) || byte === 0
}

/** The same request as `*<arguments> …`. */
export function encodeRespRequest(args: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const parts = args.flatMap((argument) => [`$${argument.length}\r\n`, argument, '\r\n'])
  const pieces = [`*${args.length}\r\n`, ...parts].map((part) =>
    typeof part === 'string' ? Uint8Array.from(part, (letter) => letter.charCodeAt(0)) : part,
  )
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
