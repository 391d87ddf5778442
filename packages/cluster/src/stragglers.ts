/**
 * Hears out an exchange whose record is held by enough: for members that do not answer, pointers are kept. It
 * stays no longer than the exchange would have.
 */
import type { Version } from '@minivault/clock'
import type { Coordinator } from './coordinator.ts'
import type { Exchange } from './exchange.ts'
import type { Key } from './ports.ts'

export class Stragglers {
  readonly #coordinator: Coordinator
  readonly #exchange: Exchange
  readonly #key: Key
  readonly #ballot: Version
  /** Positions that answered. */
  #answered: number

  constructor(coordinator: Coordinator, exchange: Exchange, key: Key, ballot: Version, answered: number) {
    this.#coordinator = coordinator
    this.#exchange = exchange
    this.#key = key
    this.#ballot = ballot
    this.#answered = answered
  }

  start(): void {
    this.#exchange.asker = this
    this.#exchange.isTrailing = true
    if (this.#coordinator.areAllAway(this.#missing)) this.onTimer()
    else this.#endIfComplete()
  }

  /** A refusal, too, is the answer of somebody who is there. */
  onReply(position: number): void {
    this.#answered |= 1 << position
    this.#endIfComplete()
  }

  onTimer(): void {
    this.#coordinator.close(this.#exchange)
    for (const member of this.#missing) this.#coordinator.keepHint(member, this.#key, this.#ballot)
  }

  get #missing(): number[] {
    const { members } = this.#exchange.electorate
    return members.filter((_, position) => (this.#answered & (1 << position)) === 0)
  }

  #endIfComplete(): void {
    if (this.#answered === this.#exchange.electorate.everybody) this.#coordinator.close(this.#exchange)
  }
}
