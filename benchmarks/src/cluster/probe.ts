/**
 * Asks one member by hand over the frame form, several requests at a time, and hears what it says: which
 * value it shows at level `one`, that is, what it holds itself. Keys have the generator's form.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { BenchmarkError } from '../benchmark-error.ts'
import { frames, framesOfOne, framesOfQuorum } from '../load/frame-language.ts'
import { keyName, type Operation } from '../load/language.ts'
import { HOST } from '../servers/server.ts'

const REPLY_HEAD_BYTES = 40
const OUTCOME_AT = 2
const LENGTH_AT = 4
const OUTCOME = { ok: 0, no: 1 } as const

export class Probe {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  /** Of the requests that wait for their replies, in order. */
  #waiting: { resolve: (reply: Buffer) => void; reject: (error: Error) => void }[] = []

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes) => this.#take(bytes))
    const lost = () => {
      const error = new BenchmarkError('BENCH_INVALID', 'a member closed the connection')
      for (const { reject } of this.#waiting) reject(error)
      this.#waiting = []
    }
    socket.on('error', lost)
    socket.on('close', lost)
  }

  static async open(port: number): Promise<Probe> {
    const socket = connect({ host: HOST, port, noDelay: true })
    await once(socket, 'connect')
    const probe = new Probe(socket)
    const { request, isAnswered } = frames.greeting!
    const reply = await probe.#ask(request)
    isAnswered(reply)
    return probe
  }

  /** At level `quorum`; resolves when it is acknowledged. */
  async set(key: number, value: Buffer): Promise<void> {
    const bytes = Buffer.alloc(framesOfQuorum.requestBytes('set', value.length))
    framesOfQuorum.writeRequest('set', bytes, 0, keyName(key), value.length)
    value.copy(bytes, bytes.length - value.length)
    this.#expect('set', await this.#ask(bytes))
  }

  /** What this member holds itself; null: nothing. */
  async get(key: number): Promise<Buffer | null> {
    const bytes = Buffer.alloc(framesOfOne.requestBytes('get', 0))
    framesOfOne.writeRequest('get', bytes, 0, keyName(key), 0)
    const reply = await this.#ask(bytes)
    if (reply[OUTCOME_AT] === OUTCOME.no) return null
    this.#expect('get', reply)
    return reply.subarray(REPLY_HEAD_BYTES)
  }

  close(): void {
    this.#socket.destroy()
  }

  #expect(operation: Operation, reply: Buffer): void {
    if (reply[OUTCOME_AT] === OUTCOME.ok) return
    throw new BenchmarkError('BENCH_INVALID', `${operation} was answered with ${frames.explain(reply)}`)
  }

  #ask(request: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#socket.write(request)
    })
  }

  #take(bytes: Buffer): void {
    let rest = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes])
    while (rest.length > LENGTH_AT + 4) {
      const length = rest.readUInt32LE(LENGTH_AT)
      if (rest.length < length) break
      this.#waiting.shift()?.resolve(rest.subarray(0, length))
      rest = rest.subarray(length)
    }
    this.#received = rest
  }
}
