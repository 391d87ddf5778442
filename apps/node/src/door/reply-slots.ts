/**
 * Replies leave in the order of their requests, whatever order the answers come in. Each request takes a
 * slot; an answer for the oldest open slot is written at once, any other is kept until its turn. The usual
 * case, every answer in order, touches two counters and allocates nothing.
 */
import { bug } from '../bug.ts'
import { REPLY_SLOTS } from '../limits.ts'
import type { KeptPool, KeptReplies } from './kept-replies.ts'
import type { OutgoingValue } from './outgoing-value.ts'
import type { Output } from './output.ts'

const MASK = REPLY_SLOTS - 1

export class ReplySlots {
  #head = 0
  #tail = 0
  readonly #pool: KeptPool
  #kept: KeptReplies | null = null
  /** Those that will leave piece by piece. */
  #values: Map<number, OutgoingValue> | null = null

  constructor(pool: KeptPool) {
    this.#pool = pool
  }

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

  /** The newest slot was taken for nothing. */
  takeBack(slot: number): void {
    if (this.pending <= 0 || slot !== ((this.#tail - 1) & MASK)) bug('only the newest slot is taken back')
    this.#tail = (this.#tail - 1) | 0
  }

  isNext(slot: number): boolean {
    return slot === (this.#head & MASK)
  }

  /** The reply of the oldest slot is out. */
  advance(): void {
    if (this.pending <= 0) bug('only a taken slot is answered')
    this.#head = (this.#head + 1) | 0
  }

  /** Of the replies that are kept. */
  get keptBytes(): number {
    return this.#kept === null ? 0 : this.#kept.bytes
  }

  /** Where to write the reply of a slot that is not the next one; then say `keep` there. */
  keeper(slot: number): KeptReplies {
    this.#mustBeOpen(slot)
    this.#kept ??= this.#pool.take()
    return this.#kept
  }

  keepValue(slot: number, value: OutgoingValue): void {
    this.#mustBeOpen(slot)
    this.#values ??= new Map()
    this.#values.set(slot, value)
  }

  #mustBeOpen(slot: number): void {
    const isKept = this.#kept?.has(slot) === true || this.#values?.has(slot) === true
    if (isKept) bug('a request is answered once')
  }

  /** Writes the kept reply that is due now, if there is one; it is out then. */
  release(output: Output): boolean {
    const kept = this.#kept
    const slot = this.#head & MASK
    if (kept === null || !kept.has(slot)) return false
    kept.release(slot, output)
    this.#giveBack(kept)
    this.advance()
    return true
  }

  /** The kept value that is due now, if there is one; when it is out, `advance`. */
  releaseValue(): OutgoingValue | null {
    if (this.#values === null || this.#values.size === 0) return null
    const slot = this.#head & MASK
    const value = this.#values.get(slot) ?? null
    this.#values.delete(slot)
    return value
  }

  /** Nobody will read the kept replies: their slots count as out. */
  dropKept(): void {
    for (const value of this.#values?.values() ?? []) {
      value.cancel()
      this.advance()
    }
    this.#values = null
    const kept = this.#kept
    if (kept === null) return
    for (let slot = 0; slot < REPLY_SLOTS && kept.count > 0; slot++) {
      if (!kept.has(slot)) continue
      kept.drop(slot)
      this.advance()
    }
    this.#giveBack(kept)
  }

  #giveBack(kept: KeptReplies): void {
    if (kept.count > 0) return
    this.#kept = null
    this.#pool.give(kept)
  }
}
