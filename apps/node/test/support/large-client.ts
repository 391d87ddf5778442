/** Sends and takes large values piece by piece, so that the test holds none of them either. */
import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CHUNK_BYTES,
  decodeFrameReply,
  encodeHello,
  FRAME_FLAG,
  FRAME_OPCODE,
  FrameReply,
} from '@minivault/protocol'
import { keyed } from './binary-client.ts'
import { type Asking, frameOf } from './frame-client.ts'

const BLOCK_BYTES = 1024 * 1024
const HELLO = encodeHello(Buffer.alloc(16, 7))

/** A value of any size that is not held: every MiB differs from the others, and by seed. */
export class Pattern {
  readonly size: number
  readonly #block = Buffer.allocUnsafe(BLOCK_BYTES)
  readonly #seed: number
  #index = -1

  constructor(size: number, seed: number) {
    this.size = size
    this.#seed = seed
    let state = seed * 2654435761 + 1
    for (let at = 0; at < BLOCK_BYTES; at += 4) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0
      this.#block.writeInt32LE(state, at)
    }
  }

  /** The bytes from `at` on, up to `length` or the end of a MiB; valid until the next call. */
  bytes(at: number, length: number): Buffer {
    const index = Math.floor(at / BLOCK_BYTES)
    if (index !== this.#index) {
      this.#index = index
      this.#block.writeUInt32LE(index * 7919 + this.#seed, 0)
      this.#block.writeUInt32LE(index ^ 0x5bd1e995, BLOCK_BYTES - 4)
    }
    const from = at % BLOCK_BYTES
    return this.#block.subarray(from, Math.min(from + length, BLOCK_BYTES, from + this.size - at))
  }

  /** Whether these bytes are the value's from `at` on. */
  matches(bytes: Buffer, at: number): boolean {
    for (let done = 0; done < bytes.length; ) {
      const expected = this.bytes(at + done, bytes.length - done)
      if (expected.length === 0) return false
      if (!expected.equals(bytes.subarray(done, done + expected.length))) return false
      done += expected.length
    }
    return true
  }

  whole(): Buffer {
    const value = Buffer.alloc(this.size)
    for (let at = 0; at < this.size; ) at += this.bytes(at, BLOCK_BYTES).copy(value, at)
    return value
  }
}

export async function connect(port: number): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** Writes, and waits as the socket asks for it. False: the connection has closed. */
export async function push(socket: net.Socket, bytes: Uint8Array): Promise<boolean> {
  if (socket.destroyed) return false
  // The source's memory is used again.
  if (!socket.write(Buffer.from(bytes))) {
    await new Promise<void>((resolve) => {
      const go = () => {
        socket.off('drain', go)
        socket.off('close', go)
        resolve()
      }
      socket.on('drain', go)
      socket.on('close', go)
    })
  }
  return !socket.destroyed
}

export function documentedSetHead(key: string, size: number): Buffer {
  const length = Buffer.alloc(5)
  length.writeUInt32LE(size)
  return Buffer.concat([keyed(0x02, key), length])
}

export interface PushOptions {
  /** Stops before this many bytes. */
  until?: number
  pieceBytes?: number
  /** Before each piece. */
  pauseMs?: number
}

/** The value of a documented SET whose head was sent. */
export async function pushValue(
  socket: net.Socket,
  value: Pattern,
  options: PushOptions = {},
): Promise<void> {
  const { until = value.size, pieceBytes = 256 * 1024, pauseMs = 0 } = options
  for (let at = 0; at < until; ) {
    if (pauseMs > 0) await sleep(pauseMs)
    const bytes = value.bytes(at, Math.min(pieceBytes, until - at))
    at += bytes.length
    if (!(await push(socket, bytes))) return
  }
}

export async function greet(socket: net.Socket): Promise<void> {
  socket.write(frameOf(FRAME_OPCODE.hello, { value: HELLO }, 1))
  await once(socket, 'data')
}

/** The chunks of a SET in the frame form. */
export async function pushChunks(
  socket: net.Socket,
  key: string,
  value: Pattern,
  asking: Asking & { frameId: number },
  options: PushOptions = {},
): Promise<void> {
  const { until = value.size, pauseMs = 0 } = options
  for (let at = 0; at < until; ) {
    if (pauseMs > 0) await sleep(pauseMs)
    const bytes = value.bytes(at, CHUNK_BYTES)
    const isLast = at + bytes.length === value.size
    const flags = (asking.flags ?? 0) | FRAME_FLAG.chunk | (isLast ? 0 : FRAME_FLAG.more)
    const chunk = { ...asking, key: at === 0 ? key : '', value: bytes, flags }
    const place = { totalBytes: value.size, chunkOffset: at }
    if (!(await push(socket, frameOf(FRAME_OPCODE.set, { ...chunk, ...place }, asking.frameId)))) return
    at += bytes.length
  }
}

/** Takes bytes as they come, and hands them on to whoever asks; `pauseMs` between reads makes it slow. */
export class Taker {
  readonly socket: net.Socket
  readonly closed: Promise<void>
  #rest: Buffer = Buffer.alloc(0)
  #isClosed = false
  #wake: (() => void) | null = null

  constructor(socket: net.Socket) {
    this.socket = socket
    socket.pause()
    socket.on('readable', () => this.#wake?.())
    this.closed = new Promise((resolve) =>
      socket.on('close', () => {
        this.#isClosed = true
        this.#wake?.()
        resolve()
      }),
    )
    socket.on('end', () => {
      this.#isClosed = true
      this.#wake?.()
    })
  }

  /** Some bytes, at most so many; empty: the connection has ended. */
  async some(most: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const read = this.socket.read() as Buffer | null
      if (read !== null) this.#rest = read
      else if (this.#isClosed) return this.#rest
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
    const taken = this.#rest.subarray(0, most)
    this.#rest = this.#rest.subarray(most)
    return taken
  }

  async exactly(length: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for (let have = 0; have < length; ) {
      const part = await this.some(length - have)
      if (part.length === 0) throw new Error(`the connection ended after ${have} of ${length} bytes`)
      parts.push(part)
      have += part.length
    }
    return Buffer.concat(parts)
  }

  /** Reads a value of the documented form; its head is still to come. How many bytes of it were right. */
  async value(expected: Pattern, pauseMs = 0): Promise<number> {
    const head = await this.exactly(5)
    if (head[0] !== 0) return -1
    const size = head.readUInt32LE(1)
    let at = 0
    while (at < size) {
      if (pauseMs > 0) await sleep(pauseMs)
      const part = await this.some(Math.min(size - at, 64 * 1024))
      if (part.length === 0) break
      if (!expected.matches(part, at)) return -2
      at += part.length
    }
    return at
  }

  /** The next frame. */
  async frame(): Promise<{ reply: FrameReply; value: Buffer }> {
    const head = await this.exactly(40)
    const length = head.readUInt32LE(4)
    const frame = Buffer.concat([head, await this.exactly(length - head.length)])
    const reply = new FrameReply()
    decodeFrameReply(frame, 0, frame.length, reply)
    return { reply, value: frame.subarray(reply.valueStart, reply.valueEnd) }
  }
}
