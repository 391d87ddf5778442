/** How a connection of ours to a peer begins: HELLO with our name, AUTH where there is a key. */
import { randomBytes } from 'node:crypto'
import {
  authProof,
  decodeHelloReply,
  ERROR,
  type ErrorNumber,
  encodeFrameRequest,
  encodeHello,
  errorKind,
  FRAME_OPCODE,
  type FrameReply,
  FrameRequest,
  frameRequestBytes,
  NONCE_BYTES,
} from '@minivault/protocol'

const EMPTY = new Uint8Array(0)

/** The other side has refused. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
  readonly error: ErrorNumber

  constructor(reply: FrameReply, bytes: Uint8Array) {
    super(wordsIn(reply, bytes))
    this.error = reply.error as ErrorNumber
  }
}

export class Opening {
  /** Of whoever answers. */
  nodeId = ''
  /** So many frames were made: the next one has this id. */
  frames = 0
  readonly #ownName: string
  readonly #authKey: string | null
  readonly #nonce = randomBytes(NONCE_BYTES)

  constructor(ownName: string, authKey: string | null) {
    this.#ownName = ownName
    this.#authKey = authKey
  }

  /** The first frame. */
  hello(): Uint8Array {
    return this.#frame(FRAME_OPCODE.hello, Buffer.from(this.#ownName, 'latin1'), encodeHello(this.#nonce))
  }

  /** The next frame; null: it is open. Throws RefusedError, ProtocolError. */
  hear(reply: FrameReply, bytes: Uint8Array): Uint8Array | null {
    if (reply.error !== ERROR.NONE) throw new RefusedError(reply, bytes)
    if (reply.opcode === FRAME_OPCODE.auth) return null
    const hello = decodeHelloReply(bytes.subarray(reply.valueStart, reply.valueEnd))
    this.nodeId = Buffer.from(hello.nodeId).toString('hex')
    if (this.#authKey === null) return null
    const proof = authProof(Buffer.from(this.#authKey), hello.nonce, this.#nonce)
    return this.#frame(FRAME_OPCODE.auth, EMPTY, proof)
  }

  #frame(opcode: number, key: Uint8Array, value: Uint8Array): Uint8Array {
    const frame = new Uint8Array(frameRequestBytes(key.length, value.length))
    const request = new FrameRequest().begin(opcode, this.frames++)
    encodeFrameRequest(request, key, value, 0, value.length, frame, 0)
    return frame
  }
}

export function wordsIn(reply: FrameReply, bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes.subarray(reply.valueStart, reply.valueEnd))
  return `${errorKind(reply.error).name}: ${text}`
}
