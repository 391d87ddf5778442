/** One question to one member, asked again until it is answered or not worth asking any more. */
import { Electorate } from './electorate.ts'
import type { Exchange } from './exchange.ts'
import type { Exchanges } from './exchanges.ts'
import type { RepairReply, Reply } from './messages.ts'
import type { Patience } from './patience.ts'

/** How questions are asked here. */
export interface Inquirer {
  readonly exchanges: Exchanges
  /** For answers of this member: how long they take is learned from those to comparisons alone. */
  readonly patienceFor: (member: number) => Patience
  readonly now: () => number
  readonly triesMax: number
}

export class Inquiry {
  readonly #inquirer: Inquirer
  readonly #member: number
  readonly #peer: Electorate
  readonly #ask: (exchange: number) => void
  readonly #onReply: (reply: Reply | RepairReply, tookMs: number) => void
  readonly #onSilence: () => void
  #exchange!: Exchange
  #tries = 0

  /** @param ask sends it, under this number */
  constructor(
    inquirer: Inquirer,
    member: number,
    ask: (exchange: number) => void,
    onReply: (reply: Reply | RepairReply, tookMs: number) => void,
    onSilence: () => void,
  ) {
    this.#inquirer = inquirer
    this.#member = member
    this.#peer = new Electorate([member])
    this.#ask = ask
    this.#onReply = onReply
    this.#onSilence = onSilence
  }

  start(): void {
    this.#exchange = this.#inquirer.exchanges.openToAll(this.#peer, this)
    this.#askAgain()
  }

  /** Under the same number: the answer to an earlier one is as good, and how long it takes is not known. */
  #askAgain(): void {
    const { exchanges, patienceFor } = this.#inquirer
    exchanges.wait(patienceFor(this.#member).ms, this.#exchange, 0)
    this.#ask(this.#exchange.number)
  }

  onTimer(): void {
    this.#tries += 1
    if (this.#tries < this.#inquirer.triesMax) return this.#askAgain()
    this.#inquirer.exchanges.close(this.#exchange)
    this.#onSilence()
  }

  onReply(_position: number, reply: Reply | RepairReply): void {
    const { exchanges, patienceFor, now } = this.#inquirer
    exchanges.close(this.#exchange)
    const nowMs = now()
    const tookMs = nowMs - this.#exchange.sinceMs
    patienceFor(this.#member).observe(tookMs, nowMs)
    this.#onReply(reply, tookMs)
  }
}
