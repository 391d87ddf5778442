/**
 * A write that does not depend on what is there: offered to all under its request id; two of three that hold
 * it are an answer, after one round. Refused, it is not offered again under another version, for it may have
 * been chosen all the same: a round settles what became of it.
 */
import type { Coordinator } from './coordinator.ts'
import type { Exchange } from './exchange.ts'
import { CAUSE, MESSAGE, type RepairReply, type Reply, VERDICT } from './messages.ts'
import type { Operation } from './operation.ts'
import { type HeldRecord, isAbove, NEVER } from './record.ts'
import { LEVEL, OUTCOME, REASON } from './request.ts'
import { Round } from './round.ts'

const STAGE = { afterRefusal: 1, giveUp: 2 } as const

export class PlainWrite {
  readonly #coordinator: Coordinator
  readonly #operation: Operation
  #exchange!: Exchange
  #record!: HeldRecord
  #held = 0
  #refused = 0

  constructor(coordinator: Coordinator, operation: Operation) {
    this.#coordinator = coordinator
    this.#operation = operation
  }

  start(): void {
    const { request, id } = this.#operation
    // Our own replica knows better: the round would be lost.
    if (request.attempt === 0 && isAbove(this.#coordinator.highestOfOurs(request.key), id)) {
      return this.#settle()
    }
    const { value, expiresAtMs, sum } = request.change!.apply(NEVER, id)!
    this.#record = { ballot: id, version: id, request: id, value, expiresAtMs, sum }
    this.#operation.rounds += 1
    if (request.attempt === 0) this.#operation.shownBefore = this.#coordinator.timesShown(request.key)
    this.#operation.isSent = true
    this.#exchange = this.#coordinator.open(request.key, this)
    this.#coordinator.offer(this.#exchange, request.key, this.#record, request.durability, CAUSE.plain)
    const { limits } = this.#coordinator
    const { ms } = this.#coordinator.patienceOf(this.#exchange)
    this.#coordinator.wait(Math.max(ms, limits.writePatienceMs), this.#exchange, STAGE.giveUp)
  }

  onReply(position: number, reply: Reply | RepairReply): void {
    if (reply.kind !== MESSAGE.offered) return
    const { electorate } = this.#exchange
    if (reply.verdict === VERDICT.held) {
      this.#held |= 1 << position
      const isEnough = this.#operation.request.level === LEVEL.one || electorate.isQuorum(this.#held)
      if (!isEnough) return
      const { request, id } = this.#operation
      this.#coordinator.hearOut(this.#exchange, request.key, id, this.#held | this.#refused)
      this.#coordinator.answer(this.#operation, OUTCOME.ok, REASON.none, this.#record)
      return
    }
    const isFirst = this.#refused === 0
    this.#refused |= 1 << position
    if (electorate.isBlocking(this.#refused)) this.onTimer(STAGE.afterRefusal)
    else if (isFirst) {
      this.#coordinator.wait(
        this.#coordinator.patienceOf(this.#exchange).ms / 2,
        this.#exchange,
        STAGE.afterRefusal,
      )
    }
  }

  onTimer(_stage: number): void {
    this.#coordinator.close(this.#exchange)
    this.#settle()
  }

  #settle(): void {
    new Round(this.#coordinator, this.#operation).enter()
  }
}
