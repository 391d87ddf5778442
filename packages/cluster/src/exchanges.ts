/** Every exchange of one member that waits for answers, by the number under which they come back. */
import type { Electorate } from './electorate.ts'
import { type Asker, Exchange, type ExchangeParts } from './exchange.ts'
import type { Env } from './ports.ts'

type Opened = Omit<ExchangeParts, 'number' | 'sinceMs'>

export class Exchanges {
  readonly #env: Env
  /** By how far their numbers are from the first: a Map finds small integers faster than large ones. */
  readonly #open = new Map<number, Exchange>()
  /** Anywhere: a reply to the life before a restart answers no question of this one. */
  readonly #first: number
  #count = 0

  constructor(env: Env) {
    this.#env = env
    this.#first = Math.floor(env.random() * 2 ** 48)
  }

  /** Answers count that were given in this phase of the layout. */
  open(electorate: Electorate, asker: Asker, epoch: number): Exchange {
    return this.#begin({ electorate, epoch, asker, hearsAll: false, follows: null })
  }

  /** Those, too, are heard who may have forgotten something, and whatever layout they go by. */
  openToAll(electorate: Electorate, asker: Asker, follows: Exchange | null = null): Exchange {
    return this.#begin({ electorate, epoch: 0, asker, hearsAll: true, follows })
  }

  /** What depends on the answers to another: of the same replicas, in the same phase, in the same lives. */
  follow(follows: Exchange, asker: Asker): Exchange {
    const { electorate, epoch } = follows
    return this.#begin({ electorate, epoch, asker, hearsAll: false, follows })
  }

  #begin({ electorate, epoch, asker, hearsAll, follows }: Opened): Exchange {
    this.#count += 1
    const number = this.#first + this.#count
    const sinceMs = this.#env.now()
    const exchange = new Exchange({ number, electorate, epoch, asker, sinceMs, hearsAll, follows })
    this.#open.set(this.#count, exchange)
    return exchange
  }

  close(exchange: Exchange): void {
    this.#open.delete(exchange.number - this.#first)
  }

  /** `Asker.onTimer`, if the exchange is still open then. */
  wait(afterMs: number, { number }: Exchange, stage: number): void {
    this.#env.setTimer(afterMs, number, stage)
  }

  find(number: number): Exchange | undefined {
    return this.#open.get(number - this.#first)
  }

  onTimer(number: number, stage: number): void {
    this.find(number)?.asker.onTimer(stage)
  }
}
