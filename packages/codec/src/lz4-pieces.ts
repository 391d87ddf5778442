/**
 * Reads an lz4 block (behind its raw length, see lz4.ts) piece by piece in plain JavaScript: lz4-napi gives
 * the whole value or nothing. Memory is one piece and the 64 KiB that a match may point back to, whatever
 * the header announces.
 *
 *     buffer   history, at most 64 KiB | piece that is being made
 *     block    token (literals 4 bits, match 4 bits) | more length | literals | offset 2 | more length | …
 */
import { CodecError } from './codec-error.ts'
import { LZ4_EXPANSION_MAX } from './limits.ts'
import type { ValuePieces } from './value-pieces.ts'

const HISTORY_BYTES = 64 * 1024
const MATCH_BYTES_MIN = 4
const HEADER_BYTES = 4
/** Shorter matches are cheaper byte by byte. */
const LOOP_BYTES_MAX = 16

export class Lz4Pieces implements ValuePieces {
  readonly rawBytes: number
  readonly #bytes: Uint8Array
  #at = HEADER_BYTES
  readonly #buffer: Uint8Array
  /** Behind the last byte in the buffer, and how many were made over all pieces. */
  #end = 0
  #made = 0
  #literals = 0
  /** The match of this token is read when its literals are copied; -1: it was. */
  #matchNibble = -1
  #match = 0
  #offset = 0
  #isOver = false

  /** Throws CodecError CODEC_TOO_LARGE, CODEC_CORRUPT. */
  constructor(bytes: Uint8Array, rawBytesMax: number, pieceBytes: number) {
    if (bytes.length <= HEADER_BYTES) throw corrupt('is shorter than its header')
    const rawBytes = (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0
    if (rawBytes > rawBytesMax) {
      const what = `the lz4 data holds ${rawBytes} bytes, allowed are ${rawBytesMax}`
      throw new CodecError('CODEC_TOO_LARGE', what)
    }
    if (rawBytes > (bytes.length - HEADER_BYTES) * LZ4_EXPANSION_MAX) throw corrupt('announces too much')
    this.rawBytes = rawBytes
    this.#bytes = bytes
    this.#buffer = Buffer.allocUnsafeSlow(HISTORY_BYTES + pieceBytes)
  }

  next(): Uint8Array | null {
    const buffer = this.#buffer
    const kept = Math.min(this.#end, HISTORY_BYTES)
    buffer.copyWithin(0, this.#end - kept, this.#end)
    this.#end = kept
    while (this.#end < buffer.length && !this.#isOver) {
      if (this.#literals > 0) this.#copyLiterals()
      else if (this.#matchNibble >= 0) this.#readMatch()
      else if (this.#match > 0) this.#copyMatch()
      else this.#readToken()
    }
    if (this.#made > this.rawBytes || (this.#isOver && this.#made < this.rawBytes)) {
      throw corrupt(`does not hold the ${this.rawBytes} bytes that it announces`)
    }
    return this.#end > kept ? buffer.subarray(kept, this.#end) : null
  }

  #readToken(): void {
    if (this.#at >= this.#bytes.length) throw corrupt('ends early')
    const token = this.#bytes[this.#at++]!
    this.#literals = this.#readLength(token >>> 4)
    this.#matchNibble = token & 15
    if (this.#at + this.#literals > this.#bytes.length) throw corrupt('ends inside literals')
  }

  #readLength(nibble: number): number {
    let length = nibble
    for (let more = nibble === 15 ? 255 : 0; more === 255; length += more) {
      if (this.#at >= this.#bytes.length) throw corrupt('ends inside a length')
      more = this.#bytes[this.#at++]!
    }
    return length
  }

  /** After the last literals there is none. */
  #readMatch(): void {
    const left = this.#bytes.length - this.#at
    if (left === 0) {
      this.#isOver = true
      return
    }
    if (left < 2) throw corrupt('ends inside an offset')
    this.#offset = this.#bytes[this.#at]! | (this.#bytes[this.#at + 1]! << 8)
    this.#at += 2
    if (this.#offset === 0 || this.#offset > this.#end) throw corrupt('points before its beginning')
    this.#match = this.#readLength(this.#matchNibble) + MATCH_BYTES_MIN
    this.#matchNibble = -1
  }

  #copyLiterals(): void {
    const count = Math.min(this.#literals, this.#buffer.length - this.#end)
    this.#buffer.set(this.#bytes.subarray(this.#at, this.#at + count), this.#end)
    this.#at += count
    this.#literals -= count
    this.#advance(count)
  }

  #copyMatch(): void {
    const buffer = this.#buffer
    const to = this.#end
    const from = to - this.#offset
    const count = Math.min(this.#match, buffer.length - to)
    if (count <= LOOP_BYTES_MAX) for (let i = 0; i < count; i++) buffer[to + i] = buffer[from + i]!
    // What was copied repeats itself, so each round can copy twice as much.
    else
      for (let done = 0; done < count; ) {
        const length = Math.min(count - done, this.#offset + done)
        buffer.copyWithin(to + done, from, from + length)
        done += length
      }
    this.#match -= count
    this.#advance(count)
  }

  #advance(count: number): void {
    this.#end += count
    this.#made += count
  }
}

function corrupt(what: string): CodecError {
  return new CodecError('CODEC_CORRUPT', `the lz4 data ${what}`)
}
