/**
 * One record goes to one member that lacks it: an offer as any other. One that is refused because of a
 * promise is left to a round, which has it held under a ballot above the promise.
 */
import type { Coordinator } from './coordinator.ts'
import { Electorate } from './electorate.ts'
import type { Exchange } from './exchange.ts'
import type { Exchanges } from './exchanges.ts'
import { REPAIR_DEADLINE_MS } from './limits.ts'
import { type Cause, MESSAGE, type RepairReply, type Reply, VERDICT } from './messages.ts'
import type { Key } from './ports.ts'
import type { HeldRecord } from './record.ts'
import { ROUND_DURABILITY } from './replica.ts'

export class HandingOver {
  readonly #coordinator: Coordinator
  readonly #exchanges: Exchanges
  readonly #key: Key
  readonly #onOver: (isAnswered: boolean) => void
  #exchange!: Exchange

  /** @param onOver false: nobody was there, as it seems */
  constructor(
    coordinator: Coordinator,
    exchanges: Exchanges,
    key: Key,
    onOver: (isAnswered: boolean) => void,
  ) {
    this.#coordinator = coordinator
    this.#exchanges = exchanges
    this.#key = key
    this.#onOver = onOver
  }

  start(member: number, record: HeldRecord, cause: Cause): void {
    this.#exchange = this.#exchanges.openToAll(new Electorate([member]), this)
    this.#coordinator.offer(this.#exchange, this.#key, record, ROUND_DURABILITY, cause)
    this.#exchanges.wait(this.#coordinator.patience.ms, this.#exchange, 0)
  }

  onTimer(): void {
    this.#exchanges.close(this.#exchange)
    this.#onOver(false)
  }

  onReply(_position: number, reply: Reply | RepairReply): void {
    this.#exchanges.close(this.#exchange)
    if (reply.kind !== MESSAGE.offered || reply.verdict !== VERDICT.promised) return this.#onOver(true)
    this.#coordinator.spread(this.#key, REPAIR_DEADLINE_MS, () => this.#onOver(true))
  }
}
