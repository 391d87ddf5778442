/** Every exchange of one member that waits for answers, by the number under which they come back. */
import type { Electorate } from './electorate.ts'
import { type Asker, Exchange } from './exchange.ts'
import type { Env } from './ports.ts'

export class Exchanges {
  readonly #env: Env
  readonly #open = new Map<number, Exchange>()
  /** Begins anywhere: a reply to the life before a restart answers no question of this one. */
  #last: number

  constructor(env: Env) {
    this.#env = env
    this.#last = Math.floor(env.random() * 2 ** 48)
  }

  open(electorate: Electorate, asker: Asker, hearsAll = false): Exchange {
    this.#last += 1
    const exchange = new Exchange(this.#last, electorate, asker, this.#env.now(), hearsAll)
    this.#open.set(exchange.number, exchange)
    return exchange
  }

  close(exchange: Exchange): void {
    this.#open.delete(exchange.number)
  }

  /** `Asker.onTimer`, if the exchange is still open then. */
  wait(afterMs: number, { number }: Exchange, stage: number): void {
    this.#env.setTimer(afterMs, number, stage)
  }

  find(number: number): Exchange | undefined {
    return this.#open.get(number)
  }

  onTimer(number: number, stage: number): void {
    this.#open.get(number)?.asker.onTimer(stage)
  }
}
