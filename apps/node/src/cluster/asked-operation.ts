/**
 * One operation on its way through the core: what it asks, and what its answer needs to know of it. The only
 * object of its own that an operation makes, but for its key and its change.
 */

import { Version } from '@minivault/clock'
import { type Durability, LEVEL, type Level, type Request } from '@minivault/cluster'
import { CONSISTENCY } from '@minivault/protocol'
import type { Operation } from '../key-value.ts'
import { CLUSTER_DEADLINE_MS } from '../limits.ts'
import type { KeyChange } from './changes/key-change.ts'
import type { MemberKey } from './member-key.ts'
import type { Ordered } from './same-key-order.ts'

export class AskedOperation implements Request, Ordered {
  readonly key: MemberKey
  readonly change: KeyChange | null
  readonly id: Version | null
  readonly attempt: number
  readonly level: Level
  readonly durability: Durability
  /** From when it is handed to the core: less than was allowed where it had to wait before. */
  deadlineMs: number
  readonly place: number
  /** Of the port. */
  readonly token: number
  /** Of the core; -1: it does not know of it. */
  row = -1
  /** Of `now`. */
  readonly sinceMs: number
  /** Get: as in `Operation`. */
  readonly noValue: boolean
  readonly rangeStart: number
  readonly rangeBytes: number
  readonly wantsStream: boolean

  constructor(
    operation: Operation,
    key: MemberKey,
    change: KeyChange | null,
    token: number,
    place: number,
    sinceMs: number,
  ) {
    const { requestId, deadlineMs } = operation
    this.key = key
    this.change = change
    this.id = requestId.isZero() || change === null ? null : new Version().copy(requestId)
    this.attempt = operation.attempt
    this.level = operation.consistency === CONSISTENCY.one ? LEVEL.one : LEVEL.quorum
    this.durability = operation.durability
    const isShorter = deadlineMs !== 0 && deadlineMs < CLUSTER_DEADLINE_MS
    this.deadlineMs = isShorter ? deadlineMs : CLUSTER_DEADLINE_MS
    this.place = place
    this.token = token
    this.sinceMs = sinceMs
    this.noValue = operation.noValue
    this.rangeStart = operation.rangeStart
    this.rangeBytes = operation.rangeBytes
    this.wantsStream = operation.wantsStream
  }

  get isRead(): boolean {
    return this.change === null
  }
}
