/** A connection by the documented way: a `net.Socket` and its stream events. */
import type { Socket } from 'node:net'
import type { ByteSocket, SocketListener } from './byte-socket.ts'

export class StreamSocket implements ByteSocket {
  listener: SocketListener
  readonly #socket: Socket

  constructor(socket: Socket, listenerOf: (socket: ByteSocket) => SocketListener) {
    this.#socket = socket
    this.listener = listenerOf(this)
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
  }

  get unsentBytes(): number {
    return this.#socket.writableLength
  }

  get receivedBytes(): number {
    return this.#socket.bytesRead
  }

  get isClosed(): boolean {
    return this.#socket.destroyed
  }

  write(bytes: Uint8Array): boolean {
    if (this.#socket.destroyed) return true
    this.#socket.write(bytes, this.#onWritten)
    return this.#socket.writableLength === 0
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  release(): Socket {
    const socket = this.#socket
    socket.off('data', this.#onData)
    socket.off('end', this.#onEnd)
    socket.off('error', this.#onError)
    return socket
  }

  readonly #onData = (bytes: Buffer) => this.listener.receive(bytes, 0, bytes.length)
  /** Not the stream's own `drain`: that comes only after it was full. */
  readonly #onWritten = () => {
    if (this.#socket.writableLength === 0 && !this.#socket.destroyed) this.listener.onDrained()
  }
  readonly #onEnd = () => this.listener.onEnd()
  readonly #onError = () => this.#socket.destroy()
  readonly #onClose = () => this.listener.onClose()
}
