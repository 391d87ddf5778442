/**
 * What another region has decided for us is offered to our own before it is answered: who made it here reads
 * it here. The home sends it as well; so this is no more than waited for, and not for long.
 */
import type { Coordinator } from './coordinator.ts'
import type { Exchange } from './exchange.ts'
import { CAUSE, MESSAGE, type RepairReply, type Reply, VERDICT } from './messages.ts'
import type { Operation } from './operation.ts'
import { type HeldRecord, isRaised } from './record.ts'
import { ROUND_DURABILITY } from './replica.ts'

type Asking = Pick<Coordinator, 'close' | 'offer' | 'open' | 'patience' | 'spreading' | 'wait'>

export class LocalOffer {
  readonly #coordinator: Asking
  readonly #operation: Operation
  readonly #record: HeldRecord
  readonly #onOver: () => void
  #exchange!: Exchange
  #answered = 0

  constructor(coordinator: Asking, operation: Operation, record: HeldRecord, onOver: () => void) {
    this.#coordinator = coordinator
    this.#operation = operation
    this.#record = record
    this.#onOver = onOver
  }

  start(): void {
    const { key } = this.#operation.request
    this.#operation.rounds += 1
    if (isRaised(this.#record)) {
      const { spreading, patience } = this.#coordinator
      return spreading.admit(key, this.#record, this.#onOver, patience.ms)
    }
    this.#exchange = this.#coordinator.open(key, this)
    // Not one that is sent on.
    this.#coordinator.offer(this.#exchange, key, this.#record, ROUND_DURABILITY, CAUSE.hint)
    this.#coordinator.wait(this.#coordinator.patience.ms, this.#exchange, 0)
  }

  /** Held, or something newer is. */
  onReply(position: number, reply: Reply | RepairReply): void {
    if (reply.kind !== MESSAGE.offered || reply.verdict === VERDICT.promised) return
    this.#answered |= 1 << position
    if (this.#exchange.electorate.isQuorum(this.#answered)) this.onTimer()
  }

  onTimer(): void {
    this.#coordinator.close(this.#exchange)
    this.#onOver()
  }
}
