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
  readonly #progress: Progress
  readonly #parse: (bytes: Buffer) => void
  readonly #finish: () => void
  /** Not given to the parser yet. A stream takes nothing back once its end has come, so it is kept here. */
  #rest: Buffer | null
  /** All has come, and the parser has not heard of it yet. */
  #hasEnded = false
  #isStopped = false

  /** Puts itself between a socket, of which these bytes were read, and the server that has just got it. */
  constructor(socket: Socket, bytes: Buffer, progress: Progress) {
    this.#socket = socket
    this.#progress = progress
    this.#parse = socket.listeners('data')[0] as (bytes: Buffer) => void
    // Before it stand those of the socket itself.
    this.#finish = socket.listeners('end').at(-1) as () => void
    this.#rest = bytes
    if (socket.readableEnded) this.#end()
    socket.pause()
    socket.off('data', this.#parse)
    socket.off('end', this.#finish)
    socket.on('data', (more: Buffer) => this.#take(more))
    socket.on('end', () => {
      this.#end()
      this.#goOn()
    })
    socket.on('resume', () => this.#goOn())
    socket.resume()
  }

  /** Nothing more is for the parser; what comes is passed over. */
  stop(): void {
    this.#isStopped = true
    this.#rest = null
    this.#forgetEnd()
    this.#socket.resume()
  }

  #take(bytes: Buffer): void {
    if (this.#isStopped) return
    this.#rest = this.#rest === null ? bytes : Buffer.concat([this.#rest, bytes])
    this.#goOn()
  }

  /** A body that was paused resumes its socket only if that is readable: until the rest is given, it is. */
  #end(): void {
    if (this.#isStopped) return
    this.#hasEnded = true
    Object.defineProperty(this.#socket, 'readable', { value: true, configurable: true })
  }

  #forgetEnd(): void {
    this.#hasEnded = false
    Reflect.deleteProperty(this.#socket, 'readable')
  }

  #goOn(): void {
    const socket = this.#socket
    while (this.#rest !== null && !socket.isPaused() && !socket.destroyed) {
      const { isFull, isInBody } = this.#progress
      if (isFull) socket.pause()
      else this.#give(this.#rest, isInBody ? HTTP_BODY_SLICE_BYTES : HTTP_HEAD_SLICE_BYTES)
    }
    if (this.#rest === null && this.#hasEnded && !socket.destroyed) {
      this.#forgetEnd()
      this.#finish.call(socket)
    }
  }

  #give(bytes: Buffer, most: number): void {
    this.#rest = bytes.length > most ? bytes.subarray(most) : null
    this.#parse.call(this.#socket, bytes.length > most ? bytes.subarray(0, most) : bytes)
  }
}
