/**
 * Replies on their way out. They are written one after another into a chunk and leave together in one write.
 * Chunks come from a pool shared by all connections, so that an idle connection holds none; a chunk the
 * kernel did not take at once is left to the socket, which still reads from it, and never returns to the
 * pool.
 */
import { cloneBytes, copyBytes } from '@minivault/codec'
import { OUTPUT_CHUNK_BYTES, OUTPUT_CHUNKS_POOLED, OUTPUT_VIEWS_MAX } from '../limits.ts'

/** Where replies go: true when they were taken at once and their memory is free again. */
export interface Sink {
  write(bytes: Uint8Array): boolean
}

export class Chunk {
  readonly bytes: Uint8Array = Buffer.allocUnsafeSlow(OUTPUT_CHUNK_BYTES)
  /** A view costs as much as a small reply; most replies have one of few lengths. */
  readonly #views: Uint8Array[] = []

  /** The first `length` bytes. */
  view(length: number): Uint8Array {
    if (length >= OUTPUT_VIEWS_MAX) return this.bytes.subarray(0, length)
    const views = this.#views
    while (views.length <= length) views.push(EMPTY)
    if (views[length] === EMPTY) views[length] = this.bytes.subarray(0, length)
    return views[length]!
  }
}

export class ChunkPool {
  readonly #free: Chunk[] = []

  take(): Chunk {
    return this.#free.pop() ?? new Chunk()
  }

  give(chunk: Chunk): void {
    if (this.#free.length < OUTPUT_CHUNKS_POOLED) this.#free.push(chunk)
  }
}

const EMPTY = new Uint8Array(0)

export class Output {
  /** Write at `reserve`d places only. */
  bytes: Uint8Array = EMPTY
  #chunk: Chunk | null = null
  #length = 0
  readonly #pool: ChunkPool
  readonly #sink: Sink

  constructor(pool: ChunkPool, sink: Sink) {
    this.#pool = pool
    this.#sink = sink
  }

  /**
   * Makes room for `length` bytes in `bytes` and returns where. At most a chunk: larger things go through
   * `append`.
   */
  reserve(length: number): number {
    if (this.#length + length > this.bytes.length) this.#begin()
    const at = this.#length
    this.#length = at + length
    return at
  }

  #begin(): void {
    this.flush()
    this.#chunk = this.#pool.take()
    this.bytes = this.#chunk.bytes
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
    this.#sink.write(cloneBytes(bytes, start, end))
  }

  flush(): void {
    if (this.#chunk === null) return
    const chunk = this.#chunk
    const isFree = this.#sink.write(chunk.view(this.#length))
    this.#chunk = null
    this.bytes = EMPTY
    this.#length = 0
    if (isFree) this.#pool.give(chunk)
  }
}
