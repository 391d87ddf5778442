/**
 * A connection by an undocumented way: the handle that Node's own `net.Socket` wraps, without the stream
 * above it. Reads go straight into a buffer shared by all connections, a write is one call that allocates
 * nothing; that takes 5 to 15 % off the CPU of a request, and most of the memory of an idle connection.
 *
 * What is used stands here and nowhere else: `TCP` handles as `net.Server` gets them, and the two request
 * objects and the result array of `stream_wrap`. `handlesAreUsable` says whether they are there; where they
 * are not, `StreamSocket` serves.
 */
import net from 'node:net'
import * as system from 'node:process'
import type { ByteSocket, SocketListener } from './byte-socket.ts'
import type { ReadBuffer } from './memory.ts'

const OWNER = Symbol('socket')
const END_OF_FILE = -4095
const KEEP_ALIVE_DELAY_S = 30

interface Handle {
  [OWNER]: HandleSocket
  onread: (this: Handle) => void
  readonly bytesRead: number
  readonly writeQueueSize: number
  useUserBuffer(buffer: Uint8Array): void
  readStart(): number
  readStop(): number
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number
  shutdown(request: ShutdownRequest): number
  setNoDelay(on: boolean): number
  setKeepAlive(on: boolean, seconds: number): number
  close(done?: () => void): void
}

interface WriteRequest {
  socket: HandleSocket | null
  /** Kept from the garbage collector while the kernel has not taken it. */
  bytes: Uint8Array | null
  oncomplete: ((this: WriteRequest, status: number) => void) | undefined
}

interface ShutdownRequest {
  socket: HandleSocket
  oncomplete: (this: ShutdownRequest, status: number) => void
}

interface StreamWrap {
  WriteWrap: new () => WriteRequest
  ShutdownWrap: new () => ShutdownRequest
  streamBaseState: Int32Array
  kReadBytesOrError: number
  kLastWriteWasAsync: number
}

const wrap = findStreamWrap()

function findStreamWrap(): StreamWrap | null {
  try {
    const { binding } = system as unknown as { binding: (name: string) => StreamWrap }
    const found = binding('stream_wrap')
    const isComplete =
      typeof found.WriteWrap === 'function' &&
      typeof found.ShutdownWrap === 'function' &&
      found.streamBaseState.length > Math.max(found.kReadBytesOrError, found.kLastWriteWasAsync)
    return isComplete ? found : null
  } catch {
    return null
  }
}

/** Whether `HandleSocket` can be used with handles like this. */
export function handlesAreUsable(handle: unknown): boolean {
  const methods = ['useUserBuffer', 'readStart', 'readStop', 'writeBuffer', 'shutdown', 'close'] as const
  return wrap !== null && methods.every((name) => typeof (handle as Handle)?.[name] === 'function')
}

/** Used again by every write that is done when its call returns; such a write leaves nothing in it. */
let spareRequest: WriteRequest | null = null

export class HandleSocket implements ByteSocket {
  listener: SocketListener
  unsentBytes = 0
  isClosed = false
  readonly #handle: Handle
  readonly #buffer: ReadBuffer
  #isReading = false
  #hasEnded = false
  #hasSentEnd = false
  /** Our end is out, and all that was written before it. */
  #isEndOut = false

  constructor(handle: unknown, buffer: ReadBuffer, listenerOf: (socket: ByteSocket) => SocketListener) {
    const own = handle as Handle
    this.#handle = own
    this.#buffer = buffer
    own[OWNER] = this
    own.onread = onRead
    own.useUserBuffer(buffer.view)
    own.setNoDelay(true)
    own.setKeepAlive(true, KEEP_ALIVE_DELAY_S)
    this.listener = listenerOf(this)
    this.resume()
  }

  get receivedBytes(): number {
    return this.isClosed ? 0 : this.#handle.bytesRead
  }

  write(bytes: Uint8Array): boolean {
    if (this.isClosed) return true
    const { WriteWrap, streamBaseState, kLastWriteWasAsync } = wrap!
    const request = spareRequest ?? new WriteWrap()
    spareRequest = null
    if (this.#handle.writeBuffer(request, bytes) !== 0) {
      this.destroy()
      return true
    }
    if (streamBaseState[kLastWriteWasAsync] === 0) {
      spareRequest = request
      return true
    }
    request.socket = this
    request.bytes = bytes
    request.oncomplete = onWritten
    this.unsentBytes += bytes.length
    return false
  }

  onWritten(bytes: number, status: number): void {
    this.unsentBytes -= bytes
    if (status < 0) this.destroy()
    else if (this.unsentBytes === 0 && !this.isClosed) this.listener.onDrained()
  }

  pause(): void {
    if (!this.#isReading || this.isClosed) return
    this.#isReading = false
    this.#handle.readStop()
  }

  resume(): void {
    if (this.#isReading || this.isClosed || this.#hasEnded) return
    this.#isReading = true
    if (this.#handle.readStart() !== 0) this.destroy()
  }

  end(): void {
    if (this.#hasSentEnd || this.isClosed) return
    this.#hasSentEnd = true
    const request = new wrap!.ShutdownWrap()
    request.socket = this
    request.oncomplete = onShutdown
    if (this.#handle.shutdown(request) !== 0) this.destroy()
  }

  onShutdown(): void {
    this.#isEndOut = true
    if (this.#hasEnded) this.destroy()
  }

  destroy(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#isReading = false
    this.#handle.close(() => this.listener.onClose())
  }

  release(): net.Socket {
    // A handle that reads already may not be told to: the new owner begins anew.
    this.pause()
    // Its stream reads by way of `onread`, too: a handle that has a buffer of ours keeps it.
    const options = {
      handle: this.#handle,
      allowHalfOpen: true,
      onread: {
        buffer: this.#buffer.view,
        callback: (length: number, buffer: Uint8Array) =>
          socket.push(Buffer.from(buffer.subarray(0, length))),
      },
    }
    const socket: net.Socket = new net.Socket(options as net.SocketConstructorOpts)
    socket.once('close', () => this.listener.onClose())
    return socket
  }

  /** After a read: what came of it. */
  onRead(length: number): void {
    if (length > 0) {
      const { bytes, start } = this.#buffer
      return this.listener.receive(bytes, start, start + length)
    }
    if (length === 0) return
    this.#isReading = false
    if (length !== END_OF_FILE) return this.destroy()
    this.#hasEnded = true
    this.#handle.readStop()
    if (this.#isEndOut) this.destroy()
    else this.listener.onEnd()
  }
}

function onRead(this: Handle): void {
  this[OWNER].onRead(wrap!.streamBaseState[wrap!.kReadBytesOrError]!)
}

function onWritten(this: WriteRequest, status: number): void {
  const { socket, bytes } = this
  this.socket = null
  this.bytes = null
  socket!.onWritten(bytes!.length, status)
}

function onShutdown(this: ShutdownRequest, status: number): void {
  if (status < 0) this.socket.destroy()
  else this.socket.onShutdown()
}
