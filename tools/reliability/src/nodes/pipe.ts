/**
 * One direction of a proxied connection: bytes go on late, slowly or not at all, always in order and never
 * altered, as over a network that is bad but speaks TCP. What cannot go on makes the sender wait.
 */
import type { Socket } from 'node:net'

/** How bytes travel. */
export interface Way {
  /** They stop where they are, and go on when this ends: packets are lost, and sent again. */
  readonly isHeld: boolean
  readonly delayMs: number
  /** Infinity: as fast as they come. */
  readonly bytesPerSecond: number
}

export const CLEAR_WAY: Way = { isHeld: false, delayMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY }

/** On their way at once, as in the buffers of a real one; beyond it the sender waits. */
const UNDERWAY_BYTES_MAX = 256 * 1024

interface Piece {
  readonly bytes: Buffer
  readonly dueMs: number
}

export class Pipe {
  readonly #from: Socket
  readonly #to: Socket
  #way: Way
  readonly #pieces: Piece[] = []
  #bytes = 0
  #lastDueMs = 0
  #timer: NodeJS.Timeout | undefined
  #hasEnded = false
  #isClosed = false

  constructor(from: Socket, to: Socket, way: Way) {
    this.#from = from
    this.#to = to
    this.#way = way
    from.on('data', (bytes: Buffer) => this.#take(bytes))
    from.on('end', () => {
      this.#hasEnded = true
      this.#flush()
    })
    to.on('drain', () => this.#flush())
    to.on('close', () => this.close())
  }

  /** What is still in it arrives nowhere. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#pieces.length = 0
  }

  set way(way: Way) {
    this.#way = way
    // What waits for a time that no longer holds goes by the new one.
    const nowMs = performance.now()
    this.#lastDueMs = nowMs
    const pieces = this.#pieces.splice(0)
    for (const { bytes } of pieces) this.#pieces.push({ bytes, dueMs: this.#dueMs(bytes.length, nowMs) })
    this.#flush()
  }

  #take(bytes: Buffer): void {
    if (this.#isClosed) return
    this.#bytes += bytes.length
    this.#pieces.push({ bytes, dueMs: this.#dueMs(bytes.length, performance.now()) })
    if (this.#bytes > UNDERWAY_BYTES_MAX) this.#from.pause()
    this.#flush()
  }

  #dueMs(length: number, nowMs: number): number {
    const { delayMs, bytesPerSecond } = this.#way
    this.#lastDueMs = Math.max(this.#lastDueMs, nowMs + delayMs) + (length / bytesPerSecond) * 1000
    return this.#lastDueMs
  }

  #flush(): void {
    clearTimeout(this.#timer)
    if (this.#way.isHeld || this.#isClosed) return
    for (let piece = this.#pieces[0]; piece !== undefined; piece = this.#pieces[0]) {
      const leftMs = piece.dueMs - performance.now()
      if (leftMs > 0) {
        this.#timer = setTimeout(() => this.#flush(), leftMs)
        return
      }
      if (this.#to.writableNeedDrain) return
      this.#pieces.shift()
      this.#bytes -= piece.bytes.length
      this.#to.write(piece.bytes)
    }
    if (this.#bytes <= UNDERWAY_BYTES_MAX) this.#from.resume()
    if (this.#hasEnded && this.#to.writable) this.#to.end()
  }
}
