/**
 * The one place that goes through an undocumented door of Node. A `net.Server` hands every accepted
 * connection to its handle's `onconnection`; taking the handle there lets the socket read straight into a
 * buffer of ours (`onread`, which is documented for outgoing sockets only) and saves a third of the CPU of a
 * `'data'` stream. Where the door is missing the plain stream serves, with the same contract:
 * `onBytes(buffer, length)`, bytes valid during the call.
 */
import net from 'node:net'

export interface AcceptOptions {
  /** Shared by all sockets: a read is handled before the next one happens. */
  readBuffer: Uint8Array
  /** `release` gives the socket away: from then on it is an ordinary stream for its new owner. */
  onSocket: (socket: net.Socket, release: () => void) => OnBytes
  /** For tests, and where the door is closed. */
  plainStreams?: boolean
}

/** Bytes [0, length) of `bytes` have arrived. */
export type OnBytes = (bytes: Uint8Array, length: number) => void

interface ServerWithHandle {
  _handle?: { onconnection?: (status: number, handle: unknown) => void } | null
}

/** What the constructor takes beyond its types: a handle, and `onread` as for `connect`. */
type SocketOptions = net.SocketConstructorOpts & { handle: unknown; onread: net.OnReadOpts }

/** Sends the accepted sockets of a listening server to `onSocket`. Returns which of the two ways is used. */
export function acceptSockets(server: net.Server, options: AcceptOptions): 'onread' | 'stream' {
  const handle = (server as ServerWithHandle)._handle
  if (options.plainStreams || typeof handle?.onconnection !== 'function') {
    server.on('connection', (socket) => {
      const listener = (bytes: Buffer) => onBytes(bytes, bytes.length)
      const onBytes = options.onSocket(socket, () => socket.off('data', listener))
      socket.on('data', listener)
    })
    return 'stream'
  }
  handle.onconnection = (status, clientHandle) => {
    if (status !== 0 || !clientHandle) return
    let onBytes: OnBytes | null = null
    const socketOptions: SocketOptions = {
      handle: clientHandle,
      allowHalfOpen: true,
      onread: {
        buffer: options.readBuffer,
        callback: (length, buffer) => {
          onBytes?.(buffer, length)
          return true
        },
      },
    }
    const socket = new net.Socket(socketOptions)
    onBytes = options.onSocket(socket, () => {
      onBytes = (bytes, length) => socket.push(Buffer.from(bytes.subarray(0, length)))
    })
    socket.read(0)
  }
  return 'onread'
}
