/**
 * A client of one member over the frame form: requests by their ids, answers in any order, and what does not
 * come in time counts as not come. Dials again when it has to.
 */
import net, { type Socket } from 'node:net'
import { decodeFrameReply, FRAME_OPCODE, FrameReply } from '@minivault/protocol'
import { frameRequest, helloRequest, type Words } from '../wire/requests.ts'

export interface Called {
  readonly reply: FrameReply
  readonly value: Buffer
}

type Then = (called: Called | null) => void

export class FrameCaller {
  readonly #portOf: () => number
  readonly #waiting = new Map<number, Then>()
  #socket: Socket | null = null
  #bytes: Buffer = Buffer.alloc(0)
  #frameId = 0

  constructor(portOf: () => number) {
    this.#portOf = portOf
  }

  /** Null: no answer came, in time or at all. `onLate` gets one that comes later. */
  call(
    words: Words,
    patienceMs: number,
    onLate: (called: Called) => void = () => {},
  ): Promise<Called | null> {
    const socket = this.#socket ?? this.#dial()
    if (socket === null) return Promise.resolve(null)
    const frameId = ++this.#frameId
    return new Promise((resolve) => {
      let isLate = false
      const timer = setTimeout(() => {
        isLate = true
        resolve(null)
      }, patienceMs)
      this.#waiting.set(frameId, (called) => {
        clearTimeout(timer)
        if (!isLate) resolve(called)
        else if (called !== null) onLate(called)
      })
      socket.write(frameRequest({ ...words, frameId }))
    })
  }

  close(): void {
    this.#socket?.destroy()
  }

  #dial(): Socket | null {
    const port = this.#portOf()
    if (port === 0) return null
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket = socket
    this.#bytes = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', (bytes) => this.#take(bytes))
    socket.on('close', () => {
      if (this.#socket !== socket) return
      this.#socket = null
      const waiting = [...this.#waiting.values()]
      this.#waiting.clear()
      for (const then of waiting) then(null)
    })
    socket.write(helloRequest())
    return socket
  }

  #take(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes])
    let at = 0
    for (;;) {
      const reply = new FrameReply()
      const consumed = decodeFrameReply(this.#bytes, at, this.#bytes.length, reply)
      if (consumed < 0) throw new Error(`a reply that cannot be read (${consumed})`)
      if (consumed === 0) break
      at += consumed
      if (reply.opcode === FRAME_OPCODE.hello) continue
      const then = this.#waiting.get(reply.frameId)
      this.#waiting.delete(reply.frameId)
      then?.({ reply, value: Buffer.from(this.#bytes.subarray(reply.valueStart, reply.valueEnd)) })
    }
    this.#bytes = this.#bytes.subarray(at)
  }
}
