/**
 * One record goes to one member that lacks it: an offer as any other. Refused because of a promise, it is
 * offered once more, a little later: the promise may be that of a round under way, which brings something
 * newer itself. An abandoned one is left to a round of ours, which has the record held under a ballot above
 * the promise.
 */
import type { Version } from '@minivault/clock'
import type { Coordinator } from './coordinator.ts'
import { Electorate } from './electorate.ts'
import type { Exchange } from './exchange.ts'
import type { Exchanges } from './exchanges.ts'
import { type Cause, MESSAGE, type RepairReply, type Reply, VERDICT } from './messages.ts'
import type { Key } from './ports.ts'
import type { HeldRecord } from './record.ts'
import { ROUND_DURABILITY } from './replica.ts'

const STAGE = { giveUp: 0, again: 1 } as const
/** Because of a promise. */
const REFUSALS_MAX = 2
/** Offers that nobody answers. How long an answer takes is learned from those that are late. */
const SILENCES_MAX = 3
const NOBODY = new Electorate([])

export class HandingOver {
  readonly #coordinator: Coordinator
  readonly #exchanges: Exchanges
  readonly #key: Key
  readonly #onOver: (isAnswered: boolean) => void
  /** The record comes from another region, or goes there. */
  readonly #isFar: boolean
  #record!: HeldRecord
  #exchange!: Exchange
  #begin!: () => void
  #offer!: () => void
  #refusals = 0
  #silences = 0

  /** @param onOver false: nobody was there, as it seems */
  constructor(
    coordinator: Coordinator,
    exchanges: Exchanges,
    key: Key,
    onOver: (isAnswered: boolean) => void,
    isFar: boolean,
  ) {
    this.#coordinator = coordinator
    this.#exchanges = exchanges
    this.#key = key
    this.#onOver = onOver
    this.#isFar = isFar
  }

  start(member: number, record: HeldRecord, cause: Cause): void {
    this.#record = record
    const coordinator = this.#coordinator
    const peer = new Electorate([member], null, this.#isFar)
    this.#begin = () => {
      this.#exchange = this.#exchanges.openToAll(peer, this)
      this.#offer()
    }
    this.#offer = () => {
      coordinator.offer(this.#exchange, this.#key, record, ROUND_DURABILITY, cause)
      const patienceMs = Math.max(coordinator.limits.repairPatienceMs, this.#patienceMs)
      this.#exchanges.wait(patienceMs, this.#exchange, STAGE.giveUp)
    }
    this.#begin()
  }

  onTimer(stage: number): void {
    if (stage === STAGE.giveUp) {
      this.#silences += 1
      if (this.#silences < SILENCES_MAX) return this.#offer()
    }
    this.#exchanges.close(this.#exchange)
    if (stage === STAGE.again) this.#begin()
    else this.#onOver(false)
  }

  onReply(_position: number, reply: Reply | RepairReply): void {
    this.#exchanges.close(this.#exchange)
    if (reply.kind !== MESSAGE.offered || reply.verdict !== VERDICT.promised) return this.#onOver(true)
    this.#refusals += 1
    if (this.#refusals < REFUSALS_MAX) this.#again()
    else if (this.#isFar) this.#spread(reply.above)
    else this.#coordinator.spreading.spread(this.#key, () => this.#onOver(true))
  }

  /** The round asks our region alone: it has to be told what it is about, and what is in the way there. */
  #spread(above: Version): void {
    const onOver = () => this.#onOver(true)
    this.#coordinator.spreading.spread(this.#key, onOver, this.#record, above)
  }

  get #patienceMs(): number {
    return this.#coordinator.patienceOf(this.#exchange).ms
  }

  #again(): void {
    const patienceMs = this.#patienceMs
    this.#exchange = this.#exchanges.openToAll(NOBODY, this)
    const afterMs = patienceMs * (1 + this.#coordinator.random())
    this.#exchanges.wait(afterMs, this.#exchange, STAGE.again)
  }
}
