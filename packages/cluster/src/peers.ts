/**
 * Who is there: when each member was heard last, and whether what it says counts. A guess. It decides whom to
 * ask first and for whom to keep hints, never what is true.
 */
import { LAG_DECAY } from './limits.ts'

interface Peer {
  heardMs: number
  isSuspected: boolean
  votes: boolean
}

export class Peers {
  readonly #suspectAfterMs: number
  readonly #tickMs: number
  readonly #peers = new Map<number, Peer>()
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
    const peer = this.#peers.get(member)
    if (peer === undefined) {
      this.#peers.set(member, { heardMs: nowMs, isSuspected: false, votes: true })
      return false
    }
    const wasAway = peer.isSuspected
    peer.heardMs = nowMs
    peer.isSuspected = false
    return wasAway
  }

  heardVote(member: number, votes: boolean): void {
    const peer = this.#peers.get(member)
    if (peer !== undefined) peer.votes = votes
  }

  onTick(members: readonly number[], nowMs: number): void {
    const lateMs = Math.max(0, nowMs - this.#tickedMs - this.#tickMs)
    this.#tickedMs = nowMs
    this.#lagMs = Math.max(lateMs, this.#lagMs * LAG_DECAY)
    for (const member of members) {
      const peer = this.#peers.get(member)
      // Who was never heard has the same time from now on.
      if (peer === undefined) this.heard(member, nowMs)
      else peer.isSuspected = nowMs - peer.heardMs > this.#suspectAfterMs + 2 * this.#lagMs
    }
  }

  isSuspected(member: number): boolean {
    return this.#peers.get(member)?.isSuspected ?? false
  }

  /** Whether an answer that counts is to be expected. */
  isLikelyToAnswer(member: number): boolean {
    const peer = this.#peers.get(member)
    return peer === undefined || (!peer.isSuspected && peer.votes)
  }
}
