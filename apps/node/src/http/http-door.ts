/**
 * HTTP, spoken by `node:http`: docs/HTTP.md is its contract. One server object serves every connection that
 * speaks HTTP; they are handed over with the bytes that were read to tell.
 *
 *   request → shape, origin, target, method → ValueRead, ValueWrite, Listing → Exchange → reply
 */
import http from 'node:http'
import type { Socket } from 'node:net'
import { ERROR, type ErrorNumber } from '@minivault/protocol'
import { BLOB_PIECE_BYTES, PieceBuffers } from '@minivault/storage'
import { SlicePool } from '../door/slice-pool.ts'
import { KIND, type Kind } from '../key-value.ts'
import {
  HTTP_HEADER_BYTES_MAX,
  HTTP_HEADERS_MAX,
  HTTP_HEADERS_TIMEOUT_MS,
  HTTP_KEEP_ALIVE_MS,
  HTTP_LINGER_MS,
  HTTP_PIECES_OUT_MAX,
  HTTP_REQUEST_TIMEOUT_MS,
  HTTP_UNFINISHED_MAX,
  OPERATION_TIMEOUT_MS,
  PIECES_KEPT,
  SWEEP_INTERVAL_MS,
} from '../limits.ts'
import { ADMIN, AdminExchange } from './admin-exchange.ts'
import { CrossOrigin, METHODS } from './cross-origin.ts'
import { Exchange, type ExchangeContext } from './exchange.ts'
import { Feed } from './feed.ts'
import { Line } from './line.ts'
import { Listing } from './listing.ts'
import { endWith, type Refusal, refusalOf } from './malformed.ts'
import { giveOwn } from './own-targets.ts'
import { PeerPost } from './peer-post.ts'
import { varyOf } from './reply-head.ts'
import { shapeError } from './request-shape.ts'
import { OWN, PEER_TARGET, PEER_VALUE_TARGET, readTarget } from './target.ts'
import { ValueRead } from './value-read.ts'
import { ValueWrite } from './value-write.ts'

const KINDS: Readonly<Record<string, Kind>> = {
  GET: KIND.get,
  HEAD: KIND.get,
  PUT: KIND.set,
  POST: KIND.create,
  DELETE: KIND.delete,
}
const NO_CONTENT = 204
const EXPECTATION_FAILED = 417
const NO_TUNNEL: Refusal = { status: 405, error: ERROR.METHOD_NOT_ALLOWED, message: null }

export interface HttpDoorOptions extends Omit<ExchangeContext, 'waiting' | 'outgoing'> {
  /** Origins whose pages may use the node, `*` for all; null: `-cors` was not given. */
  corsOrigins: ReadonlySet<string> | null
}

export class HttpDoor {
  readonly server: http.Server
  readonly crossOrigin: CrossOrigin
  readonly #context: ExchangeContext
  /** Of each connection, its requests and how its bytes come. */
  readonly #lines = new WeakMap<Socket, Line>()
  readonly #feeds = new WeakMap<Socket, Feed>()
  /** Requests whose reply is not yet on its way as a whole. */
  readonly #unfinished = new Set<Exchange>()

  constructor(options: HttpDoorOptions) {
    const pieces = new PieceBuffers(BLOB_PIECE_BYTES, HTTP_PIECES_OUT_MAX, PIECES_KEPT)
    this.#context = { ...options, waiting: new Set(), outgoing: { pieces, slices: new SlicePool() } }
    this.crossOrigin = new CrossOrigin(options.corsOrigins)
    this.server = http.createServer(
      {
        maxHeaderSize: HTTP_HEADER_BYTES_MAX,
        headersTimeout: HTTP_HEADERS_TIMEOUT_MS,
        requestTimeout: HTTP_REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: SWEEP_INTERVAL_MS,
        keepAliveTimeout: HTTP_KEEP_ALIVE_MS,
        keepAlive: true,
        noDelay: true,
        // It is asked for below, with the words that all refusals have.
        requireHostHeader: false,
      },
      (request, response) => this.#take(new Exchange(this.#context, request, response, false)),
    )
    // One more is seen, and refused; `node:http` would pass it over.
    this.server.maxHeadersCount = HTTP_HEADERS_MAX + 1
    // A client may end its side once its request is out: it still gets its reply.
    ;(this.server as { httpAllowHalfOpen?: boolean }).httpAllowHalfOpen = true
    this.server.on('checkContinue', (request, response) =>
      this.#take(new Exchange(this.#context, request, response, true)),
    )
    this.server.on('checkExpectation', (request, response) =>
      this.#take(new Exchange(this.#context, request, response, false)),
    )
    this.server.on('connect', (_request, socket) => this.#lose(socket as Socket, NO_TUNNEL))
    this.server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      if (error.code !== 'ECONNRESET' && socket.writable) this.#lose(socket as Socket, refusalOf(error))
      else socket.destroy()
    })
  }

  /**
   * Time-outs are checked only by a server that listens; this one may serve nothing but adopted connections,
   * so it is told that it does.
   */
  startTimeouts(): void {
    if (!this.server.listening) this.server.emit('listening')
  }

  /** Takes over a connection with the bytes that were read of it. */
  adopt(socket: Socket, firstBytes: Buffer): void {
    this.server.emit('connection', socket)
    const line = new Line(socket, {
      begin: (exchange) => {
        if (line.lost !== null && !exchange.request.complete) this.#end(socket, line.lost)
        else this.#begin(exchange)
      },
      onOver: (exchange) => {
        this.#unfinished.delete(exchange)
        exchange.close()
      },
    })
    this.#lines.set(socket, line)
    this.#feeds.set(socket, new Feed(socket, firstBytes, line))
  }

  get waiting(): number {
    return this.#context.waiting.size
  }

  sweep(): void {
    const nowMs = this.#context.now()
    const expired = nowMs - OPERATION_TIMEOUT_MS
    for (const exchange of this.#context.waiting) if (exchange.since < expired) exchange.expire()
    for (const exchange of this.#unfinished) exchange.sweep(nowMs)
  }

  #take(exchange: Exchange): void {
    const { socket } = exchange.request
    const line = this.#lines.get(socket)!
    if (this.#unfinished.size >= HTTP_UNFINISHED_MAX && line.length > 0) {
      socket.destroy()
      return
    }
    this.#unfinished.add(exchange)
    line.add(exchange)
  }

  /**
   * Nothing more can be read. The replies that are due come first; a request that broke off in its body is
   * the refused one itself.
   */
  #lose(socket: Socket, refusal: Refusal): void {
    const line = this.#lines.get(socket)!
    if (line.lost !== null) return
    line.lost = refusal
    this.#feeds.get(socket)!.stop()
    if (line.newest === null || line.newest.response.closed) return this.#end(socket, refusal)
    const { request, response } = line.newest
    if (request.complete) response.once('close', () => this.#end(socket, refusal))
    else if (response.headersSent) response.once('close', () => this.#end(socket, null))
    // Else it is refused when its turn comes.
    else if (line.length === 1) this.#end(socket, refusal)
  }

  /** The end of a connection, for which `node:http` does nothing more. */
  #end(socket: Socket, refusal: Refusal | null): void {
    // What still comes is passed over, so that the answer is heard; but not for ever.
    this.#feeds.get(socket)!.stop()
    if (refusal === null) socket.end()
    else endWith(socket, refusal)
    this.#context.sleep(HTTP_LINGER_MS).then(() => socket.destroy())
  }

  /** What concerns requests of every kind. */
  #begin(exchange: Exchange): void {
    const { request, headers, head } = exchange
    const { crossOrigin } = this
    head.vary = varyOf(false, crossOrigin.dependsOnOrigin)
    const wrong = shapeError(request)
    if (wrong !== null) {
      exchange.response.shouldKeepAlive = false
      return exchange.refuse(wrong.error, wrong.message, '', wrong.status)
    }
    if (crossOrigin.refuses(headers)) return exchange.refuse(ERROR.ORIGIN_REFUSED)
    crossOrigin.addLines(headers, head.others)
    exchange.settleLines()
    if (exchange.expectsElse) {
      // Whether the body will come, nobody knows.
      exchange.response.shouldKeepAlive = false
      return exchange.refuse(
        ERROR.BAD_REQUEST,
        'the only expectation is 100-continue',
        '',
        EXPECTATION_FAILED,
      )
    }
    if (request.method === 'OPTIONS' && crossOrigin.answersOptions) {
      crossOrigin.addPreflightLines(headers, head.others)
      return exchange.finish(NO_CONTENT)
    }
    this.#serve(exchange)
  }

  #serve(exchange: Exchange): void {
    const { request } = exchange
    const method = request.method ?? ''
    const target = readTarget(request.url ?? '')
    if (target.kind === 'own') return this.#serveOwn(exchange, target.path, target.query)
    const kind = KINDS[method]
    if (kind === undefined) return refuseMethod(exchange, METHODS, null)
    if (kind === KIND.get) exchange.head.vary = varyOf(true, this.crossOrigin.dependsOnOrigin)
    if (target.kind === 'error') return exchange.refuse(target.error, target.message)
    const refusal = this.#admit(exchange, kind)
    if (refusal !== ERROR.NONE) return exchange.refuse(refusal)
    if (kind === KIND.get) new ValueRead(exchange, target.key).start()
    else new ValueWrite(exchange, kind, target.key).start()
  }

  #serveOwn(exchange: Exchange, path: string, query: string): void {
    const { method } = exchange.request
    if (path === PEER_TARGET || path === PEER_VALUE_TARGET) {
      if (method !== 'POST') return refuseMethod(exchange, 'POST', 'members send batches here')
      return new PeerPost(exchange, path).start(this.#isTrusted(exchange))
    }
    if (path === ADMIN.layout || path === ADMIN.settle) return this.#serveAdmin(exchange, path)
    const isKnown = Object.values<string>(OWN).includes(path)
    if (isKnown && method !== 'GET' && method !== 'HEAD') {
      return refuseMethod(exchange, 'GET, HEAD', 'a key of this name needs one byte percent-encoded')
    }
    if (path !== OWN.keys) return giveOwn(exchange, path)
    const refusal = this.#admit(exchange, KIND.scan)
    if (refusal === ERROR.NONE) new Listing(exchange).start(query)
    else exchange.refuse(refusal)
  }

  #serveAdmin(exchange: Exchange, path: string): void {
    const method = exchange.request.method ?? ''
    const allowed = path === ADMIN.layout ? ['GET', 'HEAD', 'POST'] : ['POST']
    if (allowed.includes(method)) new AdminExchange(exchange, path).start(this.#isTrusted(exchange))
    else refuseMethod(exchange, allowed.join(', '), null)
  }

  /** Where the node has a key, it is shown. */
  #isTrusted(exchange: Exchange): boolean {
    return this.#context.admission.credentials === null || this.#isProved(exchange)
  }

  #admit(exchange: Exchange, kind: Kind): ErrorNumber {
    return this.#context.admission.refuse(kind, this.#isProved(exchange))
  }

  /** It shows the key of the node. */
  #isProved({ headers }: Exchange): boolean {
    const { credentials } = this.#context.admission
    const shown = credentials === null ? null : /^Bearer +(.*)$/i.exec(headers.authorization ?? '')
    return shown !== null && credentials!.matches(Buffer.from(shown[1]!, 'latin1'))
  }
}

function refuseMethod(exchange: Exchange, allowed: string, message: string | null): void {
  exchange.head.others.push('Allow', allowed)
  exchange.settleLines()
  exchange.refuse(ERROR.METHOD_NOT_ALLOWED, message)
}
