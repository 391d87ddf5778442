/**
 * The requests of one connection, in their order: one is carried out at a time, the next when the reply to it
 * is out. Behind a reply that is the connection's last nothing is carried out (RFC 9112, 9.3): its client was
 * told so, and what was refused for how it was framed shall not have smuggled anything in.
 */
import type { Socket } from 'node:net'
import { HTTP_PIPELINE_MAX } from '../limits.ts'
import type { Exchange } from './exchange.ts'
import type { Progress } from './feed.ts'
import type { Refusal } from './malformed.ts'

export interface LineOptions {
  begin: (exchange: Exchange) => void
  /** Its reply is out, or never will be. */
  onOver: (exchange: Exchange) => void
}

export class Line implements Progress {
  /** The last that was taken. */
  newest: Exchange | null = null
  /** What is said of that which came behind it, or in its body, and could not be read. */
  lost: Refusal | null = null
  readonly #socket: Socket
  readonly #options: LineOptions
  /** The first of them is being carried out. */
  readonly #exchanges: Exchange[] = []
  /** The last reply is out. */
  #isOver = false

  constructor(socket: Socket, options: LineOptions) {
    this.#socket = socket
    this.#options = options
  }

  /** Requests without a reply. */
  get length(): number {
    return this.#exchanges.length
  }

  /** It is not read on before some of them are answered. */
  get isFull(): boolean {
    return this.length >= HTTP_PIPELINE_MAX
  }

  /** The newest has not come whole. */
  get isInBody(): boolean {
    return this.newest?.request.complete === false
  }

  add(exchange: Exchange): void {
    const { request, response } = exchange
    if (this.#isOver || this.newest?.response.shouldKeepAlive === false) {
      request.resume()
      return this.#options.onOver(exchange)
    }
    // `node:http` passes over what follows such a request in the bytes that it is given.
    if (request.headers.upgrade !== undefined) response.shouldKeepAlive = false
    this.newest = exchange
    this.#exchanges.push(exchange)
    response.once('close', () => this.#goOn(exchange))
    if (this.length === 1) this.#options.begin(exchange)
  }

  #goOn(answered: Exchange): void {
    if (this.#exchanges[0] !== answered) return
    const socket = this.#socket
    this.#isOver = !socket.writable
    // Those behind a last reply never hear of their end.
    const over = this.#exchanges.splice(0, this.#isOver ? this.length : 1)
    for (const exchange of over) this.#options.onOver(exchange)
    if (socket.isPaused()) socket.resume()
    if (this.length > 0) this.#options.begin(this.#exchanges[0]!)
  }
}
