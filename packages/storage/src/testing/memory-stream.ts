/** The model's streams: the value is there at once, and given out in pieces. */

import { Readable } from 'node:stream'
import { VALUE_BYTES_MAX } from '../limits.ts'
import type { ValueType } from '../mutation.ts'
import type { Entry } from '../reads.ts'
import { StorageError } from '../storage-error.ts'
import type { SimpleStream } from './simple-door.ts'

const PIECE_BYTES = 65_536

export class MemoryStream implements SimpleStream {
  readonly size: number
  readonly start: number
  readonly end: number
  readonly version: string
  readonly type: ValueType
  readonly expiresAtMs: number
  readonly #value: Uint8Array
  #isCancelled = false

  constructor(entry: Entry, { start = 0, end = VALUE_BYTES_MAX }: { start?: number; end?: number }) {
    if (!isCount(start) || !isCount(end)) {
      throw new StorageError('STORAGE_OPTION', 'start and end must be integers of 0 or more')
    }
    this.size = entry.value.length
    this.start = Math.min(start, this.size)
    this.end = Math.max(this.start, Math.min(end, this.size))
    this.version = entry.version
    this.type = entry.type
    this.expiresAtMs = entry.expiresAtMs
    this.#value = entry.value
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (let at = this.start; at < this.end && !this.#isCancelled; at += PIECE_BYTES) {
      yield this.#value.slice(at, Math.min(at + PIECE_BYTES, this.end))
    }
  }

  web(): ReadableStream<Uint8Array> {
    const pieces = this[Symbol.asyncIterator]()
    return new ReadableStream({
      async pull(controller) {
        const { done, value } = await pieces.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
    })
  }

  node(): Readable {
    return Readable.from(this, { objectMode: false })
  }

  cancel(): void {
    this.#isCancelled = true
  }
}

/**
 * All of the source's bytes. Stops reading it at the first byte too many: STORAGE_VALUE_TOO_LARGE, or
 * STORAGE_OPTION when it is not as long as announced.
 */
export async function collect(
  source: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>,
  size: number | undefined,
): Promise<Uint8Array> {
  if (size !== undefined && !isCount(size)) {
    throw new StorageError('STORAGE_OPTION', 'size must be an integer of 0 or more')
  }
  if (size !== undefined && size > VALUE_BYTES_MAX) throw tooLarge()
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of source as AsyncIterable<Uint8Array>) {
    length += piece.length
    if (length > VALUE_BYTES_MAX) throw tooLarge()
    if (size !== undefined && length > size) break
    pieces.push(piece.slice())
  }
  if (size !== undefined && length !== size) {
    throw new StorageError('STORAGE_OPTION', `size must be that of the source, not ${size}`)
  }
  return Uint8Array.from(Buffer.concat(pieces))
}

function tooLarge(): StorageError {
  return new StorageError('STORAGE_VALUE_TOO_LARGE', 'the value is too large')
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
