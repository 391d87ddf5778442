/** The highest ballot ever held or promised in each partition: met with each write, asked for seldom. */
import { compareVersions, Version } from '@minivault/clock'
import { PARTITIONS } from '@minivault/topology'

const WORDS = 3

export class HighestBallots {
  /** No versions: written once per write, they would keep as many objects alive. */
  readonly #words = new Int32Array(PARTITIONS * WORDS)
  readonly #highest = new Version()

  meet(partition: number, ballot: Version): void {
    if (compareVersions(ballot, this.#read(partition, this.#highest)) <= 0) return
    const at = partition * WORDS
    this.#words[at] = ballot.high
    this.#words[at + 1] = ballot.middle
    this.#words[at + 2] = ballot.low
  }

  of(partition: number): Version {
    return this.#read(partition, new Version())
  }

  #read(partition: number, into: Version): Version {
    const at = partition * WORDS
    return into.set(this.#words[at]!, this.#words[at + 1]!, this.#words[at + 2]!)
  }
}
