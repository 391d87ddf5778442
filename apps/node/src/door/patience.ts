/**
 * How long a connection is waited for: a request that does not come to its end, replies that are not taken,
 * an operation that is never answered. Looked at in every sweep.
 */
import { FRAME_TIMEOUT_MS, OPERATION_TIMEOUT_MS, WRITE_TIMEOUT_MS } from '../limits.ts'

/** A request may take longer than FRAME_TIMEOUT_MS when it is large: a second for each of these. */
const SLOWEST_BYTES_PER_SECOND = 64 * 1024

/** What a connection looks like at a sweep. */
export interface Sight {
  /** Requests without a reply, and a number that moves with each reply. */
  readonly pending: number
  readonly progress: number
  /** Of the value that leaves piece by piece. */
  readonly sentBytes: number
  readonly receivedBytes: number
  /** Replies that the client has not taken. */
  readonly unsentBytes: number
  /** It is the client's turn: to send the rest of a request, or to end. */
  readonly waitsForClient: boolean
}

export class Patience {
  #progressSeen = 0
  #sentSeen = 0
  #stillForMs = 0
  #incompleteForMs = 0
  #receivedSeen = 0
  #unsentSeen = 0
  #unsentForMs = 0

  /** Another request is at the front. */
  begin(): void {
    this.#incompleteForMs = 0
  }

  /** Called about every `elapsedMs`. True: it has taken too long. */
  isOver(sight: Sight, elapsedMs: number): boolean {
    const isStill = sight.progress === this.#progressSeen && sight.sentBytes === this.#sentSeen
    this.#stillForMs = sight.pending > 0 && isStill ? this.#stillForMs + elapsedMs : 0
    this.#progressSeen = sight.progress
    this.#sentSeen = sight.sentBytes
    this.#incompleteForMs = sight.waitsForClient ? this.#incompleteForMs + elapsedMs : 0
    const received = sight.receivedBytes - this.#receivedSeen
    if (!sight.waitsForClient) this.#receivedSeen = sight.receivedBytes
    const patienceMs = FRAME_TIMEOUT_MS + (received / SLOWEST_BYTES_PER_SECOND) * 1000
    // As many as before may be others: the slices of a large value are equally long.
    const isUntaken = sight.unsentBytes > 0 && sight.unsentBytes === this.#unsentSeen && isStill
    this.#unsentForMs = isUntaken ? this.#unsentForMs + elapsedMs : 0
    this.#unsentSeen = sight.unsentBytes
    return (
      this.#stillForMs > OPERATION_TIMEOUT_MS ||
      this.#unsentForMs > WRITE_TIMEOUT_MS ||
      this.#incompleteForMs > patienceMs
    )
  }
}
