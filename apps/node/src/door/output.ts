/**
 * Replies on their way out. They are written one after another into a chunk and leave together in one write.
 * Chunks come from a pool shared by all connections, so that an idle connection holds none; a chunk the
 * kernel did not take at once is left to the socket, which still reads from it, and never returns to the
 * pool.
 */
import { cloneBytes, copyBytes } from '@minivault/codec'
import { OUTPUT_CHUNK_BYTES, OUTPUT_CHUNKS_POOLED } from '../limits.ts'

/** Hands bytes to the socket; true when they were taken at once and their memory is free again. */
export type Send = (bytes: Uint8Array) => boolean

export class ChunkPool {
  readonly #free: Uint8Array[] = []

  take(): Uint8Array {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(OUTPUT_CHUNK_BYTES)
  }

  give(chunk: Uint8Array): void {
    if (this.#free.length < OUTPUT_CHUNKS_POOLED) this.#free.push(chunk)
  }
}

const EMPTY = new Uint8Array(0)

export class Output {
  /** Write at `reserve`d places only. */
  bytes: Uint8Array = EMPTY
  #length = 0
  readonly #pool: ChunkPool
  readonly #send: Send

  constructor(pool: ChunkPool, send: Send) {
    this.#pool = pool
    this.#send = send
  }

  /**
   * Makes room for `length` bytes in `bytes` and returns where. At most a chunk: larger things go through
   * `append`.
   */
  reserve(length: number): number {
    if (this.#length + length > this.bytes.length) {
      this.flush()
      if (this.bytes.length === 0) this.bytes = this.#pool.take()
    }
    const at = this.#length
    this.#length += length
    return at
  }

  /** Copies a span behind what is there; a span larger than a chunk leaves in a buffer of its own. */
  append(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    if (length === 0) return
    if (length <= OUTPUT_CHUNK_BYTES) {
      const at = this.reserve(length)
      copyBytes(bytes, start, end, this.bytes, at)
      return
    }
    this.flush()
    this.#send(cloneBytes(bytes, start, end))
  }

  flush(): void {
    if (this.#length === 0) return
    const chunk = this.bytes
    const free = this.#send(chunk.subarray(0, this.#length))
    this.bytes = EMPTY
    this.#length = 0
    if (free) this.#pool.give(chunk)
  }
}
