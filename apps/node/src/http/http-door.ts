/**
 * HTTP, spoken by `node:http`: the documented table plus `/health`, `/-/livez` and `/-/readyz`. One server
 * object serves the port of its own (`-http`) and every connection of the main port whose first byte was a
 * letter; those are handed over with the bytes already read.
 */
import http from 'node:http'
import type { Socket } from 'node:net'
import { ERROR, type ErrorNumber, errorKind } from '@minivault/protocol'
import { KIND, type Kind } from '../key-value.ts'
import {
  HTTP_HEADER_BYTES_MAX,
  HTTP_HEADERS_TIMEOUT_MS,
  HTTP_PIPELINE_MAX,
  HTTP_REQUEST_TIMEOUT_MS,
  OPERATION_TIMEOUT_MS,
} from '../limits.ts'
import { Exchange, type ExchangeContext } from './exchange.ts'
import { errorBody } from './reply-body.ts'
import { OWN, readTarget } from './target.ts'

const KINDS: Readonly<Record<string, Kind>> = {
  GET: KIND.get,
  PUT: KIND.set,
  POST: KIND.create,
  DELETE: KIND.delete,
}

export interface HttpDoorOptions extends Omit<ExchangeContext, 'waiting'> {
  /** Whether new requests are welcome: false from the first signal on. */
  isReady: () => boolean
}

export class HttpDoor {
  readonly server: http.Server
  readonly #context: ExchangeContext
  readonly #isReady: () => boolean
  /**
   * The newest response of each connection: pipelined requests take effect in their order, so each waits for
   * the one before.
   */
  readonly #newest = new WeakMap<Socket, http.ServerResponse>()
  readonly #pipelined = new WeakMap<Socket, number>()

  constructor(options: HttpDoorOptions) {
    this.#context = { ...options, waiting: new Set() }
    this.#isReady = options.isReady
    this.server = http.createServer(
      {
        maxHeaderSize: HTTP_HEADER_BYTES_MAX,
        headersTimeout: HTTP_HEADERS_TIMEOUT_MS,
        requestTimeout: HTTP_REQUEST_TIMEOUT_MS,
        keepAlive: true,
        noDelay: true,
      },
      (request, response) => this.#inOrder(request, response),
    )
    // A client may end its side once its request is out: it still gets its reply.
    ;(this.server as { httpAllowHalfOpen?: boolean }).httpAllowHalfOpen = true
    this.server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
      refuseMalformed(error, socket as Socket),
    )
  }

  /**
   * Time-outs are checked only by a server that listens; this one may serve nothing but adopted connections,
   * so it is told that it does.
   */
  startTimeouts(): void {
    if (!this.server.listening) this.server.emit('listening')
  }

  /** Takes over a connection of the main port with the bytes that were read to tell its protocol. */
  adopt(socket: Socket, firstBytes: Buffer): void {
    this.server.emit('connection', socket)
    socket.unshift(firstBytes)
    socket.resume()
  }

  get waiting(): number {
    return this.#context.waiting.size
  }

  sweep(): void {
    const expired = this.#context.now() - OPERATION_TIMEOUT_MS
    for (const exchange of this.#context.waiting) if (exchange.since < expired) exchange.expire()
  }

  #inOrder(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { socket } = request
    const before = this.#newest.get(socket)
    const waiting = (this.#pipelined.get(socket) ?? 0) + 1
    if (waiting > HTTP_PIPELINE_MAX) {
      socket.destroy()
      return
    }
    this.#pipelined.set(socket, waiting)
    response.once('close', () => this.#pipelined.set(socket, this.#pipelined.get(socket)! - 1))
    this.#newest.set(socket, response)
    if (before === undefined || before.closed) this.#serve(request, response)
    else before.once('close', () => this.#serve(request, response))
  }

  #serve(request: http.IncomingMessage, response: http.ServerResponse): void {
    const target = readTarget(request.url ?? '')
    if (target.kind === 'own') return this.#serveOwn(target.path, request, response)
    const kind = KINDS[request.method ?? '']
    const key = target.kind === 'key' ? target.key : Buffer.alloc(0)
    const exchange = new Exchange(this.#context, request, response, kind ?? KIND.get, key)
    if (kind === undefined) {
      response.setHeader('Allow', 'GET, PUT, POST, DELETE')
      return exchange.refuse(ERROR.METHOD_NOT_ALLOWED, null)
    }
    if (target.kind === 'error') return exchange.refuse(target.error, target.message)
    exchange.start(this.#isAuthenticated(request))
  }

  #isAuthenticated(request: http.IncomingMessage): boolean {
    const { credentials } = this.#context.admission
    const shown = /^Bearer +(.*)$/i.exec(request.headers.authorization ?? '')
    return credentials !== null && shown !== null && credentials.matches(Buffer.from(shown[1]!, 'latin1'))
  }

  #serveOwn(path: string, request: http.IncomingMessage, response: http.ServerResponse): void {
    request.resume()
    if (path !== OWN.health && path !== OWN.livez && path !== OWN.readyz) {
      return sendError(
        response,
        ERROR.NOT_FOUND,
        `${path} is not served; a key of this name needs one byte percent-encoded`,
      )
    }
    if (request.method !== 'GET') {
      response.setHeader('Allow', 'GET')
      return sendError(
        response,
        ERROR.METHOD_NOT_ALLOWED,
        'a key of this name needs one byte percent-encoded',
      )
    }
    if (path === OWN.health) return send(response, 200, Buffer.from(this.#context.health()))
    if (path === OWN.readyz && !this.#isReady()) return sendError(response, ERROR.SHUTTING_DOWN, null)
    send(response, 200, Buffer.from('{"success":true}'))
  }
}

function send(response: http.ServerResponse, status: number, body: Buffer): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length })
  response.end(body)
}

function sendError(response: http.ServerResponse, error: ErrorNumber, message: string | null): void {
  send(response, errorKind(error).httpStatus, errorBody(error, message))
}

/**
 * What `node:http` could not read: too long a head is 431, silence 408, anything else 400; then the end.
 */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, number] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', ERROR.KEY_LENGTH]
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', ERROR.TIMEOUT]
        : ['400 Bad Request', ERROR.BAD_REQUEST]
  const body = errorBody(
    number as ErrorNumber,
    number === ERROR.TIMEOUT ? 'the request did not arrive in time' : null,
  )
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body.toString()}`,
  )
}
