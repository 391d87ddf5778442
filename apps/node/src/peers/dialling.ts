/** A socket to a peer, with or without TLS. It reads into one buffer that all such sockets share. */
import { connect, isIP, type Socket } from 'node:net'
import tls from 'node:tls'
import type { SocketListener } from '../door/byte-socket.ts'
import { StreamSocket } from '../door/stream-socket.ts'

/** What a node shows of itself, and whom it trusts; as `tls.connect` takes it. */
export interface PeerSecurity {
  readonly cert: Buffer
  readonly key: Buffer
  /** Undefined: the authorities that Node knows. */
  readonly ca: Buffer | undefined
}

/** A read is handled before the next one happens. */
const READ_BUFFER = new Uint8Array(64 * 1024)
const KEEP_ALIVE_DELAY_MS = 30_000

export interface Dialled {
  readonly socket: StreamSocket
  readonly stream: Socket
}

/**
 * @param member `host:port`
 * @param onOpen it is connected, and secured
 * @param onError why it ends
 */
export function dial(
  member: string,
  security: PeerSecurity | null,
  listener: SocketListener,
  onOpen: () => void,
  onError: (error: NodeJS.ErrnoException) => void,
): Dialled {
  const { host, port } = addressOf(member)
  const onread = {
    buffer: READ_BUFFER,
    callback: (length: number) => {
      socket.listener.receive(READ_BUFFER, 0, length)
      return true
    },
  }
  const stream =
    security === null
      ? connect({ host, port, noDelay: true, keepAlive: true, onread })
      : tls.connect({ ...securityOf(security, host), host, port, onread } as tls.ConnectionOptions)
  stream.once('error', onError)
  stream.once('connect', () => stream.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_DELAY_MS))
  stream.once(security === null ? 'connect' : 'secureConnect', onOpen)
  const socket = new StreamSocket(stream, () => listener)
  return { socket, stream }
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
