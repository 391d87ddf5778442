/**
 * The main port. The first byte of a connection decides what it speaks, once: 0x01-0x0F the documented
 * opcodes, 0x10 HELLO and with it the frame form, a capital letter HTTP. Anything else, and anything
 * `-protocols` leaves out, is closed.
 */
import net from 'node:net'
import { OPCODE } from '@minivault/protocol'
import { BLOB_PIECE_BYTES, PieceBuffers } from '@minivault/storage'
import type { HttpDoor } from '../http/http-door.ts'
import { PIECES_KEPT, PIECES_OUT_MAX, SWEEP_INTERVAL_MS } from '../limits.ts'
import type { Receivers } from '../receivers.ts'
import type { ProtocolName } from '../settings/settings.ts'
import { acceptSockets } from './accepted-socket.ts'
import type { ByteSocket, SocketListener } from './byte-socket.ts'
import { Connection, type ConnectionContext } from './connection.ts'
import { DocumentedSession } from './documented-session.ts'
import { FrameSession } from './frame-session.ts'
import { KeptPool } from './kept-replies.ts'
import type { Memory } from './memory.ts'
import { ChunkPool } from './output.ts'
import { RestPool } from './rest-pool.ts'
import type { SessionContext } from './session-context.ts'
import { SlicePool } from './slice-pool.ts'
import { Turn } from './turn.ts'
import { UnsentBytes } from './unsent-bytes.ts'

/** Opcodes below this open the documented form. */
const DOCUMENTED_BELOW = 0x10

export interface MainDoorOptions {
  protocols: ReadonlySet<ProtocolName>
  connectionsMax: number
  session: SessionContext
  memory: Memory
  receivers: Receivers
  http: HttpDoor
  plainStreams: boolean
  /** Called when a connection had to be refused because there are too many. */
  onRefused: () => void
}

export class MainDoor {
  readonly server = net.createServer({ allowHalfOpen: true })
  readonly #options: MainDoorOptions
  readonly #context: ConnectionContext
  readonly #binary = new Set<Connection>()
  /** Connected, but not a byte yet: nobody else would end them. */
  readonly #silent = new Set<ByteSocket>()
  #sockets = 0

  constructor(options: MainDoorOptions) {
    this.#options = options
    const pool = new ChunkPool(options.memory.chunks)
    this.#context = {
      receivers: options.receivers,
      pool,
      kept: new KeptPool(pool),
      turn: new Turn(),
      unsent: new UnsentBytes(),
      rests: new RestPool(),
      held: options.session.held,
      outgoing: {
        pieces: new PieceBuffers(BLOB_PIECE_BYTES, PIECES_OUT_MAX, PIECES_KEPT),
        slices: new SlicePool(),
      },
      onClose: (closed) => {
        this.#binary.delete(closed)
        this.left()
      },
    }
  }

  /** Call when the server listens: before that there is no handle to take the connections from. */
  accept(): void {
    acceptSockets(this.server, {
      readBuffer: this.#options.memory.readBuffer,
      listenerOf: (socket) => this.#greet(socket),
      plainStreams: this.#options.plainStreams,
    })
  }

  /** A port that serves HTTP only. Its connections count like all others. */
  createHttpServer(): net.Server {
    return net.createServer({ noDelay: true, keepAlive: true, allowHalfOpen: true }, (socket) => {
      if (!this.#admit()) {
        socket.destroy()
        return
      }
      socket.once('close', () => this.left())
      this.#options.http.server.emit('connection', socket)
    })
  }

  get connections(): number {
    return this.#sockets
  }

  /** Counts a connection, unless there are too many. */
  #admit(): boolean {
    if (this.#sockets >= this.#options.connectionsMax) {
      this.#options.onRefused()
      return false
    }
    this.#sockets++
    return true
  }

  /** A connection that was counted is closed. */
  left(): void {
    this.#sockets--
  }

  #greet(socket: ByteSocket): SocketListener {
    if (this.#admit()) {
      this.#silent.add(socket)
      return new Silent(this, socket)
    }
    socket.destroy()
    return REFUSED
  }

  /** Nobody waits for its first bytes any more. */
  forget(socket: ByteSocket): void {
    this.#silent.delete(socket)
  }

  /** The first bytes have come: they choose who goes on with the connection. */
  choose(socket: ByteSocket, bytes: Uint8Array, start: number, end: number): void {
    this.#silent.delete(socket)
    const first = bytes[start]!
    const { protocols, http } = this.#options
    if (protocols.has('http') && first >= 0x41 && first <= 0x5a) {
      http.adopt(socket.release(), Buffer.from(bytes.subarray(start, end)))
    } else if (!protocols.has('binary') || first === 0 || first > OPCODE.hello) {
      socket.destroy()
    } else {
      this.#open(socket, first).receive(bytes, start, end)
    }
  }

  #open(socket: ByteSocket, first: number): Connection {
    const connection = new Connection(socket, this.#context)
    const { session } = this.#options
    connection.begin(
      first < DOCUMENTED_BELOW
        ? new DocumentedSession(session, connection)
        : new FrameSession(session, connection),
    )
    this.#binary.add(connection)
    socket.listener = connection
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

/** Listens to a connection that has not sent a byte yet. */
class Silent implements SocketListener {
  readonly #door: MainDoor
  readonly #socket: ByteSocket

  constructor(door: MainDoor, socket: ByteSocket) {
    this.#door = door
    this.#socket = socket
  }

  receive(bytes: Uint8Array, start: number, end: number): void {
    this.#door.choose(this.#socket, bytes, start, end)
  }

  onDrained(): void {}

  onEnd(): void {
    this.#socket.destroy()
  }

  onClose(): void {
    this.#door.forget(this.#socket)
    this.#door.left()
  }
}

/** Of a connection too many: it is gone before it could be heard. */
const REFUSED: SocketListener = { receive: () => {}, onDrained: () => {}, onEnd: () => {}, onClose: () => {} }
