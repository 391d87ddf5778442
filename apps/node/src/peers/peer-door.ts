/**
 * Where batches of other members come in, whichever way they came: PEER frames, or POST to /-/peer. The
 * connection is theirs to be proved; here a batch is handed over, and what is refused is logged, each reason
 * of each member once in a while and not once a batch.
 */
import type { ErrorNumber } from '@minivault/protocol'
import { PEER_REFUSAL_LOG_MS, PEER_REFUSALS_KNOWN_MAX } from '../limits.ts'
import type { NodeLogger } from '../node.ts'
import type { Time } from '../time.ts'

/** Why a batch is not taken. BAD_REQUEST: it cannot be read, and its connection is heard no more. */
export interface PeerRefusal {
  readonly error: ErrorNumber
  readonly words: string
}

/** Who takes batches. */
export interface PeerReceiver {
  /** The batch bytes[start, end), valid during the call. Null: it is taken; else nothing of it was. */
  take(bytes: Uint8Array, start: number, end: number): PeerRefusal | null
}

export interface PeerDoorOptions {
  readonly receiver: PeerReceiver
  readonly logger: NodeLogger
  readonly time: Time
}

export class PeerDoor {
  readonly #options: PeerDoorOptions
  /** When each refusal was logged last, the oldest first. */
  readonly #logged = new Map<string, number>()

  constructor(options: PeerDoorOptions) {
    this.#options = options
  }

  get time(): Time {
    return this.#options.time
  }

  /** @param from what the sender calls itself */
  take(from: string, bytes: Uint8Array, start: number, end: number): PeerRefusal | null {
    const refusal = this.#options.receiver.take(bytes, start, end)
    if (refusal !== null) this.#log(from, refusal.words)
    return refusal
  }

  #log(from: string, why: string): void {
    const known = `${from} ${why}`
    const nowMs = this.time.now()
    if (Math.abs(nowMs - (this.#logged.get(known) ?? Number.NEGATIVE_INFINITY)) < PEER_REFUSAL_LOG_MS) return
    this.#logged.delete(known)
    this.#logged.set(known, nowMs)
    if (this.#logged.size > PEER_REFUSALS_KNOWN_MAX) this.#logged.delete(this.#logged.keys().next().value!)
    this.#options.logger.warn({ peer: from, why }, 'batch of a peer refused')
  }
}
