/**
 * A value, or a range of its bytes, read piece by piece: as Web stream, as Node stream, or by `for await`.
 * All three go on from the same place, so a stream is read once, by one of them.
 *
 * Each piece is the receiver's own. Of a value in a file of its own, a piece is read when it is asked for,
 * and verified before a byte of it is given out; the file stays until the stream has ended, was cancelled, or
 * nobody has read on for STREAM_IDLE_MS_MAX (`StreamDoor` sees to that). A shorter value is there at once, as
 * one piece.
 */

import { Readable } from 'node:stream'
import { cloneBytes } from '@minivault/codec'
import { badOption, mustBeObject } from './bad-option.ts'
import type { BlobReader } from './blob/blob-reader.ts'
import type { Engine } from './engine.ts'
import type { Found } from './found.ts'
import { BLOB_PIECE_BYTES, VALUE_BYTES_MAX } from './limits.ts'
import type { ValueType } from './mutation.ts'
import { fromLog, type StorageError } from './storage-error.ts'

export interface StreamRange {
  /** First byte; default 0. Behind the value's end it is the end. */
  start?: number
  /** Behind the last byte; default the value's end. */
  end?: number
}

export class ValueStream implements AsyncIterable<Uint8Array> {
  /** Of the whole value, in bytes. */
  readonly size: number
  /** What is streamed: `[start, end)`. */
  start: number
  end: number
  readonly version: string
  readonly type: ValueType
  /** Wall milliseconds since 1970; 0: never. */
  readonly expiresAtMs: number
  readonly #engine: Engine
  readonly #onEnd: (stream: ValueStream) => void
  /** A file's; null: the value's bytes are in `#bytes`. */
  readonly #reader: BlobReader | null
  #bytes: Uint8Array | null = null
  #at: number
  #isEnded = false
  #failure: StorageError | null = null
  #isTouched = true
  #isKept = false

  /** Use `StreamDoor.get`. `found` was described in this turn of the event loop. */
  constructor(engine: Engine, found: Found, range: StreamRange, onEnd: (stream: ValueStream) => void) {
    const { blob } = found
    this.#engine = engine
    this.#onEnd = onEnd
    this.size = blob?.size ?? found.valueEnd - found.valueStart
    this.start = Math.min(range.start ?? 0, this.size)
    this.end = Math.max(this.start, Math.min(range.end ?? this.size, this.size))
    this.version = found.version.toString()
    this.type = found.valueType
    this.expiresAtMs = found.expiresAtMs
    this.#at = this.start
    this.#reader = blob === null ? null : engine.blobs.open(blob)
    if (blob === null) {
      this.#bytes = cloneBytes(found.value, found.valueStart + this.start, found.valueStart + this.end)
    }
  }

  /** Narrows what is streamed, before anything of it is read; `end` may lie behind the value's. */
  select(start: number, end: number): void {
    if (this.#at !== this.start || this.#reader === null) throw new Error('only before the first piece')
    this.start = this.#at = Math.min(start, this.size)
    this.end = Math.max(this.start, Math.min(end, this.size))
  }

  /**
   * The next piece asked for is that with the byte at `place`, one that was streamed or is to be. What is
   * being read comes all the same.
   */
  seek(place: number): void {
    this.#at = place
  }

  /** Nothing of it will be asked for in the near future: the file stays, its descriptor need not. */
  rest(): void {
    this.#reader?.rest()
  }

  web(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const piece = await this.#next()
          if (piece === null) controller.close()
          else controller.enqueue(piece)
        },
        cancel: () => this.cancel(),
      },
      { highWaterMark: 0 },
    )
  }

  node(): Readable {
    return Readable.from(this, { objectMode: false })
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return {
      next: async () => {
        const value = await this.#next()
        return value === null ? { done: true, value: undefined } : { done: false, value }
      },
      return: async () => {
        this.cancel()
        return { done: true, value: undefined }
      },
    }
  }

  /** Lets the value go; who reads on is told that this is the end. Idempotent. */
  cancel(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#bytes = null
    this.#reader?.close()
    this.#onEnd(this)
  }

  /** Lets the value go; who reads on gets this error. */
  fail(error: StorageError): void {
    if (this.#isEnded) return
    this.#failure = error
    this.cancel()
  }

  /** It does not end because nobody reads on: its taker bounds the time, and cancels it. */
  keep(): void {
    this.#isKept = true
  }

  /** Whether anyone has read since the call before, or keeps it. */
  takeTouched(): boolean {
    const isTouched = this.#isTouched || this.#isKept
    this.#isTouched = false
    return isTouched
  }

  /**
   * The next piece, in memory of the caller's: a view of `target`, which has room for a whole piece. Null:
   * that was all. For whoever hands on many values and wants no new memory for each piece. Several may be
   * asked for at a time; their places follow each other in the order of the calls.
   */
  readInto(target: Uint8Array): Promise<Uint8Array | null> {
    return this.#next(target)
  }

  async #next(target: Uint8Array | null = null): Promise<Uint8Array | null> {
    this.#isTouched = true
    if (this.#failure !== null) throw this.#failure
    if (this.#isEnded) return null
    if (this.#at >= this.end) {
      this.cancel()
      return null
    }
    if (this.#reader === null) {
      this.#at = this.end
      return this.#bytes
    }
    try {
      return await this.#readPiece(this.#reader, target)
    } catch (error) {
      this.fail(fromLog(error))
      throw this.#failure ?? error
    }
  }

  /** The rest of the piece that `#at` lies in. */
  async #readPiece(reader: BlobReader, target: Uint8Array | null): Promise<Uint8Array> {
    const engine = this.#engine
    const index = Math.floor(this.#at / BLOB_PIECE_BYTES)
    const first = index * BLOB_PIECE_BYTES
    const from = this.#at - first
    const bytes = reader.bytesOf(index)
    const to = Math.min(bytes, this.end - first)
    this.#at = first + to
    const piece = target ?? new Uint8Array(bytes)
    engine.began()
    engine.readingBytes += bytes
    try {
      await reader.read(index, piece, 0)
    } finally {
      this.#isTouched = true
      engine.readingBytes -= bytes
      engine.ended()
    }
    if (target !== null) return target.subarray(from, to)
    return from === 0 && to === bytes ? piece : cloneBytes(piece, from, to)
  }
}

/** Throws STORAGE_OPTION. */
export function checkRange(range: StreamRange): void {
  mustBeObject('range', range)
  const { start = 0, end = VALUE_BYTES_MAX } = range
  if (!isCount(start) || !isCount(end)) badOption('start and end', 'integers of at least 0')
}

export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
