/*
 * A call on its way to several nodes: its attempts, and what may be said of their effects.
 *
 * Each attempt of a write has a number of its own, higher than those before it, so that the nodes can tell
 * which is the latest: the "no" of an earlier one is no answer, since a later one may yet succeed.
 */

import type { Attempt } from './attempt.ts'
import type { ClusterNode } from './cluster-node.ts'
import type { Doubt, Request } from './request.ts'
import type { Verdict } from './verdict.ts'

export class CallAttempts implements Doubt {
  readonly call: Request
  /** under way */
  readonly live: Attempt[] = []
  latest: Attempt | null = null
  /** in this round; the next begins when all have been tried */
  readonly tried: ClusterNode[] = []
  rounds = 0
  /** attempts that were made because of another */
  retries = 0
  /** of this round: all that were asked refused, rather than be silent or away */
  isRefused = true
  /** of this round: nobody asked and we fit together, which will not change */
  isHopeless = true
  isHedged = false
  /** an attempt has ended, and nobody knows with what effect */
  isUnknown = false
  /** runs to the next round */
  pause: unknown = null

  constructor(call: Request) {
    this.call = call
  }

  /** What has not left has used no number. */
  get nextNumber(): number {
    const { latest } = this
    if (latest === null) return 0
    return latest.settled && latest.sent === 0 ? latest.attempt : latest.attempt + 1
  }

  get mayHaveActed(): boolean {
    return this.isUnknown || this.live.some((attempt) => attempt.sent > 0)
  }

  add(attempt: Attempt): void {
    this.live.push(attempt)
    this.latest = attempt
    this.tried.push(attempt.node)
  }

  drop(attempt: Attempt): void {
    const at = this.live.indexOf(attempt)
    if (at >= 0) this.live.splice(at, 1)
  }

  /** One is under way that nothing speaks against. */
  get isHopeful(): boolean {
    return this.live.some((attempt) => !attempt.isOverdue)
  }

  /** What an attempt of this round came to. */
  count(verdict: Verdict): void {
    if (verdict === 'unreachable') this.isRefused = false
    if (verdict !== 'wrong') this.isHopeless = false
  }

  /** All may be asked again but those who still have it. */
  nextRound(): void {
    this.rounds++
    this.tried.length = 0
    for (const { node } of this.live) this.tried.push(node)
    this.isRefused = this.live.length === 0
    this.isHopeless = this.isRefused
  }
}
