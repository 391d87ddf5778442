/**
 * A large value on its way out behind a head that was sent: slice by slice as the client takes them, then
 * what stands behind it. A value that cannot be read on ends the connection: the length was told before.
 */
import type { ServerResponse } from 'node:http'
import type { ValueStream } from '@minivault/storage'
import { OUTGOING, type OutgoingMemory, OutgoingValue, type SliceSocket } from '../door/outgoing-value.ts'
import type { PieceReply } from '../door/piece-reply.ts'

/** Nothing stands between the slices. */
const BARE: PieceReply = { writeHead: () => 0, writeError: () => false }

export class OutgoingBody implements SliceSocket {
  /** Bytes handed over that the connection has not taken. */
  unsentBytes = 0
  readonly #response: ServerResponse
  readonly #value: OutgoingValue
  readonly #behind: Uint8Array | null
  #isScheduled = false
  #isOver = false

  /** Takes the stream over. */
  constructor(
    response: ServerResponse,
    stream: ValueStream,
    memory: OutgoingMemory,
    behind: Uint8Array | null,
  ) {
    this.#response = response
    this.#behind = behind
    this.#value = new OutgoingValue(stream, BARE, this, memory, () => this.#schedule())
    response.once('close', () => {
      this.#isOver = true
      this.#value.cancel()
    })
    this.#pump()
  }

  write(bytes: Uint8Array): boolean {
    this.unsentBytes += bytes.length
    this.#response.write(bytes, () => {
      this.unsentBytes -= bytes.length
      this.#schedule()
    })
    return false
  }

  /** Also asked for from within `pump`. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      if (!this.#isOver) this.#pump()
    })
  }

  #pump(): void {
    const state = this.#value.pump()
    if (state === OUTGOING.waits) return
    this.#isOver = true
    if (state === OUTGOING.failed) this.#response.destroy()
    else if (this.#behind === null) this.#response.end()
    else this.#response.end(this.#behind)
  }
}
