/*
 * How long a node may take before another is asked: learned from the answers of late.
 *
 * For reads there are two such times: after the first a second node may be asked to read as well, which a
 * bounded share of all reads may be; after the second the node is passed over, as for every call.
 */

import type { Attempt } from './attempt.ts'
import { LateLatencies } from './late-latencies.ts'
import {
  HEDGE_MS_MIN,
  HEDGES_SAVED_MAX,
  TRY_BYTES_PER_MS,
  TRY_LATENCIES,
  TRY_MS_MAX,
  TRY_MS_MIN,
  TRY_MS_START,
} from './limits.ts'
import { KIND } from './request.ts'

const HEDGED_SHARE = 0.95
const TRIED_SHARE = 0.99

export interface PatienceOptions {
  /** 0: learned */
  tryTimeoutMs: number
  /** of all reads, 0 to 1 */
  hedgeShare: number
}

export class Patience {
  readonly #options: PatienceOptions
  readonly #hedged = new LateLatencies(HEDGED_SHARE)
  readonly #reads = new LateLatencies(TRIED_SHARE)
  readonly #writes = new LateLatencies(TRIED_SHARE)
  #hedges = 0

  constructor(options: PatienceOptions) {
    this.#options = options
  }

  /** Infinity: not at all. */
  get hedgeMs(): number {
    const { quantileMs } = this.#hedged
    if (quantileMs < 0 || this.#options.hedgeShare === 0) return Number.POSITIVE_INFINITY
    return Math.max(HEDGE_MS_MIN, quantileMs)
  }

  /** Nobody younger is looked at. */
  get leastMs(): number {
    return Math.min(this.hedgeMs, this.#tryMs(this.#reads), this.#tryMs(this.#writes))
  }

  tryMsOf({ isWrite, value }: Attempt): number {
    return this.#tryMs(isWrite ? this.#writes : this.#reads) + value.length / TRY_BYTES_PER_MS
  }

  #tryMs({ quantileMs }: LateLatencies): number {
    const { tryTimeoutMs } = this.#options
    if (tryTimeoutMs > 0) return tryTimeoutMs
    if (quantileMs < 0) return TRY_MS_START
    return Math.min(TRY_MS_MAX, Math.max(TRY_MS_MIN, TRY_LATENCIES * quantileMs))
  }

  /** Who was frozen answers very late: that is no measure of the others. */
  answered(attempt: Attempt, now: number): void {
    const ms = Math.min(now - attempt.startedAt, 2 * this.tryMsOf(attempt))
    if (attempt.isWrite) return this.#writes.add(ms)
    this.#reads.add(ms)
    if (attempt.kind === KIND.get) this.#hedged.add(ms)
  }

  countRead(): void {
    this.#hedges = Math.min(HEDGES_SAVED_MAX, this.#hedges + this.#options.hedgeShare)
  }

  takeHedge(): boolean {
    if (this.#hedges < 1) return false
    this.#hedges--
    return true
  }
}
