/*
 * Where the bytes of a value come from that is sent piece by piece. Pieces are pulled one at a time, and only
 * when there is room for them; a source that is not wanted any more is let go at once, also while it is being
 * waited for.
 */

import { badArgument } from './arguments.ts'
import { ClientError } from './client-error.ts'

/** Web streams, Node streams, generators, lists. A piece is the source's again when the next is asked for. */
export type ByteSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array> | ReadableStream<Uint8Array>

/** A value on its way from a source. */
export interface SizedPieces {
  pieces: Pieces
  /** undefined: to be found out by reading it */
  size: number | undefined
  /** how long nothing may move */
  timeoutMs: number
}

export class Pieces {
  readonly #iterator: AsyncIterator<Uint8Array> | Iterator<Uint8Array>
  #wake: (() => void) | null = null
  #isOver = false

  /** Throws CLIENT_BAD_ARGUMENT for what is no source. */
  constructor(source: ByteSource) {
    if (typeof source !== 'object' || source === null || source instanceof Uint8Array) throw noSource()
    if (Symbol.asyncIterator in source) this.#iterator = source[Symbol.asyncIterator]()
    else if (Symbol.iterator in source) this.#iterator = source[Symbol.iterator]()
    else throw noSource()
  }

  /** The next piece, not empty; null: the source has ended, or was stopped. Throws CLIENT_SOURCE. */
  async next(): Promise<Uint8Array | null> {
    for (;;) {
      if (this.#isOver) return null
      const result = await this.#pull()
      if (result === null || this.#isOver) return null
      if (result.done) {
        this.#isOver = true
        return null
      }
      const { value } = result
      if (!(value instanceof Uint8Array))
        throw sourceError('the source gave something else than a Uint8Array')
      if (value.length > 0) return value
    }
  }

  #pull(): Promise<IteratorResult<Uint8Array> | null> {
    return new Promise((resolve, reject) => {
      this.#wake = () => resolve(null)
      const fail = (cause: unknown) => {
        this.#isOver = true
        reject(sourceError('the source failed', cause))
      }
      try {
        Promise.resolve(this.#iterator.next()).then(resolve, fail)
      } catch (cause) {
        fail(cause)
      }
    })
  }

  /** Lets the source go. Idempotent; harmless after its end. */
  stop(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#wake?.()
    // A generator that is waiting ends when its wait does: nobody waits for that.
    try {
      Promise.resolve(this.#iterator.return?.()).catch(() => {})
    } catch {}
  }
}

function noSource(): ClientError {
  return badArgument('the source must be a stream or an iterable of Uint8Arrays')
}

export function sourceError(message: string, cause?: unknown): ClientError {
  return new ClientError('CLIENT_SOURCE', message, { cause })
}
