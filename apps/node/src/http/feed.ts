/**
 * How `node:http` gets its bytes. Its parser makes objects for every request in what it is given, before the
 * first of them is answered, and cannot be stopped in between: a read full of short requests would cost a
 * hundred times its own size. So it is given slices, and none while enough requests wait; the socket is
 * paused then, and whoever has less to wait for resumes it.
 */
import type { Socket } from 'node:net'
import { HTTP_BODY_SLICE_BYTES, HTTP_HEAD_SLICE_BYTES } from '../limits.ts'

/** Where a connection stands. */
export interface Progress {
  /** Enough requests wait for their answers. */
  readonly isFull: boolean
  /** The newest of them has not come whole. */
  readonly isInBody: boolean
}

export class Feed {
  readonly #socket: Socket
  readonly #progress: () => Progress
  readonly #parse: (bytes: Buffer) => void
  readonly #finish: () => void
  /** Not given to the parser yet. A stream takes nothing back once its end has come, so it is kept here. */
  #rest: Buffer | null
  #hasEnded: boolean

  /** Puts itself between a socket, of which these bytes were read, and the server that has just got it. */
  constructor(socket: Socket, bytes: Buffer, progress: () => Progress) {
    this.#socket = socket
    this.#progress = progress
    this.#parse = socket.listeners('data')[0] as (bytes: Buffer) => void
    // Before it stand those of the socket itself.
    this.#finish = socket.listeners('end').at(-1) as () => void
    this.#rest = bytes
    this.#hasEnded = socket.readableEnded
    socket.pause()
    socket.off('data', this.#parse)
    socket.off('end', this.#finish)
    socket.on('data', (more: Buffer) => this.#take(more))
    socket.on('end', () => {
      this.#hasEnded = true
      this.#goOn()
    })
    socket.on('resume', () => this.#goOn())
    socket.resume()
  }

  #take(bytes: Buffer): void {
    this.#rest = bytes
    this.#goOn()
  }

  #goOn(): void {
    const socket = this.#socket
    while (this.#rest !== null && !socket.isPaused() && !socket.destroyed) {
      const { isFull, isInBody } = this.#progress()
      if (isFull) socket.pause()
      else this.#give(this.#rest, isInBody ? HTTP_BODY_SLICE_BYTES : HTTP_HEAD_SLICE_BYTES)
    }
    if (this.#rest === null && this.#hasEnded && !socket.destroyed) {
      this.#hasEnded = false
      this.#finish.call(socket)
    }
  }

  #give(bytes: Buffer, most: number): void {
    this.#rest = bytes.length > most ? bytes.subarray(most) : null
    this.#parse.call(this.#socket, bytes.length > most ? bytes.subarray(0, most) : bytes)
  }
}
