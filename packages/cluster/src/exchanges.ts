/** Every exchange of one member that waits for answers, by the number under which they come back. */
import type { Electorate } from './electorate.ts'
import { type Asker, Exchange, type ExchangeParts } from './exchange.ts'
import type { Env } from './ports.ts'

type Opened = Omit<ExchangeParts, 'number' | 'sinceMs'>

export class Exchanges {
  readonly #env: Env
  readonly #byNumber = new Map<number, Exchange>()
  /** Begins anywhere: a reply to the life before a restart answers no question of this one. */
  #last: number

  constructor(env: Env) {
    this.#env = env
    this.#last = Math.floor(env.random() * 2 ** 48)
  }

  /** Answers count that were given in this phase of the layout. */
  open(electorate: Electorate, asker: Asker, epoch: number): Exchange {
    return this.#open({ electorate, epoch, asker, hearsAll: false, follows: null })
  }

  /** Those, too, are heard who may have forgotten something, and whatever layout they go by. */
  openToAll(electorate: Electorate, asker: Asker): Exchange {
    return this.#open({ electorate, epoch: 0, asker, hearsAll: true, follows: null })
  }

  /** What depends on the answers to another: of the same replicas, in the same phase, in the same lives. */
  follow(follows: Exchange, asker: Asker): Exchange {
    const { electorate, epoch } = follows
    return this.#open({ electorate, epoch, asker, hearsAll: false, follows })
  }

  #open({ electorate, epoch, asker, hearsAll, follows }: Opened): Exchange {
    this.#last += 1
    const number = this.#last
    const sinceMs = this.#env.now()
    const exchange = new Exchange({ number, electorate, epoch, asker, sinceMs, hearsAll, follows })
    this.#byNumber.set(number, exchange)
    return exchange
  }

  close(exchange: Exchange): void {
    this.#byNumber.delete(exchange.number)
  }

  /** `Asker.onTimer`, if the exchange is still open then. */
  wait(afterMs: number, { number }: Exchange, stage: number): void {
    this.#env.setTimer(afterMs, number, stage)
  }

  find(number: number): Exchange | undefined {
    return this.#byNumber.get(number)
  }

  onTimer(number: number, stage: number): void {
    this.#byNumber.get(number)?.asker.onTimer(stage)
  }
}
