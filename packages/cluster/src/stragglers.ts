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
    if (this.#areAllAway) this.onTimer()
    else this.#endIfComplete()
  }

  /** A refusal, too, is the answer of somebody who is there. */
  onReply(position: number): void {
    this.#answered |= 1 << position
    this.#endIfComplete()
  }

  onTimer(): void {
    this.#coordinator.heardOut(this.#exchange)
    for (const [position, member] of this.#exchange.electorate.members.entries()) {
      if (this.#isMissing(position)) this.#coordinator.keepHint(member, this.#key, this.#ballot)
    }
  }

  /** Of those that have not answered. */
  get #areAllAway(): boolean {
    for (const [position, member] of this.#exchange.electorate.members.entries()) {
      if (this.#isMissing(position) && !this.#coordinator.isAway(member)) return false
    }
    return true
  }

  #isMissing(position: number): boolean {
    return (this.#answered & (1 << position)) === 0
  }

  #endIfComplete(): void {
    if (this.#answered === this.#exchange.electorate.everybody) this.#coordinator.heardOut(this.#exchange)
  }
}
