/**
 * One connection to etcd: every request of a batch is a stream of its own, all of them on their way at once.
 * A reply is three frames (HEADERS, DATA, HEADERS). The header blocks must be those that the last
 * greeting had, and the message must hold a value of the right length; anything else ends the run.
 *
 * The frames are taken where they were read; only what a read has cut is put together.
 */
import { connect, type Socket } from 'node:net'
import type { ConnectionOwner, LoadConnection } from '../load-connection.ts'
import { greetings, LAST_GREETING_STREAM } from './etcd-requests.ts'
import {
  FLAG_ACK,
  FLAG_END_STREAM,
  FRAME,
  FRAME_HEAD_BYTES,
  FRAME_STREAM_AT,
  frame,
  OWN_WINDOW_USED_BYTES,
  WINDOW_BYTES,
  wider,
} from './http2-frames.ts'

const GRPC_HEAD_BYTES = 5
const SHOWN_LENGTH = 120

export class EtcdConnection implements LoadConnection {
  owner: ConnectionOwner | null = null
  sentMs = 0
  requestCount = 0
  readonly #socket: Socket
  readonly #onOpen: () => void
  #isOpen = false
  #waiting = 0
  #operation = 0
  #stream = LAST_GREETING_STREAM + 2
  readonly #greetings: Buffer[]
  /** What the last read had of a frame that it did not end. */
  #rest: Buffer | null = null
  #replyHeaders: Buffer | null = null
  #replyTrailers: Buffer | null = null
  #sendWindow = WINDOW_BYTES
  #received = 0

  private constructor(host: string, port: number, buffer: Buffer, onOpen: (failure?: Error) => void) {
    this.#onOpen = onOpen
    this.#greetings = greetings(host, port)
    const onread = { buffer, callback: (length: number) => this.#read(buffer.subarray(0, length)) }
    this.#socket = connect({ host, port, noDelay: true, onread })
    const lost = (reason: string) => {
      this.owner?.fail(reason)
      onOpen(new Error(reason))
    }
    this.#socket.once('connect', () => this.#greet())
    this.#socket.on('error', (error) => lost(`a connection failed: ${error.message}`))
    this.#socket.on('close', () => lost('the server closed a connection'))
  }

  /** Resolves when the greeting was answered. */
  static open(host: string, port: number, buffer: Buffer): Promise<EtcdConnection> {
    return new Promise((resolve, reject) => {
      const connection: EtcdConnection = new EtcdConnection(host, port, buffer, (failure) => {
        if (failure) reject(failure)
        else resolve(connection)
      })
    })
  }

  send(batch: Buffer, firstRequest: number, requestCount: number, nowMs: number): void {
    this.requestCount = requestCount
    this.#waiting = requestCount
    // All requests of a run are of one kind: the streams of a batch are answered in any order.
    this.#operation = this.owner!.operations[firstRequest]!
    this.sentMs = nowMs
    for (let at = 0; at < batch.length; ) {
      const length = batch.readUIntBE(at, 3)
      batch.writeUInt32BE(this.#stream, at + FRAME_STREAM_AT)
      if (batch[at + 3] === FRAME.data) {
        this.#stream += 2
        this.#sendWindow -= length
      }
      at += FRAME_HEAD_BYTES + length
    }
    if (this.#sendWindow < 0) this.owner!.fail('a batch is larger than etcd takes at once: --pipeline')
    this.#socket.write(batch)
  }

  close(): void {
    this.owner = null
    this.#socket.destroy()
  }

  #read(bytes: Buffer): boolean {
    const all = this.#rest === null ? bytes : Buffer.concat([this.#rest, bytes])
    let at = 0
    while (all.length - at >= FRAME_HEAD_BYTES) {
      const end = at + FRAME_HEAD_BYTES + all.readUIntBE(at, 3)
      if (end > all.length) break
      this.#take(all, at, end)
      at = end
    }
    this.#rest = at === all.length ? null : Buffer.from(all.subarray(at))
    return true
  }

  #take(bytes: Buffer, at: number, end: number): void {
    const flags = bytes[at + 4]!
    const start = at + FRAME_HEAD_BYTES
    switch (bytes[at + 3]) {
      case FRAME.data:
        return this.#takeMessage(bytes, start, end)
      case FRAME.headers: {
        const stream = bytes.readUInt32BE(at + FRAME_STREAM_AT)
        return this.#takeHeaders(bytes.subarray(start, end), stream, (flags & FLAG_END_STREAM) !== 0)
      }
      case FRAME.settings:
        if ((flags & FLAG_ACK) === 0) this.#socket.write(frame(FRAME.settings, FLAG_ACK, 0, Buffer.alloc(0)))
        return
      case FRAME.ping:
        // Its payload has to come back; etcd measures the round trip by it.
        if ((flags & FLAG_ACK) === 0)
          this.#socket.write(frame(FRAME.ping, FLAG_ACK, 0, bytes.subarray(start, end)))
        return
      case FRAME.window:
        if (bytes.readUInt32BE(at + FRAME_STREAM_AT) === 0) this.#sendWindow += bytes.readUInt32BE(start)
        return
      case FRAME.reset:
      case FRAME.goAway:
        return this.#fail('etcd ended a stream or the connection', bytes.subarray(start, end))
    }
  }

  #takeMessage(bytes: Buffer, start: number, end: number): void {
    this.#received += end - start
    if (this.#received >= OWN_WINDOW_USED_BYTES) {
      this.#socket.write(wider(this.#received))
      this.#received = 0
    }
    if (!this.#isOpen || this.owner === null) return
    const { head, bytes: fromEnd } = this.owner.expected[this.#operation]!
    const at = end - fromEnd
    if (at < start + GRPC_HEAD_BYTES) return this.#fail('no value', bytes.subarray(start, end))
    for (let index = 0; index < head.length; index++) {
      if (bytes[at + index] !== head[index]) return this.#fail('another value', bytes.subarray(start, end))
    }
  }

  #takeHeaders(block: Buffer, stream: number, isEnd: boolean): void {
    if (!this.#isOpen) return this.#learn(block, stream, isEnd)
    const known = isEnd ? this.#replyTrailers : this.#replyHeaders
    if (!known!.equals(block)) return this.#fail('an error', block)
    if (!isEnd || this.owner === null) return
    if (--this.#waiting === 0) this.owner.onBatchDone(this)
    else if (this.#waiting < 0) this.owner.fail('more replies came than requests were sent')
  }

  #greet(): void {
    this.#socket.write(this.#greetings.shift()!)
  }

  /** An error comes without HEADERS of its own before the trailers. */
  #learn(block: Buffer, stream: number, isEnd: boolean): void {
    if (!isEnd) {
      this.#replyHeaders = Buffer.from(block)
      return
    }
    if (this.#replyHeaders === null) return this.#fail('the greeting was answered with an error', block)
    if (stream !== LAST_GREETING_STREAM) {
      this.#replyHeaders = null
      return this.#greet()
    }
    this.#replyTrailers = Buffer.from(block)
    this.#isOpen = true
    this.#onOpen()
  }

  #fail(reason: string, bytes: Buffer): void {
    const words = readable(bytes)
    this.owner?.fail(`etcd: ${reason}: ${words}`)
    if (!this.#isOpen) this.#socket.destroy(new Error(`etcd: ${reason}: ${words}`))
  }
}

/** What people can read of it. */
export function readable(bytes: Buffer): string {
  const letters = bytes.toString('latin1').replace(/[^ -~]+/g, ' ')
  return letters.trim().slice(0, SHOWN_LENGTH)
}
