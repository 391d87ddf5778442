/*
 * Opening a connection: TCP, HELLO, and AUTH where there is a token.
 *
 * A server that knows only the documented opcodes answers HELLO with 0xFF, closes, or says nothing; then a
 * new connection is made that begins with AUTH instead. That way the token crosses the wire in the clear,
 * which an attacker between could bring about: `protocol: 'frames'` rules it out.
 */

import type { Socket } from 'node:net'
import {
  authProof,
  DOCUMENTED_STATUS,
  decodeFrameReply,
  decodeHelloReply,
  ERROR,
  encodeFrameRequest,
  encodeHello,
  FRAME_OPCODE,
  FrameReply,
  FrameRequest,
  frameRequestBytes,
  type HelloReply,
  NONCE_BYTES,
} from '@minivault/protocol'
import type { Address } from './address.ts'
import { ClientError } from './client-error.ts'
import { DialedSocket, ignore } from './dialed-socket.ts'
import { disconnected, isOfTls } from './disconnected.ts'
import { EMPTY } from './request.ts'
import type { Secure } from './secure.ts'
import { randomBytes, type Time } from './time.ts'

export type ProtocolChoice = 'auto' | 'frames' | 'documented'

export interface HandshakeOptions {
  address: Address
  /** how to speak TLS; null: not at all */
  secure: Secure | null
  protocol: ProtocolChoice
  connectTimeoutMs: number
  helloTimeoutMs: number
  time: Time
  /** sees each socket as it is made, so that closing the client can end it */
  onSocket: (socket: Socket) => void
}

export interface Opened {
  dialed: DialedSocket
  /** null: the documented opcodes; AUTH has not been sent */
  hello: HelloReply | null
  /** the server said that it knows no HELLO, rather than nothing */
  isCertain: boolean
}

/** Throws ClientError CLIENT_DISCONNECTED, or one of FATAL. */
export async function openConnection(options: HandshakeOptions): Promise<Opened> {
  if (options.protocol === 'documented') {
    return { dialed: await openSocket(options), hello: null, isCertain: true }
  }
  const dialed = await openSocket(options)
  const dialog = new Dialog(dialed, options.time)
  try {
    const nonce = randomBytes(NONCE_BYTES)
    const patienceMs = options.protocol === 'auto' ? options.helloTimeoutMs : options.connectTimeoutMs
    const reply = await dialog.ask(FRAME_OPCODE.hello, encodeHello(nonce), patienceMs)
    // A server that is only slow must not be shown the token in clear, as the documented form would.
    const isShy = options.address.token !== '' || isOfTls(dialog.error)
    if (reply === 'silence' && isShy) throw disconnected(options.address, dialog.error)
    if (reply === 'unknown' || reply === 'silence')
      return await fallBack(options, dialog, reply === 'unknown')
    const hello = decodeHelloReply(reply)
    if (options.address.token !== '') {
      const proof = authProof(Buffer.from(options.address.token), hello.nonce, nonce)
      const answer = await dialog.ask(FRAME_OPCODE.auth, proof, options.connectTimeoutMs)
      if (typeof answer === 'string') throw disconnected(options.address, dialog.error)
    }
    dialog.release()
    return { dialed, hello, isCertain: true }
  } catch (error) {
    dialed.socket.destroy()
    if (error instanceof ClientError) throw error
    throw new ClientError('CLIENT_PROTOCOL', `the server's HELLO cannot be read`, { cause: error })
  }
}

async function fallBack(options: HandshakeOptions, dialog: Dialog, isCertain: boolean): Promise<Opened> {
  dialog.release()
  dialog.socket.destroy()
  if (options.protocol === 'frames') {
    if (!isCertain) throw disconnected(options.address, dialog.error)
    throw new ClientError('CLIENT_PROTOCOL', 'the server does not speak the frame form')
  }
  return { dialed: await openSocket(options), hello: null, isCertain }
}

function openSocket(options: HandshakeOptions): Promise<DialedSocket> {
  const { address, secure, time } = options
  return new Promise((resolve, reject) => {
    const dialed = new DialedSocket(address, secure)
    const { socket } = dialed
    options.onSocket(socket)
    let cause: Error | undefined
    const timer = time.after(options.connectTimeoutMs, () => {
      cause = new Error(`no connection within ${options.connectTimeoutMs} ms`)
      socket.destroy()
    })
    const onError = (error: Error) => (cause = error)
    const onClose = () => {
      time.cancel(timer)
      reject(disconnected(address, cause))
    }
    socket.on('error', onError)
    socket.once('close', onClose)
    socket.once(dialed.readyEvent, () => {
      time.cancel(timer)
      socket.off('close', onClose)
      resolve(dialed)
    })
  })
}

/** Question and answer before the connection is in use. */
class Dialog {
  readonly socket: Socket
  readonly #dialed: DialedSocket
  readonly #time: Time
  #bytes: Buffer = Buffer.alloc(0)
  #closed = false
  #wake: (() => void) | null = null
  error: Error | undefined

  constructor(dialed: DialedSocket, time: Time) {
    const { socket } = dialed
    this.socket = socket
    this.#dialed = dialed
    this.#time = time
    dialed.onBytes = (bytes) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes])
      this.#wake?.()
    }
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
  }

  readonly #onError = (error: Error): void => {
    this.error = error
  }

  readonly #onClose = (): void => {
    this.#closed = true
    this.#wake?.()
  }

  release(): void {
    this.#dialed.onBytes = ignore
    this.socket.off('close', this.#onClose)
  }

  /**
   * The value of the reply; `unknown`: a documented error; `silence`: nothing in time, or the connection
   * closed.
   */
  async ask(
    opcode: number,
    value: Uint8Array,
    timeoutMs: number,
  ): Promise<Uint8Array | 'unknown' | 'silence'> {
    const request = new FrameRequest().begin(opcode, 0)
    const frame = new Uint8Array(frameRequestBytes(0, value.length))
    encodeFrameRequest(request, EMPTY, value, 0, value.length, frame, 0)
    this.socket.write(frame)
    const reply = new FrameReply()
    let isLate = false
    const timer = this.#time.after(timeoutMs, () => {
      isLate = true
      this.#wake?.()
    })
    try {
      for (;;) {
        if (this.#bytes[0] === DOCUMENTED_STATUS.error) return 'unknown'
        const consumed = decodeFrameReply(this.#bytes, 0, this.#bytes.length, reply)
        if (consumed < 0) throw new ClientError('CLIENT_PROTOCOL', 'the server answered with something else')
        if (consumed > 0) return this.#take(reply, consumed)
        if (isLate || this.#closed) return 'silence'
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    } finally {
      this.#time.cancel(timer)
      this.#wake = null
    }
  }

  #take(reply: FrameReply, consumed: number): Uint8Array {
    const value = new Uint8Array(this.#bytes.subarray(reply.valueStart, reply.valueEnd))
    this.#bytes = this.#bytes.subarray(consumed)
    if (reply.error === ERROR.NONE) return value
    throw ClientError.fromServer(reply.error, new TextDecoder().decode(value))
  }
}
