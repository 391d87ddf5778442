/**
 * A plain client of the binary port that keeps nothing to itself: it sends whatever bytes it is given and
 * hands out the replies in the order in which they come, which in this harness is that of the requests.
 */
import net from 'node:net'
import { decodeFrameReply, ERROR, FRAME_FLAG, FrameReply } from '@minivault/protocol'
import { type Form, greeting } from './requests.ts'

const CONNECT_TIMEOUT_MS = 20_000

export interface Reply {
  ok: boolean
  /** ERROR number; the documented form knows only that there is one (-1). */
  error: number
  /** Of a value in chunks: the whole. */
  value: Buffer
  reply: FrameReply | null
}

export interface ConnectOptions {
  port: number
  form: Form
  /** Where many connections would use up the ports of one address. */
  localAddress?: string
  /** Says nothing by itself. */
  isSilent?: boolean
}

interface Waiting {
  resolve: (reply: Reply) => void
  reject: (error: Error) => void
}

export class WireClient {
  readonly socket: net.Socket
  readonly #form: Form
  #bytes: Buffer = Buffer.alloc(0)
  #pieces: Buffer[] = []
  #piecesBytes = 0
  #needed = 1
  readonly #waiting: Waiting[] = []
  #chunks: Buffer[] = []
  isClosed = false
  readonly closed: Promise<void>

  /** Resolves when it is connected and, unless `isSilent`, greeted. */
  static async connect(options: ConnectOptions): Promise<WireClient> {
    const { port, localAddress } = options
    const address = localAddress === undefined ? {} : { localAddress }
    const client = new WireClient(
      net.connect({ port, host: '127.0.0.1', noDelay: true, ...address }),
      options,
    )
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('does not connect')), CONNECT_TIMEOUT_MS)
      client.socket.once('connect', resolve).once('connect', () => clearTimeout(timer))
      client.socket.once('error', reject)
    })
    if (options.isSilent !== true) await client.ask(greeting(options.form))
    return client
  }

  private constructor(socket: net.Socket, { form }: ConnectOptions) {
    this.socket = socket
    this.#form = form
    socket.on('error', () => {})
    socket.on('data', (bytes) => this.#take(bytes))
    this.closed = new Promise((resolve) =>
      socket.on('close', () => {
        this.isClosed = true
        for (const { reject } of this.#waiting.splice(0)) reject(new Error('the connection was closed'))
        resolve()
      }),
    )
  }

  /** One request, one reply. Rejects when the connection ends before it. */
  ask(request: Uint8Array): Promise<Reply> {
    const reply = this.next()
    this.socket.write(request)
    return reply
  }

  next(): Promise<Reply> {
    const reply = new Promise<Reply>((resolve, reject) => {
      if (this.isClosed) reject(new Error('the connection was closed'))
      else this.#waiting.push({ resolve, reject })
    })
    // Whoever does not look at it must not end the process.
    reply.catch(() => {})
    return reply
  }

  close(): void {
    this.socket.destroy()
  }

  #take(bytes: Buffer): void {
    this.#pieces.push(bytes)
    this.#piecesBytes += bytes.length
    if (this.#bytes.length + this.#piecesBytes < this.#needed) return
    this.#bytes = this.#bytes.length === 0 && this.#pieces.length === 1 ? bytes : this.#joined()
    this.#pieces = []
    this.#piecesBytes = 0
    let at = 0
    for (;;) {
      const consumed = this.#form === 'frame' ? this.#frame(at) : this.#documented(at)
      if (consumed === 0) break
      at += consumed
    }
    this.#bytes = this.#bytes.subarray(at)
  }

  #joined(): Buffer {
    return Buffer.concat([this.#bytes, ...this.#pieces])
  }

  #documented(at: number): number {
    const available = this.#bytes.length - at
    this.#needed = 5
    if (available < 5) return 0
    const length = this.#bytes.readUInt32LE(at + 1)
    this.#needed = 5 + length
    if (available < 5 + length) return 0
    const ok = this.#bytes[at] === 0
    const value = Buffer.from(this.#bytes.subarray(at + 5, at + 5 + length))
    this.#give({ ok, error: ok ? ERROR.NONE : -1, value, reply: null })
    return 5 + length
  }

  #frame(at: number): number {
    const reply = new FrameReply()
    const consumed = decodeFrameReply(this.#bytes, at, this.#bytes.length, reply)
    this.#needed = reply.needed
    if (consumed < 0) throw new Error(`a reply that cannot be read (${consumed})`)
    if (consumed === 0) return 0
    this.#chunks.push(Buffer.from(this.#bytes.subarray(reply.valueStart, reply.valueEnd)))
    const goesOn = (reply.flags & FRAME_FLAG.chunk) !== 0 && (reply.flags & FRAME_FLAG.more) !== 0
    if (goesOn) return consumed
    const value = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
    this.#chunks = []
    this.#give({ ok: reply.error === ERROR.NONE, error: reply.error, value, reply })
    return consumed
  }

  #give(reply: Reply): void {
    this.#waiting.shift()?.resolve(reply)
  }
}
