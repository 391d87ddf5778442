/*
 * The documented opcodes, for servers that do not answer HELLO. Replies come in request order and an error
 * says nothing more than that: an absent key, a key that must be shown first and a full disk look alike. So
 * each is CLIENT_REFUSED, never an `undefined` that claims to know the key is absent.
 */

import {
  DOCUMENTED_STATUS,
  DocumentedReply,
  decodeDocumentedReply,
  documentedSetHeader,
  encodeDocumentedRequest,
  FRAME_FLAG,
  OPCODE,
} from '@minivault/protocol'
import { ClientError, unsupported } from './client-error.ts'
import { COPY_BYTES_MAX } from './limits.ts'
import type { Outgoing } from './outgoing.ts'
import { EMPTY, KIND, type Request } from './request.ts'
import type { Wire } from './wire.ts'

const HEAD_BYTES = 8
const OPCODES: Readonly<Record<number, 1 | 3 | 5>> = {
  [KIND.get]: OPCODE.get,
  [KIND.delete]: OPCODE.delete,
  [KIND.health]: OPCODE.health,
}
const REFUSED: Readonly<Record<number, string>> = {
  [KIND.get]: 'the key is absent, or the read was refused',
  [KIND.set]: 'the write was refused',
  [KIND.delete]: 'the delete was refused',
  [KIND.health]: 'the health request was refused',
}

export class DocumentedWire implements Wire {
  readonly isRepeatable = false
  readonly #reply = new DocumentedReply()
  #unanswered: (Request | null)[] = []
  #first = 0
  #authError: ClientError | null = null

  get inFlight(): number {
    return this.#unanswered.length - this.#first
  }

  /** AUTH goes before everything else and its answer is awaited like any other. */
  authenticate(token: Uint8Array, out: Outgoing): void {
    out.reserve(HEAD_BYTES + token.length)
    out.wroteTo(encodeDocumentedRequest(OPCODE.auth, token, out.buffer, out.at))
    this.#unanswered.push(null)
  }

  write(request: Request, out: Outgoing): void {
    const { key, value, kind } = request
    const what = request.has(FRAME_FLAG.ifAbsent) ? 'ifAbsent' : request.beyondOpcodes
    if (what !== '') {
      request.reject(unsupported('the documented opcodes', what))
      return
    }
    if (request.isWrite && request.attempt > 0) {
      // It left before as a frame, under an id that is not told here: it might take effect twice.
      const said = 'the connection failed, and the server no longer takes what says that it is sent again'
      request.reject(new ClientError('CLIENT_DISCONNECTED', said, { retryable: true, inDoubt: true }))
      return
    }
    this.#unanswered.push(request)
    if (kind !== KIND.set) {
      out.reserve(HEAD_BYTES + key.length)
      out.wroteTo(encodeDocumentedRequest(OPCODES[kind]!, key, out.buffer, out.at))
      return
    }
    const isSmall = value.length <= COPY_BYTES_MAX
    out.reserve(HEAD_BYTES + key.length + (isSmall ? value.length : 0))
    const next = documentedSetHeader(key, value.length, 0, out.buffer, out.at)
    if (isSmall) out.buffer.set(value, next)
    out.wroteTo(isSmall ? next + value.length : next)
    if (!isSmall) out.append(value)
  }

  read(bytes: Uint8Array, start: number, end: number): number {
    const reply = this.#reply
    let at = start
    while (at < end) {
      const consumed = decodeDocumentedReply(bytes, at, end, reply)
      if (consumed === 0) break
      if (consumed < 0 || this.inFlight === 0) {
        throw new ClientError('CLIENT_PROTOCOL', 'the server sent what is no reply')
      }
      this.#answer(bytes)
      at += consumed
    }
    return at
  }

  #answer(bytes: Uint8Array): void {
    const { status, valueStart, valueEnd } = this.#reply
    const request = this.#unanswered[this.#first++]!
    if (this.#first === this.#unanswered.length || this.#first > 4096) {
      this.#unanswered = this.#unanswered.slice(this.#first)
      this.#first = 0
    }
    if (request === null) {
      if (status !== DOCUMENTED_STATUS.success)
        this.#authError = new ClientError('UNAUTHORIZED', 'the server refused the authentication key')
      return
    }
    if (status === DOCUMENTED_STATUS.success) {
      const hasValue = request.kind === KIND.get || request.kind === KIND.health
      const value = hasValue ? new Uint8Array(bytes.subarray(valueStart, valueEnd)) : EMPTY
      request.resolve({
        exists: true,
        value,
        type: 'raw',
        version: undefined,
        expiresAtMs: undefined,
        size: value.length,
        hasMore: false,
      })
    } else request.reject(this.#authError ?? new ClientError('CLIENT_REFUSED', REFUSED[request.kind]!))
  }

  takeUnanswered(): Request[] {
    const taken = this.#unanswered.slice(this.#first).filter((request) => request !== null)
    this.#unanswered = []
    this.#first = 0
    return taken
  }
}
