/**
 * Messages that have not left: those of this turn, and before them batches that could not leave when they
 * were full. Beyond a bound of bytes or age the oldest are dropped, whole batches at a time: whoever asked
 * asks again.
 */
import type { LayoutState, Message, StartMessage } from '@minivault/cluster'
import { PEER_WAITING_BYTES_MAX, PEER_WAITING_MS_MAX } from '../limits.ts'
import { BATCH, type BatchForm, type BatchKind, type MessageBytes } from './batch-form.ts'

/** Emptied batches that are kept for use again. */
const SPARE_MAX = 4

export class WaitingBatch {
  kind: BatchKind = BATCH.messages
  /** Instead of messages. */
  alone: Uint8Array | null = null
  readonly content: MessageBytes
  messages = 0
  /** When its first message came. */
  since = 0

  constructor(content: MessageBytes) {
    this.content = content
  }

  get bytes(): Uint8Array {
    return this.alone ?? this.content.bytes
  }

  get length(): number {
    return this.alone === null ? this.content.length : this.alone.length
  }

  clear(): void {
    this.kind = BATCH.messages
    this.alone = null
    this.messages = 0
    this.content.clear()
  }
}

export class WaitingBatches {
  /** Messages that were dropped. */
  dropped = 0
  readonly #form: BatchForm
  /** The oldest first; the last one is added to. */
  readonly #batches: WaitingBatch[] = []
  readonly #spare: WaitingBatch[] = []
  /** Of all but the last. */
  #sealedBytes = 0

  constructor(form: BatchForm) {
    this.#form = form
    this.#batches.push(this.#new())
  }

  get bytes(): number {
    return this.#sealedBytes + this.#last.length
  }

  /** Bytes of the batch that is added to. */
  get lastBytes(): number {
    return this.#last.length
  }

  get lastMessages(): number {
    return this.#last.messages
  }

  get #last(): WaitingBatch {
    return this.#batches[this.#batches.length - 1]!
  }

  add(message: Message, elapsedMs: number): void {
    const last = this.#last
    if (!last.content.add(message)) {
      this.dropped += 1
      return
    }
    if (last.messages === 0) last.since = elapsedMs
    last.messages += 1
  }

  addStart(message: StartMessage<LayoutState>, elapsedMs: number): void {
    this.addAlone(BATCH.firstStart, this.#form.start(message), elapsedMs)
  }

  /** A batch of its own, with this behind its header. */
  addAlone(kind: BatchKind, bytes: Uint8Array, elapsedMs: number): void {
    if (this.#last.messages > 0) this.seal()
    const last = this.#last
    last.kind = kind
    last.alone = bytes
    last.messages = 1
    last.since = elapsedMs
    this.seal()
  }

  /** The last batch is added to no more. */
  seal(): void {
    this.#sealedBytes += this.#last.length
    this.#batches.push(this.#new())
    while (this.#sealedBytes > PEER_WAITING_BYTES_MAX) this.#drop()
  }

  /** The one to send next; null: nothing waits. */
  get oldest(): WaitingBatch | null {
    const oldest = this.#batches[0]!
    return oldest.messages === 0 ? null : oldest
  }

  /** The oldest has left. */
  shift(): void {
    const oldest = this.#batches[0]!
    if (this.#batches.length > 1) {
      this.#batches.shift()
      this.#sealedBytes -= oldest.length
      if (this.#spare.length < SPARE_MAX) this.#spare.push(oldest)
    }
    oldest.clear()
  }

  /** Nobody waits any more for what these ask. */
  expire(elapsedMs: number): void {
    for (let oldest = this.oldest; oldest !== null; oldest = this.oldest) {
      if (elapsedMs - oldest.since <= PEER_WAITING_MS_MAX) return
      this.#drop()
    }
  }

  #drop(): void {
    this.dropped += this.#batches[0]!.messages
    this.shift()
  }

  #new(): WaitingBatch {
    return this.#spare.pop() ?? new WaitingBatch(this.#form.newMessages())
  }
}
