/*
 * One try of a call at one node: the same key, value and request id under a number of its own. What comes of
 * it goes to its owner, also when it is settled by then: a late answer still says that its node is alive.
 */

import type { CallAttempts } from './call-attempts.ts'
import type { ClientError } from './client-error.ts'
import type { ClusterNode } from './cluster-node.ts'
import { CLOCK_RETRIES_MAX } from './limits.ts'
import { type Reply, Request } from './request.ts'

export interface AttemptOwner {
  onReply(attempt: Attempt, reply: Reply): void
  onError(attempt: Attempt, error: ClientError): void
}

export class Attempt extends Request {
  override readonly attempts: CallAttempts
  readonly node: ClusterNode
  readonly startedAt: number
  /** it has taken so long that another node is asked */
  isOverdue = false
  readonly #owner: AttemptOwner

  constructor(attempts: CallAttempts, node: ClusterNode, startedAt: number, owner: AttemptOwner) {
    const { call } = attempts
    super(call.kind, call.key, call.deadline, nobody, nobody)
    this.attempts = attempts
    this.node = node
    this.startedAt = startedAt
    this.#owner = owner
    this.value = call.value
    this.flags = call.flags
    this.expectedVersion = call.expectedVersion
    this.ttlMs = call.ttlMs
    this.rangeStart = call.rangeStart
    this.rangeBytes = call.rangeBytes
    this.scan = call.scan
    this.consistency = call.consistency
    this.durability = call.durability
    this.beyondOpcodes = call.beyondOpcodes
    this.id.copy(call.id)
    this.attempt = attempts.nextNumber
    // A new request id is for the call, not for one attempt of it.
    this.clockRetries = CLOCK_RETRIES_MAX
  }

  override get isInDoubt(): boolean {
    return this.isWrite && this.sent > 0
  }

  override resolve(reply: Reply): void {
    this.#owner.onReply(this, reply)
  }

  override reject(error: ClientError): void {
    this.#owner.onError(this, error)
  }
}

function nobody(): void {}
