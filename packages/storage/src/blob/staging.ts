/**
 * Takes in a value from a source of bytes. What is short enough for the log stays in memory; what is longer
 * goes to a file as it comes, in memory for one piece. A source that fails, ends early, or gives too much
 * leaves no file.
 */

import { copyBytes, KeyHash } from '@minivault/codec'
import type { Engine } from '../engine.ts'
import { valueTooLarge } from '../hot-door.ts'
import { BLOB_ABOVE_BYTES, VALUE_BYTES_MAX } from '../limits.ts'
import { StorageError } from '../storage-error.ts'
import type { BlobWriter } from './blob-writer.ts'
import type { StagedValue } from './large-values.ts'

/**
 * Web streams (iterable in Node), Node streams, generators. A piece is the source's again when it goes on.
 */
export type ByteSource = AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>

export class Staging {
  readonly #engine: Engine
  readonly #hash = new KeyHash()
  readonly #pieces: AsyncIterator<Uint8Array>
  readonly #size: number | undefined
  #writer: BlobWriter | null = null
  #head: Uint8Array
  #bytes = 0
  #stopped: StorageError | null = null
  #stopWaiting: ((error: StorageError) => void) | null = null

  /** `size` in bytes where it is known. Throws STORAGE_OPTION and STORAGE_VALUE_TOO_LARGE. */
  constructor(engine: Engine, hash: KeyHash, source: ByteSource, size: number | undefined) {
    if (size !== undefined) {
      if (!Number.isSafeInteger(size) || size < 0) {
        throw new StorageError('STORAGE_OPTION', 'size must be an integer of at least 0')
      }
      if (size > VALUE_BYTES_MAX) throw valueTooLarge(size)
    }
    const iterable = source as Partial<AsyncIterable<Uint8Array>> | null | undefined
    if (typeof iterable?.[Symbol.asyncIterator] !== 'function') {
      throw new StorageError('STORAGE_OPTION', 'the source must be a stream or an async iterable')
    }
    this.#engine = engine
    this.#hash.high = hash.high
    this.#hash.low = hash.low
    this.#pieces = (source as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
    this.#size = size
    const inlineBytesMax = Math.min(BLOB_ABOVE_BYTES, engine.log.payloadBytesMax)
    this.#head = new Uint8Array(Math.min(size ?? inlineBytesMax, inlineBytesMax))
  }

  async run(): Promise<StagedValue> {
    try {
      for (;;) {
        const { done, value } = await this.#next()
        if (done) break
        await this.#take(value)
      }
      this.#mustHave(this.#size ?? this.#bytes)
      return this.#writer === null ? this.#head.subarray(0, this.#bytes) : await this.#writer.finish()
    } catch (error) {
      // Not waited for: it may hang as the source does.
      this.#pieces.return?.().catch(() => {})
      await this.#writer?.abort()
      throw error
    }
  }

  /** Ends it with this error, though the source may never answer. */
  stop(error: StorageError): void {
    this.#stopped = error
    this.#stopWaiting?.(error)
  }

  #next(): Promise<IteratorResult<Uint8Array, unknown>> {
    if (this.#stopped !== null) return Promise.reject(this.#stopped)
    return new Promise((resolve, reject) => {
      this.#stopWaiting = reject
      this.#pieces.next().then(resolve, reject)
    })
  }

  async #take(piece: Uint8Array): Promise<void> {
    if (!(piece instanceof Uint8Array)) {
      throw new StorageError('STORAGE_OPTION', 'the source must give Uint8Arrays')
    }
    const before = this.#bytes
    this.#bytes += piece.length
    if (this.#bytes > VALUE_BYTES_MAX) throw valueTooLarge(this.#bytes)
    if (this.#bytes > (this.#size ?? VALUE_BYTES_MAX)) this.#mustHave(this.#size!)
    if (this.#bytes <= this.#head.length) {
      copyBytes(piece, 0, piece.length, this.#head, before)
      return
    }
    if (this.#writer === null) {
      this.#writer = this.#engine.blobs.create(this.#hash)
      await this.#writer.append(this.#head.subarray(0, before))
      this.#head = new Uint8Array(0)
    }
    await this.#writer.append(piece)
  }

  #mustHave(size: number): void {
    if (this.#bytes === size) return
    const what = this.#bytes > size ? 'more' : `only ${this.#bytes}`
    throw new StorageError('STORAGE_OPTION', `size says ${size} bytes, the source gave ${what}`)
  }
}
