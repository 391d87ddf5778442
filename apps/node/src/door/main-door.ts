/**
 * The listening ports of a node. The first byte of a connection decides what it speaks, once, among what its
 * port serves: 0x01-0x0F the documented opcodes, 0x10 HELLO and with it the frame form, `*` the Redis
 * protocol, a capital letter HTTP. Anything else is closed; a port that serves one thing leaves the answer to
 * it. Where the node has certificates every connection goes through TLS first and is then greeted anew.
 */
import net from 'node:net'
import type { TLSSocket } from 'node:tls'
import { ERROR, OPCODE } from '@minivault/protocol'
import { BLOB_PIECE_BYTES, PieceBuffers } from '@minivault/storage'
import type { HttpDoor } from '../http/http-door.ts'
import { PlainHttpSession } from '../http/plain-http-session.ts'
import type { PlainReplies } from '../http/plain-replies.ts'
import { PIECES_KEPT, PIECES_OUT_MAX, SWEEP_INTERVAL_MS, TLS_HANDSHAKE_TIMEOUT_MS } from '../limits.ts'
import type { Receivers } from '../receivers.ts'
import type { RespGateway } from '../resp/resp-gateway.ts'
import { RespSession } from '../resp/resp-session.ts'
import type { ProtocolName } from '../settings/settings.ts'
import { Deadlines } from '../tls/deadlines.ts'
import { NO_TLS, type Refusal, refusalOf } from '../tls/refusal.ts'
import { TLS_HANDSHAKE, type TlsDoor } from '../tls/tls-door.ts'
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
import { StreamSocket } from './stream-socket.ts'
import { Turn } from './turn.ts'
import { UnsentBytes } from './unsent-bytes.ts'

/** Opcodes below this open the documented form. */
const DOCUMENTED_BELOW = 0x10
/** `*` */
const RESP_ARRAY = 0x2a

const SPEAKS_TLS: Refusal = {
  error: ERROR.TLS_REQUIRED,
  message: 'this port speaks TLS only (https://, minivaults://, rediss://)',
  respCode: 'ERR',
}
const NO_CERTIFICATE: Refusal = {
  error: ERROR.UNAUTHORIZED,
  message: 'a client certificate signed by the authority of this node is needed',
  respCode: 'NOAUTH',
}

const EMPTY = new Uint8Array(0)

/** Goes on with a connection of which bytes[start, end) have come, the first of all. */
type OnFirstBytes = (socket: ByteSocket, bytes: Uint8Array, start: number, end: number) => void

export interface MainDoorOptions {
  connectionsMax: number
  session: SessionContext
  memory: Memory
  receivers: Receivers
  http: HttpDoor
  /** Of the lane for plain requests; null: all HTTP goes by way of `node:http`. */
  plainReplies: PlainReplies | null
  resp: RespGateway
  plainStreams: boolean
  /** Every connection speaks TLS; null: none does. */
  tls: TlsDoor | null
  /** Called when a connection had to be refused because there are too many. */
  onRefused: () => void
}

export class MainDoor {
  readonly #options: MainDoorOptions
  readonly #context: ConnectionContext
  readonly #connected = new Set<Connection>()
  /** Of those that are drained: members', through which what is under way is decided. */
  readonly #staying = new Set<Connection>()
  /** Connected, but not a byte yet: nobody else would end them. */
  readonly #silent = new Set<ByteSocket>()
  /** Those that must begin with TLS soon, or end. */
  readonly #hurried = new Deadlines(TLS_HANDSHAKE_TIMEOUT_MS)
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
        this.#connected.delete(closed)
        this.#staying.delete(closed)
        this.left()
      },
      onHandOver: (connection, bytes) => {
        this.#connected.delete(connection)
        this.#adopt(connection.socket, bytes)
      },
    }
  }

  /** A port that serves these, once it listens. */
  createPort(speaks: ReadonlySet<ProtocolName>): net.Server {
    const server = net.createServer({ allowHalfOpen: true })
    const { tls } = this.#options
    const choose: OnFirstBytes = (socket, bytes, start, end) =>
      this.#choose(socket, speaks, bytes, start, end)
    const begin: OnFirstBytes =
      tls === null
        ? choose
        : (socket, bytes, start, end) => this.#secure(socket, tls, speaks, bytes, start, end)
    // Before it listens there is no handle to take the connections from.
    server.once('listening', () =>
      acceptSockets(server, {
        readBuffer: this.#options.memory.readBuffer,
        listenerOf: (socket) => this.#greet(socket, begin),
        plainStreams: this.#options.plainStreams,
      }),
    )
    return server
  }

  get connections(): number {
    return this.#sockets
  }

  /** While it drains: connections that are waited for. */
  get draining(): number {
    return this.#sockets - this.#staying.size
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

  #greet(socket: ByteSocket, onFirstBytes: OnFirstBytes): SocketListener {
    if (!this.#admit()) {
      socket.destroy()
      return REFUSED
    }
    if (this.#options.tls !== null) this.#hurried.add(socket)
    return this.#awaitFirstBytes(socket, onFirstBytes)
  }

  #awaitFirstBytes(socket: ByteSocket, onFirstBytes: OnFirstBytes): SocketListener {
    this.#silent.add(socket)
    return new Silent(this, socket, onFirstBytes)
  }

  /** Nobody waits for its first bytes any more. */
  forget(socket: ByteSocket): void {
    this.#silent.delete(socket)
    this.#hurried.delete(socket)
  }

  /** The first bytes choose who goes on with the connection. */
  #choose(
    socket: ByteSocket,
    speaks: ReadonlySet<ProtocolName>,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    switch (protocolOf(bytes[start]!, speaks)) {
      case 'http':
        return this.#openHttp(socket, bytes, start, end)
      case 'binary':
        return this.#open(socket, bytes[start]!).receive(bytes, start, end)
      case 'resp':
        return this.#openResp(socket, speaks.size === 1).receive(bytes, start, end)
      default:
        this.#end(socket, bytes[start] === TLS_HANDSHAKE ? NO_TLS : EMPTY)
    }
  }

  // --- TLS

  #secure(
    socket: ByteSocket,
    tls: TlsDoor,
    speaks: ReadonlySet<ProtocolName>,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (bytes[start] !== TLS_HANDSHAKE) {
      this.#end(socket, refusalOf(SPEAKS_TLS, speaks, bytes, start, end))
      return
    }
    socket.listener = new Left(this)
    tls.secure(socket.release(), Buffer.from(bytes.subarray(start, end)), (secured, isWelcome) => {
      const choose: OnFirstBytes = (client, first, from, to) => this.#choose(client, speaks, first, from, to)
      const refuse: OnFirstBytes = (stranger, first, from, to) =>
        this.#end(stranger, refusalOf(NO_CERTIFICATE, speaks, first, from, to))
      const greeted = this.#greetSecured(secured, isWelcome ? choose : refuse)
      if (!isWelcome) this.#hurried.add(greeted)
    })
  }

  /** It was counted when it came; what its listener takes off when it closes is put on before. */
  #greetSecured(secured: TLSSocket, onFirstBytes: OnFirstBytes): ByteSocket {
    secured.once('close', () => {
      this.#sockets++
    })
    return new StreamSocket(secured, (socket) => this.#awaitFirstBytes(socket, onFirstBytes))
  }

  /** Ends it behind an answer that says why. */
  #end(socket: ByteSocket, answer: Uint8Array): void {
    if (answer.length === 0) {
      socket.destroy()
      return
    }
    socket.listener = new Ending(this, socket)
    this.#hurried.add(socket)
    socket.write(answer)
    socket.end()
  }

  #adopt(socket: ByteSocket, bytes: Uint8Array): void {
    socket.listener = new Left(this)
    this.#options.http.adopt(socket.release(), Buffer.from(bytes))
  }

  #openHttp(socket: ByteSocket, bytes: Uint8Array, start: number, end: number): void {
    const { session, plainReplies } = this.#options
    if (plainReplies === null) return this.#adopt(socket, bytes.subarray(start, end))
    const connection = new Connection(socket, this.#context)
    connection.begin(new PlainHttpSession(session, connection, plainReplies))
    this.#connected.add(connection)
    socket.listener = connection
    connection.receive(bytes, start, end)
  }

  #open(socket: ByteSocket, first: number): Connection {
    const connection = new Connection(socket, this.#context)
    const { session } = this.#options
    connection.begin(
      first < DOCUMENTED_BELOW
        ? new DocumentedSession(session, connection)
        : new FrameSession(session, connection),
    )
    this.#connected.add(connection)
    socket.listener = connection
    return connection
  }

  #openResp(socket: ByteSocket, takesInline: boolean): Connection {
    const connection = new Connection(socket, this.#context)
    connection.begin(new RespSession(this.#options.resp, connection, takesInline))
    this.#connected.add(connection)
    socket.listener = connection
    return connection
  }

  sweep(): void {
    for (const connection of this.#connected) connection.sweep(SWEEP_INTERVAL_MS)
    this.#hurried.sweep(SWEEP_INTERVAL_MS)
    this.#options.tls?.sweep(SWEEP_INTERVAL_MS)
  }

  /** No new requests; what is under way is answered, then its connection closed. Those of members stay. */
  drain(): void {
    for (const connection of this.#connected) if (!connection.drain()) this.#staying.add(connection)
    for (const socket of this.#silent) socket.destroy()
    this.#hurried.destroy()
    this.#options.tls?.destroy()
  }

  /** Clients that have all their replies and do not answer our end. */
  destroyIdle(): void {
    for (const connection of this.#connected) {
      if (connection.isIdle && !this.#staying.has(connection)) connection.socket.destroy()
    }
  }

  /** Connections that did not end in time. */
  destroy(): void {
    for (const connection of this.#connected) connection.socket.destroy()
  }
}

/** What the first byte opens, where the port serves it. */
function protocolOf(first: number, speaks: ReadonlySet<ProtocolName>): ProtocolName | null {
  // Its own answer to what it cannot read says more than an end.
  if (speaks.size === 1 && !speaks.has('binary')) return speaks.has('http') ? 'http' : 'resp'
  if (first >= 0x41 && first <= 0x5a) return speaks.has('http') ? 'http' : null
  if (first === RESP_ARRAY) return speaks.has('resp') ? 'resp' : null
  return speaks.has('binary') && first > 0 && first <= OPCODE.hello ? 'binary' : null
}

/** Listens to a connection that has not sent a byte yet. */
class Silent implements SocketListener {
  readonly #door: MainDoor
  readonly #socket: ByteSocket
  readonly #onFirstBytes: OnFirstBytes

  constructor(door: MainDoor, socket: ByteSocket, onFirstBytes: OnFirstBytes) {
    this.#door = door
    this.#socket = socket
    this.#onFirstBytes = onFirstBytes
  }

  receive(bytes: Uint8Array, start: number, end: number): void {
    this.#door.forget(this.#socket)
    this.#onFirstBytes(this.#socket, bytes, start, end)
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

/** Of a connection that was given away: only its end is heard. */
class Left implements SocketListener {
  readonly #door: MainDoor

  constructor(door: MainDoor) {
    this.#door = door
  }

  receive(): void {}
  onDrained(): void {}
  onEnd(): void {}

  onClose(): void {
    this.#door.left()
  }
}

/** Listens to a connection that is told why it ends: what comes is passed over, so that it hears it. */
class Ending implements SocketListener {
  readonly #door: MainDoor
  readonly #socket: ByteSocket

  constructor(door: MainDoor, socket: ByteSocket) {
    this.#door = door
    this.#socket = socket
  }

  receive(): void {}
  onDrained(): void {}
  onEnd(): void {}

  onClose(): void {
    this.#door.forget(this.#socket)
    this.#door.left()
  }
}

/** Of a connection too many: it is gone before it could be heard. */
const REFUSED: SocketListener = { receive: () => {}, onDrained: () => {}, onEnd: () => {}, onClose: () => {} }
