/**
 * Replies as a plain client cuts them from its bytes, one reader for each form. They know nothing of the
 * product's own decoders but for frames.
 */
import { decodeFrameReply, ERROR, FRAME_FLAG, FrameReply } from '@minivault/protocol'
import { HttpReader } from './http-reader.ts'
import type { Form } from './requests.ts'
import { RespReader } from './resp-reader.ts'

export interface Reply {
  ok: boolean
  /** ERROR number; HTTP: the status; the documented form and RESP know only that there is one (-1). */
  error: number
  /** Of a value in chunks: the whole. RESP: the text of an error, too. */
  value: Buffer
  reply: FrameReply | null
}

export interface ReplyReader {
  /** Bytes there must be before it is worth another look. */
  readonly needed: number
  /** What `read` has found; null: a piece of a reply. */
  readonly found: Reply | null
  /** Bytes of the reply at `at`; 0: it is not all there. */
  read(bytes: Buffer, at: number): number
}

export function readerOf(form: Form): ReplyReader {
  switch (form) {
    case 'documented':
      return new DocumentedReader()
    case 'frame':
      return new FrameReader()
    case 'http':
      return new HttpReader()
    case 'resp':
      return new RespReader()
  }
}

class DocumentedReader implements ReplyReader {
  needed = 5
  found: Reply | null = null

  read(bytes: Buffer, at: number): number {
    const available = bytes.length - at
    this.needed = 5
    if (available < 5) return 0
    const length = bytes.readUInt32LE(at + 1)
    this.needed = 5 + length
    if (available < 5 + length) return 0
    const ok = bytes[at] === 0
    const value = Buffer.from(bytes.subarray(at + 5, at + 5 + length))
    this.found = { ok, error: ok ? ERROR.NONE : -1, value, reply: null }
    return 5 + length
  }
}

class FrameReader implements ReplyReader {
  needed = 1
  found: Reply | null = null
  #chunks: Buffer[] = []

  read(bytes: Buffer, at: number): number {
    const reply = new FrameReply()
    const consumed = decodeFrameReply(bytes, at, bytes.length, reply)
    this.needed = reply.needed
    this.found = null
    if (consumed < 0) throw new Error(`a reply that cannot be read (${consumed})`)
    if (consumed === 0) return 0
    this.#chunks.push(Buffer.from(bytes.subarray(reply.valueStart, reply.valueEnd)))
    const goesOn = (reply.flags & FRAME_FLAG.chunk) !== 0 && (reply.flags & FRAME_FLAG.more) !== 0
    if (goesOn) return consumed
    const value = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
    this.#chunks = []
    this.found = { ok: reply.error === ERROR.NONE, error: reply.error, value, reply }
    return consumed
  }
}
