/**
 * One record goes to one member that lacks it: an offer as any other. One that is refused because of a promise
 * is left to a round, which has it held under a ballot above the promise.
 */
import type { Coordinator } from './coordinator.ts'
import { Electorate } from './electorate.ts'
import type { Exchange } from './exchange.ts'
import type { Exchanges } from './exchanges.ts'
import { REPAIR_DEADLINE_MS } from './limits.ts'
import { CAUSE, MESSAGE, type RepairReply, type Reply, VERDICT } from './messages.ts'
import type { Key } from './ports.ts'
import type { HeldRecord } from './record.ts'
import { ROUND_DURABILITY } from './replica.ts'

export class HandingOver {
  readonly #coordinator: Coordinator
  readonly #exchanges: Exchanges
  readonly #key: Key
  readonly #onOver: () => void
  #exchange!: Exchange

  constructor(coordinator: Coordinator, exchanges: Exchanges, key: Key, onOver: () => void) {
    this.#coordinator = coordinator
    this.#exchanges = exchanges
    this.#key = key
    this.#onOver = onOver
  }

  start(member: number, record: HeldRecord): void {
    this.#exchange = this.#exchanges.open(new Electorate([member]), this, true)
    this.#coordinator.offer(this.#exchange, this.#key, record, ROUND_DURABILITY, CAUSE.repair)
    this.#exchanges.wait(this.#coordinator.patience.ms, this.#exchange, 0)
  }

  /** What was lost is found by the next comparison. */
  onTimer(): void {
    this.#end()
  }

  onReply(_position: number, reply: Reply | RepairReply): void {
    if (reply.kind !== MESSAGE.offered || reply.verdict !== VERDICT.promised) return this.#end()
    this.#exchanges.close(this.#exchange)
    this.#coordinator.spread(this.#key, REPAIR_DEADLINE_MS, this.#onOver)
  }

  #end(): void {
    this.#exchanges.close(this.#exchange)
    this.#onOver()
  }
}
