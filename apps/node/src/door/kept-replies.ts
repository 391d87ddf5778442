/**
 * Replies that wait for an earlier one, already written down: one behind the other in a buffer, with the
 * place of each by its slot. The reply to a GET behind a SET that is still on its way to the disk is such a
 * one. A connection borrows one of these while it needs it.
 */
import { copyBytes } from '@minivault/codec'
import { KEPT_REPLIES_BUFFER_BYTES, KEPT_REPLIES_POOLED, REPLY_SLOTS } from '../limits.ts'
import { type ChunkPool, Output, type Sink } from './output.ts'

export class KeptReplies implements Sink {
  /** Write a reply here, then say `keep`. */
  readonly output: Output
  /** Replies that are here. */
  count = 0
  /** Taken up since the last time that none was here. */
  bytes = 0
  #buffer: Uint8Array = Buffer.allocUnsafeSlow(KEPT_REPLIES_BUFFER_BYTES)
  readonly #starts = new Int32Array(REPLY_SLOTS)
  /** -1: no reply is kept for the slot. */
  readonly #ends = new Int32Array(REPLY_SLOTS).fill(-1)
  #start = 0

  constructor(chunks: ChunkPool) {
    this.output = new Output(chunks, this)
  }

  write(bytes: Uint8Array): boolean {
    const end = this.bytes + bytes.length
    if (end > this.#buffer.length) this.#grow(end)
    copyBytes(bytes, 0, bytes.length, this.#buffer, this.bytes)
    this.bytes = end
    return true
  }

  /** What was written since the last call is the reply of this slot. */
  keep(slot: number): void {
    this.output.flush()
    this.#starts[slot] = this.#start
    this.#ends[slot] = this.#start = this.bytes
    this.count += 1
  }

  has(slot: number): boolean {
    return this.#ends[slot] !== -1
  }

  /** The reply of this slot leaves. */
  release(slot: number, output: Output): void {
    output.append(this.#buffer, this.#starts[slot]!, this.#ends[slot]!)
    this.drop(slot)
  }

  drop(slot: number): void {
    this.#ends[slot] = -1
    this.count -= 1
    if (this.count > 0) return
    this.#start = 0
    this.bytes = 0
    if (this.#buffer.length > KEPT_REPLIES_BUFFER_BYTES) {
      this.#buffer = Buffer.allocUnsafeSlow(KEPT_REPLIES_BUFFER_BYTES)
    }
  }

  #grow(needed: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2))
    grown.set(this.#buffer.subarray(0, this.bytes))
    this.#buffer = grown
  }
}

export class KeptPool {
  readonly #chunks: ChunkPool
  readonly #free: KeptReplies[] = []

  constructor(chunks: ChunkPool) {
    this.#chunks = chunks
  }

  take(): KeptReplies {
    return this.#free.pop() ?? new KeptReplies(this.#chunks)
  }

  /** None is kept in it any more. */
  give(kept: KeptReplies): void {
    if (this.#free.length < KEPT_REPLIES_POOLED) this.#free.push(kept)
  }
}
