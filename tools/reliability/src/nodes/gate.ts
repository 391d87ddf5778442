/**
 * What stands in front of a member: everybody else knows the member by this address. It looks at the first
 * frame of a connection to see who dials (a member says its name in HELLO, clients say none), and then lets
 * bytes through as the network says for these two.
 */
import net, { type AddressInfo, type Server, type Socket } from 'node:net'
import { decodeFrameRequest, FRAME_OPCODE, FrameRequest } from '@minivault/protocol'
import { Pipe, type Way } from './pipe.ts'

/** A connection's two ways. */
export interface Ways {
  /** From whoever dials to the member, and what it answers. */
  readonly requests: Way
  readonly replies: Way
  /** Connections are reset, those there are and those to come. */
  readonly isReset: boolean
}

/** Who dials, where it is no member. */
export const CLIENT = ''

export type WaysOf = (from: string) => Ways

interface Passage {
  readonly from: string
  readonly outer: Socket
  readonly inner: Socket
  readonly requests: Pipe
  readonly replies: Pipe
}

export class Gate {
  readonly #server: Server
  readonly #waysOf: WaysOf
  readonly #passages = new Set<Passage>()
  /** Those that have not said yet who they are. */
  readonly #strangers = new Set<Socket>()
  /** Where the member listens now; 0: nowhere. */
  targetPort = 0

  static async open(waysOf: WaysOf): Promise<Gate> {
    const server = net.createServer({ noDelay: true, allowHalfOpen: true })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(0, '127.0.0.1', resolve)
    })
    return new Gate(server, waysOf)
  }

  private constructor(server: Server, waysOf: WaysOf) {
    this.#server = server
    this.#waysOf = waysOf
    server.on('connection', (socket) => this.#greet(socket))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Connections now, by who dialed them. */
  connectionsFrom(from: string): number {
    return [...this.#passages].filter((passage) => passage.from === from).length
  }

  /** What `waysOf` says is another from now on. */
  update(): void {
    for (const passage of this.#passages) {
      const { requests, replies, isReset } = this.#waysOf(passage.from)
      if (isReset) cut(passage)
      else {
        passage.requests.way = requests
        passage.replies.way = replies
      }
    }
  }

  /** Resets every connection there is. */
  reset(): void {
    for (const passage of this.#passages) cut(passage)
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.reset()
    for (const socket of this.#strangers) socket.destroy()
    await closed
  }

  #greet(socket: Socket): void {
    const { targetPort } = this
    socket.on('error', () => {})
    if (targetPort === 0) return reset(socket)
    this.#strangers.add(socket)
    socket.once('close', () => this.#strangers.delete(socket))
    let first: Buffer = Buffer.alloc(0)
    const look = (bytes: Buffer) => {
      first = Buffer.concat([first, bytes])
      const from = dialerOf(first)
      if (from === null) return
      socket.off('data', look)
      socket.pause()
      this.#strangers.delete(socket)
      socket.unshift(first)
      this.#pass(socket, from, targetPort)
    }
    socket.on('data', look)
    socket.once('end', () => {
      if (this.#strangers.has(socket)) socket.destroy()
    })
  }

  #pass(outer: Socket, from: string, port: number): void {
    const ways = this.#waysOf(from)
    if (ways.isReset) return reset(outer)
    const inner = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    inner.on('error', () => {})
    const requests = new Pipe(outer, inner, ways.requests)
    const replies = new Pipe(inner, outer, ways.replies)
    const passage = { from, outer, inner, requests, replies }
    this.#passages.add(passage)
    for (const socket of [outer, inner]) {
      socket.once('close', () => {
        this.#passages.delete(passage)
        // An end that was not clean is one for the other side, too.
        cut(passage)
      })
    }
    outer.resume()
  }
}

function cut({ outer, inner, requests, replies }: Passage): void {
  requests.close()
  replies.close()
  reset(outer)
  reset(inner)
}

/**
 * Node ends a socket in good order before it resets it. What goes wrong with it meanwhile (the other end is
 * killed) leaves a handle that nobody can close, and a process that spins when it is about to end: nothing
 * may be under way then, nor come.
 */
function reset(socket: Socket): void {
  if (socket.destroyed) return
  if (socket.connecting || socket.writableEnded || socket.writableLength > 0) return void socket.destroy()
  socket.pause()
  socket.resetAndDestroy()
}

/** Who dials, by its first bytes; null: they do not say yet. */
function dialerOf(bytes: Buffer): string | null {
  if (bytes[0] !== FRAME_OPCODE.hello) return CLIENT
  const hello = new FrameRequest()
  const consumed = decodeFrameRequest(bytes, 0, bytes.length, hello)
  if (consumed === 0) return null
  return consumed < 0 ? CLIENT : bytes.toString('latin1', hello.keyStart, hello.keyEnd)
}
