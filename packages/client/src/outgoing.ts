/*
 * What a connection has to say, gathered until the end of the turn and then handed to the socket in one
 * write.
 *
 * Small requests are copied behind each other into one buffer. The pieces of a large value are not copied:
 * they follow as they are, which is why a call's value must not change until its promise settles.
 */

import type { Socket } from 'node:net'

const BUFFER_BYTES = 64 * 1024

export class Outgoing {
  readonly #socket: Socket
  #buffer: Uint8Array = new Uint8Array(BUFFER_BYTES)
  #start = 0
  #end = 0
  #pieces: Uint8Array[] = []

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Room for `bytes` at `this.at` of `this.buffer`; say how many were written with `wrote`. */
  reserve(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return
    this.#cut()
    this.#buffer = new Uint8Array(Math.max(BUFFER_BYTES, bytes))
    this.#start = this.#end = 0
  }

  get buffer(): Uint8Array {
    return this.#buffer
  }

  get at(): number {
    return this.#end
  }

  wroteTo(end: number): void {
    this.#end = end
  }

  /** Bytes of the caller's own, not copied. */
  append(bytes: Uint8Array): void {
    this.#cut()
    this.#pieces.push(bytes)
  }

  #cut(): void {
    if (this.#end > this.#start) this.#pieces.push(this.#buffer.subarray(this.#start, this.#end))
    this.#start = this.#end
  }

  flush(): void {
    this.#cut()
    if (this.#pieces.length === 0) return
    const pieces = this.#pieces
    this.#pieces = []
    if (pieces.length > 1) this.#socket.cork()
    for (const piece of pieces) this.#socket.write(piece)
    if (pieces.length > 1) this.#socket.uncork()
  }
}
