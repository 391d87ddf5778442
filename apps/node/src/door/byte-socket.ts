/** What the door asks of an accepted connection, by whichever way its bytes come and go. */
import type { Socket } from 'node:net'

export interface ByteSocket {
  /** Set it before the first bytes can come; it may change hands later. */
  listener: SocketListener
  /** Bytes handed over that the kernel has not taken. */
  readonly unsentBytes: number
  readonly receivedBytes: number
  readonly isClosed: boolean
  /**
   * True: all of it was taken at once and the memory is free again. False: it is still read from until
   * `onDrained`. A closed socket takes anything.
   */
  write(bytes: Uint8Array): boolean
  pause(): void
  resume(): void
  /** No more will be written; the other side is told behind what is on its way. When both end, it closes. */
  end(): void
  destroy(): void
  /** Gives the connection away, as an ordinary stream for its new owner. */
  release(): Socket
}

export interface SocketListener {
  /** bytes[start, end) have come. They are valid during the call. */
  receive(bytes: Uint8Array, start: number, end: number): void
  /** Nothing is unsent any more. */
  onDrained(): void
  /** The other side will send no more. */
  onEnd(): void
  /** Once, and the last to be heard. */
  onClose(): void
}
