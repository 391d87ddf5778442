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
  /** How long its answers take of late. */
  tookMs: number
}

const UNASKED = -1
/** Of what an answer took so much counts at once. */
const TOOK_SHARE = 1 / 8
/** Who takes so many times as long as the quickest, and so much more, is slow: its disk, or the way to it. */
const SLOW_TIMES = 4
const SLOW_MS = 20

export class Peers {
  readonly #suspectAfterMs: number
  readonly #tickMs: number
  /** By number; of those that were ever heard, or looked for. */
  readonly #peers: (Peer | undefined)[] = []
  #tickedMs: number
  /** How late our own ticks came of late: while we stand still, nobody is heard. */
  #lagMs = 0
  /** Above it an answer is slow. */
  #slowMs = Number.POSITIVE_INFINITY

  constructor(nowMs: number, suspectAfterMs: number, tickMs: number) {
    this.#tickedMs = nowMs
    this.#suspectAfterMs = suspectAfterMs
    this.#tickMs = tickMs
  }

  /** True: it was away. */
  heard(member: number, nowMs: number): boolean {
    const peer = this.#peers[member]
    if (peer === undefined) {
      this.#peers[member] = { heardMs: nowMs, askedMs: UNASKED, isSuspected: false, votes: true, tookMs: 0 }
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

  /** It has answered what it was asked so long ago. */
  took(member: number, ms: number): void {
    const peer = this.#peers[member]
    if (peer !== undefined) peer.tookMs += (ms - peer.tookMs) * TOOK_SHARE
  }

  heardVote(member: number, votes: boolean): void {
    const peer = this.#peers[member]
    if (peer !== undefined) peer.votes = votes
  }

  onTick(members: readonly number[], nowMs: number): void {
    const lateMs = Math.max(0, nowMs - this.#tickedMs - this.#tickMs)
    this.#tickedMs = nowMs
    this.#lagMs = Math.max(lateMs, this.#lagMs * LAG_DECAY)
    let quickestMs = Number.POSITIVE_INFINITY
    for (const member of members) {
      const peer = this.#peers[member]
      if (peer !== undefined) quickestMs = Math.min(quickestMs, peer.tookMs)
      // Who was never heard has the same time from now on.
      if (peer === undefined) this.heard(member, nowMs)
      else peer.isSuspected = nowMs - peer.heardMs > this.#suspectAfterMs + 2 * this.#lagMs
    }
    this.#slowMs = SLOW_MS + SLOW_TIMES * quickestMs
  }

  isSuspected(member: number): boolean {
    return this.#peers[member]?.isSuspected ?? false
  }

  /** Undefined: it was not even looked for. */
  heardMs(member: number): number | undefined {
    return this.#peers[member]?.heardMs
  }

  /**
   * Whether an answer that counts is to be expected. Long before it is suspected, whoever has not said a word
   * since it was asked is the second choice; so is who takes far longer than others.
   */
  isLikelyToAnswer(member: number, nowMs: number, patienceMs: number): boolean {
    const peer = this.#peers[member]
    if (peer === undefined) return true
    if (peer.isSuspected || !peer.votes || peer.tookMs > this.#slowMs) return false
    return peer.askedMs === UNASKED || nowMs - peer.askedMs <= patienceMs
  }
}
