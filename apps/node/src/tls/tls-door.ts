/**
 * TLS for connections that others have accepted. A `tls.Server` that never listens is given sockets whose
 * first bytes were read already; what comes out is a secured socket, for the caller to greet as if it were
 * new.
 *
 * A client that had to show a certificate and did not, or the wrong one, is not cut off in the handshake: it
 * comes out as unwelcome, so that it can be told why in the words of its own protocol. With `-tls-ca` no
 * session is resumed: a resumed one of TLS 1.3 would count as verified although no certificate was shown, and
 * an authority that was taken away would live on.
 */
import type { Socket } from 'node:net'
import tls from 'node:tls'
import { type CertificateLogger, ShownCertificates, type TlsFiles } from '@minivault/command-line'
import { TLS_HANDSHAKE_TIMEOUT_MS } from '../limits.ts'
import { Deadlines } from './deadlines.ts'

/** The first byte of a TLS connection: a handshake record. */
export const TLS_HANDSHAKE = 0x16

/** Hears of a secured connection; a client without the certificate that is asked for is not welcome. */
export type OnSecured = (socket: tls.TLSSocket, isWelcome: boolean) => void

interface Handshake {
  socket: Socket
  onSecured: OnSecured
}

export class TlsDoor {
  readonly #shown: ShownCertificates
  readonly #server: tls.Server
  /** Under way, by the two ends of the connection: the server does not tell which socket it has secured. */
  readonly #handshakes = new Map<string, Handshake>()
  readonly #deadlines = new Deadlines(TLS_HANDSHAKE_TIMEOUT_MS)

  /** Throws UsageError. */
  constructor(files: TlsFiles, logger: CertificateLogger, now: () => number) {
    this.#shown = new ShownCertificates(files, logger, now)
    this.#server = tls.createServer({
      ...this.#shown.context,
      requestCert: this.#asksForOne,
      // Looked at when it is secured.
      rejectUnauthorized: false,
    })
    this.#server.on('secureConnection', (socket) => this.#secured(socket))
    // The other side was told by the alert; its connection ends by itself.
    this.#server.on('tlsClientError', () => {})
  }

  get #asksForOne(): boolean {
    return this.#shown.current.ca !== undefined
  }

  /** Takes a connection of which `firstBytes` have been read. */
  secure(socket: Socket, firstBytes: Buffer, onSecured: OnSecured): void {
    const ends = endsOf(socket)
    socket.on('error', () => {})
    if (ends === null) {
      socket.destroy()
      return
    }
    this.#handshakes.set(ends, { socket, onSecured })
    this.#deadlines.add(socket)
    socket.once('close', () => this.#forget(ends, socket))
    // A stream that flows would give them to nobody.
    socket.pause()
    socket.unshift(firstBytes)
    this.#server.emit('connection', socket)
  }

  #secured(socket: tls.TLSSocket): void {
    const ends = endsOf(socket)
    const handshake = ends === null ? undefined : this.#handshakes.get(ends)
    if (handshake === undefined) {
      socket.destroy()
      return
    }
    this.#forget(ends!, handshake.socket)
    handshake.onSecured(socket, !this.#asksForOne || isVerified(socket))
  }

  #forget(ends: string, socket: Socket): void {
    this.#deadlines.delete(socket)
    // The same two ends may have been connected anew.
    if (this.#handshakes.get(ends)?.socket === socket) this.#handshakes.delete(ends)
  }

  /** Reads the files again, for new connections. */
  reload(): void {
    this.#shown.reload((context) => this.#server.setSecureContext(context))
  }

  /** Called about every `elapsedMs`: ends who does not come through the handshake. */
  sweep(elapsedMs: number): void {
    this.#deadlines.sweep(elapsedMs)
  }

  /** Ends who is in the handshake. */
  destroy(): void {
    this.#deadlines.destroy()
  }
}

function isVerified(socket: tls.TLSSocket): boolean {
  return socket.authorized && !socket.isSessionReused() && socket.getPeerX509Certificate() !== undefined
}

/** No two open connections have the same; null: it is not open any more. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string | null {
  if (remoteAddress === undefined || localAddress === undefined) return null
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}
