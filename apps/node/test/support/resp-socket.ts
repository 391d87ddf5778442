/** A raw connection to a door that speaks the Redis protocol: bytes out, whole replies back. */
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeRespRequest } from '@minivault/protocol'
import { type ReadReply, readRespReplies } from '@minivault/protocol/testing'

type Word = string | Uint8Array

/** As clients send it. */
export function request(...words: Word[]): Buffer {
  return Buffer.from(
    encodeRespRequest(words.map((word) => (typeof word === 'string' ? Buffer.from(word) : word))),
  )
}

export class RespSocket {
  readonly socket: net.Socket
  isEnded = false
  #pieces: Buffer[] = []
  #wake: () => void = () => {}

  static async open(port: number): Promise<RespSocket> {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return new RespSocket(socket)
  }

  private constructor(socket: net.Socket) {
    this.socket = socket
    const end = () => {
      this.isEnded = true
      this.#wake()
    }
    socket
      .on('error', () => {})
      .on('end', end)
      .on('close', end)
    socket.on('data', (piece) => {
      this.#pieces.push(piece)
      this.#wake()
    })
  }

  send(...bytes: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(bytes))
  }

  /** The next `count` replies; fewer where the node has ended before. */
  async replies(count: number): Promise<ReadReply[]> {
    for (let reading = this.#read(); ; reading = this.#read()) {
      if (reading.replies.length > count) throw new Error(`${reading.replies.length} replies for ${count}`)
      if (reading.replies.length === count || this.isEnded) {
        this.#pieces = []
        return reading.replies
      }
      await this.#more()
    }
  }

  /** Bytes as they stand on the wire, until the node ends its side. */
  async rest(): Promise<string> {
    while (!this.isEnded) await this.#more()
    return Buffer.concat(this.#pieces).toString('latin1')
  }

  async ask(...words: Word[]): Promise<ReadReply | undefined> {
    this.send(request(...words))
    return (await this.replies(1))[0]
  }

  close(): void {
    this.socket.destroy()
  }

  #read() {
    return readRespReplies(Buffer.concat(this.#pieces))
  }

  #more(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }
}

/** All that comes back for these bytes, sent in pieces of these sizes in turn; then our side is ended. */
export async function told(port: number, bytes: Uint8Array, sizes: readonly number[]): Promise<string> {
  const connection = await RespSocket.open(port)
  for (let at = 0, piece = 0; at < bytes.length && !connection.isEnded; piece++) {
    const size = sizes[piece % sizes.length]!
    connection.send(bytes.subarray(at, at + size))
    at += size
    await sleep(1)
  }
  connection.socket.end()
  const answer = await connection.rest()
  connection.close()
  return answer
}
