/**
 * Takes the connections of a listening server. A `net.Server` hands every accepted connection to its handle's
 * `onconnection`; taking the handle there, before Node has made a stream of it, is undocumented, like all of
 * `HandleSocket`. Where either is missing, plain streams serve with the same contract.
 */
import type net from 'node:net'
import type { ByteSocket, SocketListener } from './byte-socket.ts'
import { HandleSocket, handlesAreUsable } from './handle-socket.ts'
import type { ReadBuffer } from './memory.ts'
import { StreamSocket } from './stream-socket.ts'

const KEEP_ALIVE_DELAY_MS = 30_000

export interface AcceptOptions {
  /** Shared by all sockets: a read is handled before the next one happens. */
  readBuffer: ReadBuffer
  /** Who hears of the connection; one that is not wanted may be destroyed right here. */
  listenerOf: (socket: ByteSocket) => SocketListener
  /** For tests, and where the door is closed. */
  plainStreams?: boolean
}

interface ServerWithHandle {
  _handle?: { onconnection?: (status: number, handle: unknown) => void } | null
}

/** Sends the accepted connections of a listening server to `listenerOf`. Returns which way is used. */
export function acceptSockets(server: net.Server, options: AcceptOptions): 'handles' | 'streams' {
  const { readBuffer, listenerOf, plainStreams } = options
  const handle = (server as ServerWithHandle)._handle
  if (plainStreams || typeof handle?.onconnection !== 'function' || !handlesAreUsable(handle)) {
    server.on('connection', (socket) => {
      socket.setNoDelay(true)
      socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS)
      new StreamSocket(socket, listenerOf)
    })
    return 'streams'
  }
  handle.onconnection = (status, clientHandle) => {
    if (status === 0 && clientHandle) new HandleSocket(clientHandle, readBuffer, listenerOf)
  }
  return 'handles'
}
