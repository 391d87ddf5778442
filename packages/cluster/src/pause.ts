/** Nothing for a while, then a task. */
import { Electorate } from './electorate.ts'
import type { Asker, Exchange } from './exchange.ts'
import type { Exchanges } from './exchanges.ts'

const NOBODY = new Electorate([])

export class Pause implements Asker {
  readonly #exchanges: Exchanges
  readonly #exchange: Exchange
  readonly #then: () => void

  constructor(exchanges: Exchanges, ms: number, then: () => void) {
    this.#exchanges = exchanges
    this.#then = then
    this.#exchange = exchanges.openToAll(NOBODY, this)
    exchanges.wait(ms, this.#exchange, 0)
  }

  onTimer(): void {
    this.#exchanges.close(this.#exchange)
    this.#then()
  }

  /** Nobody was asked. */
  onReply(): void {}
}
