/** Every exchange of one member that waits for answers, by the number under which they come back. */
import type { Electorate } from './electorate.ts'
import { type Asker, Exchange, type ExchangeParts } from './exchange.ts'
import type { Env } from './ports.ts'

type Opened = Omit<ExchangeParts, 'number' | 'sinceMs'>

/** A power of two. */
const PLACES_MIN = 1024

export class Exchanges {
  readonly #env: Env
  /**
   * Each at its count, modulo their length; at least half of them are empty. Not a Map: one that things come
   * to and go from all the time is made anew again and again, and what once stood in the old ones the
   * collector of young objects takes for alive.
   */
  #places: (Exchange | null)[] = emptyPlaces(PLACES_MIN)
  /** Anywhere: a reply to the life before a restart answers no question of this one. */
  readonly #first: number
  #count = 0
  #openCount = 0

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
    if (this.#openCount * 2 >= this.#places.length) this.#widen()
    // Where one stays open for long, its place is passed by.
    do this.#count += 1
    while (this.#places[this.#placeOf(this.#count)] !== null)
    const number = this.#first + this.#count
    const sinceMs = this.#env.now()
    const exchange = new Exchange({ number, electorate, epoch, asker, sinceMs, hearsAll, follows })
    this.#places[this.#placeOf(this.#count)] = exchange
    this.#openCount += 1
    return exchange
  }

  /** Those that differ in the shorter one differ in the longer one. */
  #widen(): void {
    const open = this.#places
    this.#places = emptyPlaces(open.length * 2)
    for (const one of open) if (one !== null) this.#places[this.#placeOf(one.number - this.#first)] = one
  }

  #placeOf(count: number): number {
    return count & (this.#places.length - 1)
  }

  /** Once more does nothing. */
  close(exchange: Exchange): void {
    const place = this.#placeOf(exchange.number - this.#first)
    if (this.#places[place] !== exchange) return
    this.#places[place] = null
    this.#openCount -= 1
  }

  /** `Asker.onTimer`, if the exchange is still open then. */
  wait(afterMs: number, { number }: Exchange, stage: number): void {
    this.#env.setTimer(afterMs, number, stage)
  }

  find(number: number): Exchange | undefined {
    const exchange = this.#places[this.#placeOf(number - this.#first)]!
    return exchange !== null && exchange.number === number ? exchange : undefined
  }

  onTimer(number: number, stage: number): void {
    this.find(number)?.asker.onTimer(stage)
  }
}

function emptyPlaces(length: number): (Exchange | null)[] {
  return new Array<Exchange | null>(length).fill(null)
}
