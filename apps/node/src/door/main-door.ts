/**
 * The main port. The first byte of a connection decides what it speaks, once: 0x01-0x0F the documented
 * opcodes, 0x10 HELLO and with it the frame form, a capital letter HTTP. Anything else, and anything
 * `-protocols` leaves out, is closed.
 */
import net from 'node:net'
import { OPCODE } from '@minivault/protocol'
import type { HttpDoor } from '../http/http-door.ts'
import { READ_BUFFER_BYTES, SWEEP_INTERVAL_MS } from '../limits.ts'
import type { Receivers } from '../receivers.ts'
import type { ProtocolName } from '../settings/settings.ts'
import { acceptSockets, type OnBytes } from './accepted-socket.ts'
import { Connection } from './connection.ts'
import { DocumentedSession } from './documented-session.ts'
import { FrameSession } from './frame-session.ts'
import { ChunkPool } from './output.ts'
import type { SessionContext } from './session-context.ts'
import { Turn } from './turn.ts'

const KEEP_ALIVE_DELAY_MS = 30_000
/** Opcodes below this open the documented form. */
const DOCUMENTED_BELOW = 0x10

export interface MainDoorOptions {
  protocols: ReadonlySet<ProtocolName>
  connectionsMax: number
  session: SessionContext
  receivers: Receivers
  http: HttpDoor
  plainStreams: boolean
  /** Called when a connection had to be refused because there are too many. */
  onRefused: () => void
}

export class MainDoor {
  readonly server = net.createServer({ allowHalfOpen: true })
  readonly #options: MainDoorOptions
  readonly #pool = new ChunkPool()
  readonly #turn = new Turn()
  readonly #binary = new Set<Connection>()
  /** Connected, but not a byte yet: nobody else would end them. */
  readonly #silent = new Set<net.Socket>()
  #sockets = 0

  constructor(options: MainDoorOptions) {
    this.#options = options
  }

  /** Call when the server listens: before that there is no handle to take the connections from. */
  accept(): void {
    acceptSockets(this.server, {
      readBuffer: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES),
      onSocket: (socket, release) => this.#onSocket(socket, release),
      plainStreams: this.#options.plainStreams,
    })
  }

  /** A port that serves HTTP only. Its connections count like all others. */
  createHttpServer(): net.Server {
    return net.createServer({ noDelay: true, keepAlive: true, allowHalfOpen: true }, (socket) => {
      if (this.#admit(socket)) this.#options.http.server.emit('connection', socket)
    })
  }

  get connections(): number {
    return this.#sockets
  }

  #admit(socket: net.Socket): boolean {
    if (this.#sockets >= this.#options.connectionsMax) {
      this.#options.onRefused()
      socket.destroy()
      return false
    }
    this.#sockets++
    socket.once('close', () => this.#sockets--)
    return true
  }

  #onSocket(socket: net.Socket, release: () => void): OnBytes {
    if (!this.#admit(socket)) return () => {}
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS)
    const ignore = () => socket.destroy()
    socket.on('error', ignore)
    socket.on('end', ignore)
    this.#silent.add(socket)
    socket.once('close', () => this.#silent.delete(socket))
    let receive: OnBytes | null = null
    return (bytes, length) => {
      if (receive === null) {
        socket.off('error', ignore)
        socket.off('end', ignore)
        this.#silent.delete(socket)
        receive = this.#choose(socket, release, bytes, length)
      } else receive(bytes, length)
    }
  }

  /** Handles the first bytes, and returns what handles the others. */
  #choose(socket: net.Socket, release: () => void, bytes: Uint8Array, length: number): OnBytes {
    const first = bytes[0]!
    const { protocols, http } = this.#options
    if (protocols.has('http') && first >= 0x41 && first <= 0x5a) {
      release()
      http.adopt(socket, Buffer.from(bytes.subarray(0, length)))
      return () => {}
    }
    if (!protocols.has('binary') || first === 0 || first > OPCODE.hello) {
      socket.destroy()
      return () => {}
    }
    const connection = this.#open(socket, first)
    connection.receive(bytes, length)
    return (more, moreLength) => connection.receive(more, moreLength)
  }

  #open(socket: net.Socket, first: number): Connection {
    const connection = new Connection(socket, {
      receivers: this.#options.receivers,
      pool: this.#pool,
      turn: this.#turn,
      onClose: (closed) => this.#binary.delete(closed),
    })
    const { session } = this.#options
    connection.begin(
      first < DOCUMENTED_BELOW
        ? new DocumentedSession(session, connection)
        : new FrameSession(session, connection),
    )
    this.#binary.add(connection)
    return connection
  }

  sweep(): void {
    for (const connection of this.#binary) connection.sweep(SWEEP_INTERVAL_MS)
  }

  /** No new requests; what is under way is answered, then its connection closed. */
  drain(): void {
    for (const connection of this.#binary) connection.drain()
    for (const socket of this.#silent) socket.destroy()
  }

  /** Clients that have all their replies and do not answer our end. */
  destroyIdle(): void {
    for (const connection of this.#binary) if (connection.isIdle) connection.socket.destroy()
  }

  /** Connections that did not end in time. */
  destroy(): void {
    for (const connection of this.#binary) connection.socket.destroy()
  }
}
