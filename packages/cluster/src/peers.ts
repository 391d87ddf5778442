/**
 * Who is there: when each member was heard last, and whether what it says counts. A guess. It decides whom to
 * ask first and for whom to keep hints, never what is true.
 */
import { LAG_DECAY } from './limits.ts'

interface Peer {
  heardMs: number
  /** Of the first question to it since it was heard; UNASKED: there was none. */
  askedMs: number
  isSuspected: boolean
  votes: boolean
}

const UNASKED = -1

export class Peers {
  readonly #suspectAfterMs: number
  readonly #tickMs: number
  /** By number; of those that were ever heard, or looked for. */
  readonly #peers: (Peer | undefined)[] = []
  #tickedMs: number
  /** How late our own ticks came of late: while we stand still, nobody is heard. */
  #lagMs = 0

  constructor(nowMs: number, suspectAfterMs: number, tickMs: number) {
    this.#tickedMs = nowMs
    this.#suspectAfterMs = suspectAfterMs
    this.#tickMs = tickMs
  }

  /** True: it was away. */
  heard(member: number, nowMs: number): boolean {
    const peer = this.#peers[member]
    if (peer === undefined) {
      this.#peers[member] = { heardMs: nowMs, askedMs: UNASKED, isSuspected: false, votes: true }
      return false
    }
    const wasAway = peer.isSuspected
    peer.heardMs = nowMs
    peer.askedMs = UNASKED
    peer.isSuspected = false
    return wasAway
  }

  /** Something was asked of it that it is to answer at once. */
  asked(member: number, nowMs: number): void {
    const peer = this.#peers[member]
    if (peer !== undefined && peer.askedMs === UNASKED) peer.askedMs = nowMs
  }

  heardVote(member: number, votes: boolean): void {
    const peer = this.#peers[member]
    if (peer !== undefined) peer.votes = votes
  }

  onTick(members: readonly number[], nowMs: number): void {
    const lateMs = Math.max(0, nowMs - this.#tickedMs - this.#tickMs)
    this.#tickedMs = nowMs
    this.#lagMs = Math.max(lateMs, this.#lagMs * LAG_DECAY)
    for (const member of members) {
      const peer = this.#peers[member]
      // Who was never heard has the same time from now on.
      if (peer === undefined) this.heard(member, nowMs)
      else peer.isSuspected = nowMs - peer.heardMs > this.#suspectAfterMs + 2 * this.#lagMs
    }
  }

  isSuspected(member: number): boolean {
    return this.#peers[member]?.isSuspected ?? false
  }

  /**
   * Whether an answer that counts is to be expected. Long before it is suspected, whoever has not said a word
   * since it was asked is the second choice.
   */
  isLikelyToAnswer(member: number, nowMs: number, patienceMs: number): boolean {
    const peer = this.#peers[member]
    if (peer === undefined) return true
    if (peer.isSuspected || !peer.votes) return false
    return peer.askedMs === UNASKED || nowMs - peer.askedMs <= patienceMs
  }
}
