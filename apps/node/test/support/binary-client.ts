/** A plain client of the documented binary protocol, written from the published table alone. */
import net from 'node:net'

export interface Reply {
  status: number
  data: Buffer
}

export const get = (key: string | Buffer) => keyed(0x01, key)
export const remove = (key: string | Buffer) => keyed(0x03, key)
export const health = (key: string | Buffer = '') => keyed(0x05, key)
export const auth = (key: string) => keyed(0x06, key)

export function set(
  key: string | Buffer,
  value: string | Buffer,
  compressed = 0,
  announced?: number,
): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(5)
  length.writeUInt32LE(announced ?? bytes.length)
  length[4] = compressed
  return Buffer.concat([keyed(0x02, key), length, bytes])
}

export function keyed(opcode: number, key: string | Buffer): Buffer {
  const bytes = Buffer.from(key)
  const head = Buffer.alloc(3)
  head[0] = opcode
  head.writeUInt16LE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

export class BinaryClient {
  readonly socket: net.Socket
  #bytes = Buffer.alloc(0)
  #pieces: Buffer[] = []
  #received = 0
  #waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = []
  readonly closed: Promise<void>

  constructor(port: number) {
    this.socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket.on('error', () => {})
    this.closed = new Promise((resolve) =>
      this.socket.on('close', () => {
        for (const { reject } of this.#waiting) reject(new Error('connection closed'))
        resolve()
      }),
    )
    this.socket.on('data', (bytes) => {
      this.#pieces.push(bytes)
      this.#received += bytes.length
      if (this.#bytes.length + this.#received < this.#needed()) return
      this.#bytes = Buffer.concat([this.#bytes, ...this.#pieces])
      this.#pieces = []
      this.#received = 0
      this.#deliver()
    })
  }

  /** Bytes of the reply at the front: a large one is put together once. */
  #needed(): number {
    return this.#bytes.length < 5 ? 5 : 5 + this.#bytes.readUInt32LE(1)
  }

  #deliver(): void {
    while (this.#bytes.length >= 5 && this.#waiting.length > 0) {
      const length = this.#bytes.readUInt32LE(1)
      if (this.#bytes.length < 5 + length) return
      const reply = { status: this.#bytes[0]!, data: Buffer.from(this.#bytes.subarray(5, 5 + length)) }
      this.#bytes = this.#bytes.subarray(5 + length)
      this.#waiting.shift()!.resolve(reply)
    }
  }

  /** Bytes that came without having been asked for. */
  get unread(): number {
    return this.#bytes.length
  }

  expect(count: number): Promise<Reply[]> {
    const replies: Promise<Reply>[] = []
    for (let index = 0; index < count; index++) {
      replies.push(new Promise((resolve, reject) => this.#waiting.push({ resolve, reject })))
    }
    const all = Promise.all(replies)
    this.#deliver()
    return all
  }

  async send(...requests: Buffer[]): Promise<Reply[]> {
    this.socket.write(Buffer.concat(requests))
    return this.expect(requests.length)
  }

  async one(request: Buffer): Promise<Reply> {
    return (await this.send(request))[0]!
  }

  close(): void {
    this.socket.destroy()
  }
}
