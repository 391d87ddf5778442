/**
 * Replies on their way out. They are written one after another into a chunk and leave together in one write.
 * Chunks come from a pool shared by all connections, so that an idle connection holds none; a chunk the
 * kernel did not take at once is left to the socket, which still reads from it, and returns to the pool when
 * the socket has sent all.
 */
import { cloneBytes, copyBytes } from '@minivault/codec'
import { OUTPUT_CHUNK_BYTES, OUTPUT_CHUNKS_POOLED, OUTPUT_VIEWS_MAX } from '../limits.ts'

/** Where replies go: true when they were taken at once and their memory is free again. */
export interface Sink {
  write(bytes: Uint8Array): boolean
}

/** Room for replies: bytes[start, start + OUTPUT_CHUNK_BYTES). */
export class Chunk {
  readonly bytes: Uint8Array
  readonly start: number
  /** A view costs as much as a small reply; most replies have one of few lengths. */
  readonly #views: Uint8Array[] = []

  constructor(bytes: Uint8Array, start: number) {
    this.bytes = bytes
    this.start = start
  }

  /** The first `length` bytes. */
  view(length: number): Uint8Array {
    if (length >= OUTPUT_VIEWS_MAX) return this.bytes.subarray(this.start, this.start + length)
    const views = this.#views
    while (views.length <= length) views.push(EMPTY)
    if (views[length] === EMPTY) views[length] = this.bytes.subarray(this.start, this.start + length)
    return views[length]!
  }
}

export class ChunkPool {
  readonly #free: Chunk[]
  readonly #own: ReadonlySet<Chunk>

  /** @param own chunks that always return, and are used before others are made */
  constructor(own: readonly Chunk[] = []) {
    this.#free = [...own]
    this.#own = new Set(own)
  }

  take(): Chunk {
    return this.#free.pop() ?? new Chunk(Buffer.allocUnsafeSlow(OUTPUT_CHUNK_BYTES), 0)
  }

  give(chunk: Chunk): void {
    if (this.#free.length < OUTPUT_CHUNKS_POOLED || this.#own.has(chunk)) this.#free.push(chunk)
  }
}

const EMPTY = new Uint8Array(0)

export class Output {
  /** Write at `reserve`d places only. */
  bytes: Uint8Array = EMPTY
  #chunk: Chunk | null = null
  /** In `bytes`. */
  #at = 0
  #end = 0
  /** Chunks that the socket still reads from. */
  #left: Chunk[] | null = null
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
    if (this.#at + length > this.#end) this.#begin()
    const at = this.#at
    this.#at = at + length
    return at
  }

  #begin(): void {
    this.flush()
    const chunk = this.#pool.take()
    this.#chunk = chunk
    this.bytes = chunk.bytes
    this.#at = chunk.start
    this.#end = chunk.start + OUTPUT_CHUNK_BYTES
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
    const chunk = this.#chunk
    if (chunk === null) return
    const isFree = this.#sink.write(chunk.view(this.#at - chunk.start))
    this.#chunk = null
    this.bytes = EMPTY
    this.#at = 0
    this.#end = 0
    if (isFree) this.#pool.give(chunk)
    else if (this.#left === null) this.#left = [chunk]
    else this.#left.push(chunk)
  }

  /** The socket reads from no chunk any more: it has sent all, or is closed. */
  drained(): void {
    if (this.#left === null) return
    for (const chunk of this.#left) this.#pool.give(chunk)
    this.#left = null
  }
}
