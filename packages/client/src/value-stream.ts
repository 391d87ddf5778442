/*
 * A value, or a range of its bytes, read piece by piece: as Web stream or by `for await`. Both go on from the
 * same place, so a stream is read once, by one of them.
 *
 * Each piece is a call of its own on the shared connections, made when the piece before it is taken: a stream
 * that nobody reads holds one piece in memory, nothing on the server and no connection. The price: the pieces
 * must all be of one version, so a value that is written or touched meanwhile ends the stream with
 * VERSION_MISMATCH. A piece whose connection breaks is asked for again, like every read.
 */

import { ClientError } from './client-error.ts'
import { STREAM_PIECE_BYTES } from './limits.ts'
import type { Reply } from './request.ts'

/** Asks for `bytes` bytes from `start` on, fewer where the value ends. */
export type AskForPiece = (start: number, bytes: number) => Promise<Reply>

export class ValueStream implements AsyncIterable<Uint8Array> {
  /** of the whole value, in bytes */
  readonly size: number
  /** what is streamed: `[start, end)` */
  readonly start: number
  readonly end: number
  readonly version: string
  /** undefined over HTTP, which does not tell */
  readonly type: 'raw' | 'json' | undefined
  readonly #ask: AskForPiece
  /** the piece at `#at`, asked for already */
  #ahead: Promise<Reply> | null
  #at: number
  #isEnded = false
  #failure: unknown = null

  /** Use `Client.getStream`. `first` is the piece at `start`. */
  constructor(first: Reply, start: number, end: number, ask: AskForPiece) {
    this.size = first.size
    this.start = this.#at = Math.min(start, first.size)
    this.end = Math.max(this.start, Math.min(end, first.size))
    this.version = first.version ?? ''
    this.type = first.type
    this.#ask = ask
    this.#ahead = Promise.resolve(first)
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
    this.#isEnded = true
    this.#ahead = null
  }

  async #next(): Promise<Uint8Array | null> {
    if (this.#failure !== null) throw this.#failure
    if (this.#isEnded || this.#at >= this.end) {
      this.cancel()
      return null
    }
    const asked = Math.min(STREAM_PIECE_BYTES, this.end - this.#at)
    const from = this.#at
    const ahead = this.#ahead ?? this.#ask(from, asked)
    this.#at += asked
    this.#ahead = null
    try {
      const reply = await ahead
      this.#check(reply, asked)
      if (!this.#isEnded) this.#askAhead()
      return reply.value
    } catch (error) {
      this.#failure ??= error
      this.cancel()
      throw error
    }
  }

  #askAhead(): void {
    if (this.#at >= this.end || this.#ahead !== null) return
    this.#ahead = this.#ask(this.#at, Math.min(STREAM_PIECE_BYTES, this.end - this.#at))
    // Whoever reads on sees why; nobody may.
    this.#ahead.catch(() => {})
  }

  #check(reply: Reply, asked: number): void {
    if (!reply.exists || reply.version !== this.version) {
      const said = 'the value was replaced, touched or deleted while it was read'
      throw new ClientError('VERSION_MISMATCH', said, { retryable: true, version: reply.version })
    }
    if (reply.value.length !== asked) {
      throw new ClientError('CLIENT_PROTOCOL', 'the server gave another part of the value')
    }
  }
}
