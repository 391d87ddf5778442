/** A socket to a peer, with or without TLS. */
import { connect, isIP, type Socket } from 'node:net'
import tls from 'node:tls'
import type { ByteSocket, SocketListener } from '../door/byte-socket.ts'
import { HandleSocket, handlesAreUsable } from '../door/handle-socket.ts'
import type { ReadBuffer } from '../door/memory.ts'
import { StreamSocket } from '../door/stream-socket.ts'

/** What a node shows of itself, and whom it trusts; as `tls.connect` takes it. */
export interface PeerSecurity {
  readonly cert: Buffer
  readonly key: Buffer
  /** Undefined: the authorities that Node knows. */
  readonly ca: Buffer | undefined
}

/** A read is handled before the next one happens. */
const bytes = new Uint8Array(64 * 1024)
const READ_BUFFER: ReadBuffer = { bytes, start: 0, view: bytes }
const KEEP_ALIVE_DELAY_MS = 30_000

/** Whoever dials, until there is a connection. */
export interface DialListener {
  /** It is connected, and secured; the listener hears what comes. */
  onOpen(socket: ByteSocket): void
  /** Why it ends, before `onOpen` or behind. */
  onError(error: NodeJS.ErrnoException): void
  /** There is no connection. */
  onFailed(): void
}

interface WithHandle {
  _handle: unknown
}

/**
 * Once it is open, a connection without TLS leaves its stream, as those that the node accepts.
 * @param member `host:port`
 * @returns gives it up, unless it is open
 */
export function dial(
  member: string,
  security: PeerSecurity | null,
  dialler: DialListener,
  listener: SocketListener,
): () => void {
  const { host, port } = addressOf(member)
  const onFailed = () => dialler.onFailed()
  const stream =
    security === null
      ? connect({ host, port, noDelay: true, keepAlive: true })
      : tls.connect({ ...securityOf(security, host), host, port })
  stream.on('error', (error) => dialler.onError(error))
  stream.once('close', onFailed)
  // Whoever has the handle then is the first to read.
  if (security === null) stream.pause()
  stream.once('connect', () => stream.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_DELAY_MS))
  stream.once(security === null ? 'connect' : 'secureConnect', () => {
    stream.off('close', onFailed)
    dialler.onOpen(socketOf(stream, security === null, listener))
  })
  return () => stream.destroy()
}

function socketOf(stream: Socket, isPlain: boolean, listener: SocketListener): ByteSocket {
  const owner = stream as unknown as WithHandle
  if (!isPlain || !handlesAreUsable(owner._handle)) {
    stream.resume()
    return new StreamSocket(stream, () => listener)
  }
  const handle = owner._handle
  owner._handle = null
  return new HandleSocket(handle, READ_BUFFER, () => listener)
}

export function addressOf(member: string): { host: string; port: number } {
  const colon = member.lastIndexOf(':')
  const host = member.slice(0, colon)
  return {
    host: host.startsWith('[') ? host.slice(1, -1) : host,
    port: Number(member.slice(colon + 1)),
  }
}

export function securityOf({ cert, key, ca }: PeerSecurity, host: string): tls.ConnectionOptions {
  return {
    cert,
    key,
    minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca }),
    ...(isIP(host) === 0 ? { servername: host } : {}),
  }
}
