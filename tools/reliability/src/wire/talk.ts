/**
 * One connection on which a stream is sent in pieces, and everything that comes back until the node has
 * closed it.
 */
import net from 'node:net'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { authProof, FRAME_OPCODE } from '@minivault/protocol'
import { readStream } from '@minivault/protocol/testing'
import { type BinaryForm, DOCUMENTED, documentedRequest, frameRequest, helloRequest } from './requests.ts'

/** A node that has not closed a connection by then, whose client has, keeps it. */
const END_TIMEOUT_MS = 20_000
const CLIENT_NONCE = Buffer.alloc(16, 7)
const SERVER_NONCE_AT = 24
/** After a piece the node is given time to read it alone: every time a turn, now and then a millisecond. */
const SLEEP_EVERY = 7

/** What the connection begins with: nothing, HELLO (documented: nothing), or that and the right key. */
export const BEGINNINGS = ['nothing', 'greeting', 'key'] as const
export type Beginning = (typeof BEGINNINGS)[number]

export interface TalkOptions {
  port: number
  form: BinaryForm
  beginning: Beginning
  /** Of the node, where it has one. */
  key: Buffer
}

/** In whatever language: the caller says everything. */
export interface PlainTalkOptions {
  port: number
  beginning: 'nothing'
}

export class Talk {
  readonly #socket: net.Socket
  readonly #pieces: Buffer[] = []
  readonly #closed: Promise<void>
  #heard: () => void = () => {}
  #received = 0

  private constructor(port: number) {
    this.#socket = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    this.#socket.on('error', () => {})
    this.#socket.on('data', (piece) => {
      this.#pieces.push(piece)
      this.#received += piece.length
      this.#heard()
    })
    // Its end is ours only when all is said.
    this.#closed = new Promise((resolve) => {
      this.#socket.on('end', resolve).on('close', () => resolve())
    })
  }

  static async begin(options: TalkOptions | PlainTalkOptions): Promise<Talk> {
    const talk = new Talk(options.port)
    if (options.beginning === 'nothing') return talk
    const { form, beginning, key } = options as TalkOptions
    if (form === 'documented') {
      if (beginning === 'key') await talk.#ask(documentedRequest({ opcode: DOCUMENTED.auth, key }), form)
      return talk
    }
    const reply = await talk.#ask(helloRequest(), form)
    if (beginning === 'greeting') return talk
    const serverNonce = Buffer.from(String(reply), 'latin1').subarray(SERVER_NONCE_AT, SERVER_NONCE_AT + 16)
    const value = authProof(key, serverNonce, CLIENT_NONCE)
    await talk.#ask(frameRequest({ opcode: FRAME_OPCODE.auth, value, frameId: 0 }), form)
    return talk
  }

  /** The value of the one reply. */
  async #ask(request: Buffer, form: BinaryForm): Promise<unknown> {
    this.#socket.write(request)
    for (;;) {
      const bytes = Buffer.concat(this.#pieces)
      const { messages } = readStream(form === 'frame' ? 'frameReply' : 'documentedReply', bytes)
      if (messages.length > 0) {
        this.#pieces.length = 0
        return messages[0]!['value']
      }
      if (this.#socket.destroyed) throw new Error('closed before the stream began')
      await new Promise<void>((resolve) => (this.#heard = resolve))
    }
  }

  /** Sends the bytes in pieces, then the end. Returns all that came back; null: the node does not close. */
  async send(bytes: Uint8Array, sizes: readonly number[]): Promise<Buffer | null> {
    for (let at = 0, turn = 0; at < bytes.length && this.#socket.writable; turn++) {
      const next = at + sizes[turn % sizes.length]!
      this.#socket.write(bytes.subarray(at, next))
      at = next
      if (at >= bytes.length) break
      if (turn % SLEEP_EVERY === 0) await sleep(1)
      else await setImmediate()
    }
    this.#socket.end()
    const timer = new AbortController()
    const late = sleep(END_TIMEOUT_MS, 'late', { signal: timer.signal }).catch(() => 'over')
    const first = await Promise.race([this.#closed, late])
    timer.abort()
    this.#socket.destroy()
    return first === 'late' ? null : Buffer.concat(this.#pieces)
  }
}
