/**
 * A plain client of any port that keeps nothing to itself: it sends whatever bytes it is given and
 * hands out the replies in the order in which they come, which in this harness is that of the requests.
 */
import net from 'node:net'
import { type Reply, type ReplyReader, readerOf } from './reply-readers.ts'
import { type Form, greeting } from './requests.ts'

const CONNECT_TIMEOUT_MS = 20_000

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
  readonly #reader: ReplyReader
  #needed = 1
  #bytes: Buffer = Buffer.alloc(0)
  #pieces: Buffer[] = []
  #piecesBytes = 0
  readonly #waiting: Waiting[] = []
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
    this.#reader = readerOf(form)
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
    try {
      while (at < this.#bytes.length) {
        const consumed = this.#reader.read(this.#bytes, at)
        if (consumed === 0) break
        at += consumed
        if (this.#reader.found !== null) this.#waiting.shift()?.resolve(this.#reader.found)
      }
    } catch (error) {
      // What is no reply at all answers nothing that was asked, nor does what follows.
      for (const { reject } of this.#waiting.splice(0)) reject(error as Error)
      this.close()
    }
    this.#bytes = this.#bytes.subarray(at)
    this.#needed = this.#bytes.length === 0 ? 1 : this.#reader.needed
  }

  #joined(): Buffer {
    return Buffer.concat([this.#bytes, ...this.#pieces])
  }
}
