/**
 * Replies leave in the order of their requests, whatever order the answers come in. Each request takes a
 * slot; an answer for the oldest open slot is written at once, any other is kept as bytes until its turn. The
 * usual case, every answer in order, touches two counters and allocates nothing.
 */
import { bug } from '../bug.ts'
import { REPLY_SLOTS } from '../limits.ts'
import { OutgoingValue } from './outgoing-value.ts'

/** A reply that waits for its turn: its bytes, or a value that will leave piece by piece. */
export type KeptReply = Uint8Array[] | OutgoingValue

const MASK = REPLY_SLOTS - 1

export class ReplySlots {
  #head = 0
  #tail = 0
  #early: Map<number, KeptReply> | null = null
  /** Of the replies that are kept. */
  keptBytes = 0

  /** Requests without a reply on its way. */
  get pending(): number {
    return (this.#tail - this.#head) | 0
  }

  get isFull(): boolean {
    return this.pending >= REPLY_SLOTS
  }

  /** Moves whenever a reply leaves: two equal readings with requests pending mean that nothing happened. */
  get progress(): number {
    return this.#head
  }

  take(): number {
    if (this.isFull) bug('a full ring takes no request')
    const slot = this.#tail & MASK
    this.#tail = (this.#tail + 1) | 0
    return slot
  }

  isNext(slot: number): boolean {
    return slot === (this.#head & MASK)
  }

  /** The reply of the oldest slot is out. */
  advance(): void {
    if (this.pending <= 0) bug('only a taken slot is answered')
    this.#head = (this.#head + 1) | 0
  }

  keep(slot: number, reply: KeptReply): void {
    this.#early ??= new Map()
    if (this.#early.has(slot)) bug('a request is answered once')
    this.#early.set(slot, reply)
    this.keptBytes += bytesOf(reply)
  }

  /** Nobody will read the kept replies: their slots count as out. */
  dropKept(): void {
    for (const reply of this.#early?.values() ?? []) {
      if (reply instanceof OutgoingValue) reply.cancel()
      this.advance()
    }
    this.#early = null
    this.keptBytes = 0
  }

  /** The kept reply that is due now, if any; when it is out, `advance`. */
  due(): KeptReply | null {
    if (this.#early === null || this.#early.size === 0 || this.pending === 0) return null
    const slot = this.#head & MASK
    const reply = this.#early.get(slot)
    if (reply === undefined) return null
    this.#early.delete(slot)
    this.keptBytes -= bytesOf(reply)
    return reply
  }
}

function bytesOf(reply: KeptReply): number {
  let bytes = 0
  if (!(reply instanceof OutgoingValue)) for (const part of reply) bytes += part.length
  return bytes
}
