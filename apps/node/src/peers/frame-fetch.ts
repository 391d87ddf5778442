/**
 * A large value fetched by PEER_VALUE over a connection of its own: what comes goes straight into the sink,
 * and the connection is not read from while that is full.
 */
import {
  decodeFrameReply,
  ERROR,
  encodeFrameRequest,
  FRAME_BYTES_MAX,
  FRAME_OPCODE,
  FRAME_REPLY_HEAD_BYTES,
  FrameReply,
  FrameRequest,
  frameRequestBytes,
} from '@minivault/protocol'
import type { ByteSocket, SocketListener } from '../door/byte-socket.ts'
import { type DialListener, dial, type PeerSecurity } from './dialling.ts'
import { Opening, RefusedError } from './opening.ts'
import type { ValueSink } from './value-sink.ts'

export interface FrameFetchParts {
  readonly member: string
  readonly ownName: string
  readonly authKey: string | null
  readonly security: PeerSecurity | null
  /** What is asked for, as PEER_VALUE takes it. */
  readonly reference: Uint8Array
  readonly bytes: number
}

const EMPTY = new Uint8Array(0)

export class FrameFetch implements SocketListener, DialListener {
  readonly #parts: FrameFetchParts
  readonly #sink: ValueSink
  readonly #opening: Opening
  readonly #giveUpDialling: () => void
  readonly #reply = new FrameReply()
  #socket: ByteSocket | null = null
  #isOpen = false
  #isOver = false
  #why = 'closed by the peer'
  /** Of a frame that has not come whole, and is not one of the value. */
  #rest: Uint8Array = EMPTY
  /** Bytes of the value in the frame that is coming. */
  #coming = 0

  constructor(parts: FrameFetchParts, sink: ValueSink) {
    this.#parts = parts
    this.#sink = sink
    this.#opening = new Opening(parts.ownName, parts.authKey)
    this.#giveUpDialling = dial(parts.member, parts.security, this, this)
    sink.onRoom = () => this.#socket?.resume()
    // Failed or not, nothing more is to come.
    sink.result.then(
      () => this.end(),
      () => this.end(),
    )
  }

  onOpen(socket: ByteSocket): void {
    this.#socket = socket
    if (this.#isOver) return socket.destroy()
    socket.write(this.#opening.hello())
  }

  onError(error: Error): void {
    this.#why = error.message
  }

  onFailed(): void {
    this.fail(this.#why)
  }

  receive(bytes: Uint8Array, from: number, end: number): void {
    let at = from
    while (at < end && !this.#isOver) {
      if (this.#coming === 0) at = this.#takeHead(bytes, at, end)
      else {
        const stop = Math.min(end, at + this.#coming)
        this.#coming -= stop - at
        this.#sink.write(bytes, at, stop)
        at = stop
      }
    }
    if (this.#sink.isFull) this.#socket?.pause()
  }

  /** Returns where to go on. */
  #takeHead(bytes: Uint8Array, start: number, end: number): number {
    const before = this.#rest.length
    const stop = Math.min(end, start + FRAME_REPLY_HEAD_BYTES + FRAME_BYTES_MAX)
    const all = before === 0 ? bytes : Buffer.concat([this.#rest, bytes.subarray(start, stop)])
    const at = before === 0 ? start : 0
    const reply = this.#reply
    const consumed = decodeFrameReply(all, at, before === 0 ? end : all.length, reply)
    if (consumed < 0) {
      this.fail('answers with something else')
      return end
    }
    const has = (before === 0 ? end : all.length) - at
    const isValue = has >= FRAME_REPLY_HEAD_BYTES && this.#isOpen && reply.error === ERROR.NONE
    if (isValue) {
      this.#rest = EMPTY
      this.#beginPiece()
      return start + FRAME_REPLY_HEAD_BYTES - before
    }
    if (consumed === 0) {
      this.#rest = new Uint8Array(before === 0 ? all.subarray(at, end) : all)
      return stop
    }
    this.#rest = EMPTY
    this.#hear(all)
    return start + consumed - before
  }

  #beginPiece(): void {
    const { opcode, valueStart, valueEnd, chunkOffset } = this.#reply
    this.#coming = valueEnd - valueStart
    const isNext = chunkOffset === this.#sink.received && this.#coming <= this.#sink.missing
    if (opcode !== FRAME_OPCODE.peerValue || !isNext || this.#coming === 0)
      this.fail('answers with something else')
  }

  #hear(bytes: Uint8Array): void {
    try {
      if (this.#isOpen) throw new RefusedError(this.#reply, bytes)
      const next = this.#opening.hear(this.#reply, bytes)
      this.#isOpen = next === null
      this.#socket!.write(next ?? this.#question())
    } catch (error) {
      this.fail((error as Error).message)
    }
  }

  #question(): Uint8Array {
    const { reference, bytes } = this.#parts
    const frame = new Uint8Array(frameRequestBytes(0, reference.length))
    const request = new FrameRequest().begin(FRAME_OPCODE.peerValue, this.#opening.frames)
    request.totalBytes = bytes
    encodeFrameRequest(request, EMPTY, reference, 0, reference.length, frame, 0)
    return frame
  }

  onDrained(): void {}

  onEnd(): void {
    this.fail(this.#why)
  }

  onClose(): void {
    this.fail(this.#why)
  }

  fail(why: string): void {
    if (this.#isOver || this.#sink.missing === 0) return
    this.#sink.fail(new Error(why))
    this.end()
  }

  end(): void {
    this.#isOver = true
    if (this.#socket === null) this.#giveUpDialling()
    else this.#socket.destroy()
  }
}
