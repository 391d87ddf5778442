/** How far the clock of a peer is from ours, by what it answers. */
import { PEER_CLOCK_SAMPLE_MS } from '../limits.ts'

/** So much of a new round trip goes into the mean. */
const WEIGHT = 1 / 8

export class PeerClock {
  /** Milliseconds that the peer is ahead; null: not known. */
  offsetMs: number | null = null
  /** So far at least, towards the same side: an answer that took long says little. Null: not known. */
  offsetMsAtLeast: number | null = null
  /** The mean of late; 0: not known. */
  roundTripMs = 0
  #bestMs = Number.POSITIVE_INFINITY
  #bestAt = 0

  /**
   * An answer after so long, the peer's time in it. It was given half the round trip ago, give or take that
   * much, so the quickest answer tells most.
   */
  add(roundTripMs: number, peerTimeMs: number, nowMs: number, elapsedMs: number): void {
    this.roundTripMs += (roundTripMs - this.roundTripMs) * (this.offsetMs === null ? 1 : WEIGHT)
    if (roundTripMs > this.#bestMs && elapsedMs - this.#bestAt < PEER_CLOCK_SAMPLE_MS) return
    this.#bestMs = roundTripMs
    this.#bestAt = elapsedMs
    const offsetMs = peerTimeMs - (nowMs - roundTripMs / 2)
    this.offsetMs = offsetMs
    this.offsetMsAtLeast = Math.sign(offsetMs) * Math.max(0, Math.abs(offsetMs) - roundTripMs / 2)
  }
}
