/**
 * Replies to the batches that came on one connection. They tell the other side that there is room for more,
 * and the time here; nobody's operation waits for them. So where batches follow each other quickly, their
 * replies leave several in one write: each alone would wake the other side for nothing.
 */
import { writeU48 } from '@minivault/protocol'
import type { Wire } from '../door/session.ts'
import { Answer } from '../key-value.ts'
import { PEER_REPLIES_OWED_MAX, PEER_REPLY_MS } from '../limits.ts'
import type { Time } from '../time.ts'

const TIME_BYTES = 6

/** Read out of it before the next one is written. */
const answer = new Answer()
const time = new Uint8Array(TIME_BYTES)

export class BatchReplies {
  readonly #time: Pick<Time, 'now' | 'elapsedMs' | 'sleep'>
  #owed: number[] = []
  #leftAt = Number.NEGATIVE_INFINITY
  #isTimed = false

  constructor(time: Pick<Time, 'now' | 'elapsedMs' | 'sleep'>) {
    this.#time = time
  }

  /** One more is owed, under this token. The first after a while leaves at once: it tells the time best. */
  owe(token: number, wire: Wire): void {
    this.#owed.push(token)
    const { elapsedMs, sleep } = this.#time
    const isFirst = elapsedMs() - this.#leftAt >= PEER_REPLY_MS
    if (isFirst || this.#owed.length >= PEER_REPLIES_OWED_MAX) return this.#give(wire)
    if (this.#isTimed) return
    this.#isTimed = true
    void sleep(PEER_REPLY_MS).then(() => {
      this.#isTimed = false
      this.#give(wire)
    })
  }

  #give(wire: Wire): void {
    const owed = this.#owed
    if (owed.length === 0) return
    this.#owed = []
    this.#leftAt = this.#time.elapsedMs()
    writeU48(this.#time.now(), time, 0)
    for (const token of owed) {
      answer.ok().value = time
      answer.valueEnd = TIME_BYTES
      wire.answer(token, answer)
    }
  }
}
