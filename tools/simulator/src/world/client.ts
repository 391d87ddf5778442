/**
 * A client: stamps its requests with a clock of its own, asks a member, and when no answer comes another one
 * under the same request id and the next attempt number. A `no` counts only from the latest attempt: an
 * earlier one is not fenced against what a later one may have done.
 */
import { HybridLogicalClock, Version } from '@minivault/clock'
import { type Answer, type HeldRecord, type Key, LEVEL, OUTCOME, type Request } from '@minivault/cluster'
import type { OperationItem, Setup } from '../plan/plan.ts'
import { Task } from './disk.ts'
import type { History } from './history.ts'
import type { Member } from './member.ts'
import { numberOf, type Operation, OperationChange } from './operation.ts'
import type { Timeline } from './timeline.ts'

/** A read after the last fault may take longer: one on every member, all may have to settle the same. */
const FINAL_PATIENCE = 4
const FINAL_DEADLINE_MS_MIN = 4000

export function finalDeadlineMs({ deadlineMs }: Setup): number {
  return Math.max(deadlineMs * FINAL_PATIENCE, FINAL_DEADLINE_MS_MIN)
}

export interface ClientParts {
  readonly timeline: Timeline
  readonly history: History
  readonly setup: Setup
  readonly members: readonly Member[]
  readonly keys: readonly Key[]
  readonly writer: number
  readonly wallMs: () => number
  /** Sends it to a member that is up. */
  readonly ask: (attempt: Attempt, request: Request) => void
}

export interface Attempt {
  readonly client: Client
  readonly operation: Operation
  readonly number: number
  readonly member: number
  readonly id: Version | null
  /** When its operation has its answer. */
  readonly then: ((record: HeldRecord) => void) | null
}

type Begun = Omit<OperationItem, 'kind' | 'atMs' | 'readsFirst'>

export class Client {
  readonly #parts: ClientParts
  readonly #clock: HybridLogicalClock
  /** By key, what it saw last. */
  readonly #seen = new Map<number, HeldRecord>()

  constructor(parts: ClientParts) {
    this.#parts = parts
    this.#clock = new HybridLogicalClock({ writerId: parts.writer, now: parts.wallMs })
  }

  begin(item: OperationItem): void {
    if (item.operation !== 'cas' && item.operation !== 'deleteIf') return this.#start(item, null)
    const onTop = (record: HeldRecord) => {
      if (numberOf(record) !== null) this.#start(item, record.version)
    }
    const seen = this.#seen.get(item.key)
    if (!item.readsFirst && seen !== undefined) return onTop(seen)
    this.#start({ ...item, operation: 'get', level: LEVEL.quorum }, null, onTop)
  }

  /** A read after the last fault. */
  look(key: number, member: number): void {
    const read: Begun = {
      operation: 'get',
      client: 0,
      member,
      key,
      retries: [],
      isAnonymous: true,
      level: LEVEL.quorum,
      ttlMs: 0,
    }
    this.#start(read, null, null, true)
  }

  #start(item: Begun, expected: Version | null, then: Attempt['then'] = null, isFinal = false): void {
    const { timeline, history, members, setup } = this.#parts
    if (!members[item.member]!.isUp) return
    const { operation: kind, key, client, level, retries, ttlMs, member } = item
    const callMs = timeline.nowMs
    // By the client, once: attempts at two coordinators write the same.
    const expiresAtMs = ttlMs === 0 ? 0 : this.#parts.wallMs() + ttlMs
    const operation = history.begin({
      key,
      kind,
      level,
      client,
      member,
      callMs,
      expected,
      isFinal,
      expiresAtMs,
    })
    const id = item.isAnonymous || kind === 'get' ? null : this.#clock.next(new Version())
    this.#try({ client: this, operation, number: 0, member: item.member, id, then })
    retries.forEach((member, index) => {
      const retry = { client: this, operation, number: index + 1, member, id, then }
      const again = () => {
        if (operation.returnMs === Number.POSITIVE_INFINITY && members[member]!.isUp) this.#try(retry)
      }
      timeline.add(setup.patienceMs * (index + 1), new Task(again))
    })
  }

  #try(attempt: Attempt): void {
    const { history, setup, keys, ask } = this.#parts
    const { operation, number, id } = attempt
    operation.attempt = number
    const { key, level } = operation.start
    const note = history.note.bind(history)
    ask(attempt, {
      key: keys[key]!,
      change: operation.isRead ? null : new OperationChange(operation, note),
      id,
      attempt: number,
      level,
      durability: setup.durability,
      deadlineMs: operation.start.isFinal ? finalDeadlineMs(setup) : setup.deadlineMs,
    })
  }

  /** Whether the answer is the operation's. */
  onAnswer({ operation, number, then }: Attempt, answer: Answer): boolean {
    const { record, outcome } = answer
    if (operation.returnMs !== Number.POSITIVE_INFINITY) return false
    if (outcome === OUTCOME.failed) operation.failedCount += 1
    if (record === null || outcome === OUTCOME.failed || outcome === OUTCOME.inDoubt) return false
    const isEarly = number < operation.attempt && this.#parts.setup.clientFault !== 'trustsEveryNo'
    if (outcome === OUTCOME.no && isEarly) return false
    operation.ending = outcome === OUTCOME.ok ? 'ok' : 'no'
    operation.returnMs = this.#parts.timeline.nowMs
    operation.version = this.#parts.history.identify(operation.start.key, record)
    // All that a replica may still know of an increment that was overwritten is its sum.
    const isSum = operation.start.kind === 'increment' && record.sum !== null
    operation.value = isSum ? Number(record.sum) : numberOf(record)
    operation.rounds = answer.rounds
    this.#clock.observe(record.version)
    if (record.value !== undefined) this.#seen.set(operation.start.key, record)
    then?.(record)
    return true
  }
}
