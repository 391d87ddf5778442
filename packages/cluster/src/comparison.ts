/**
 * We compare what we hold with one other member, partition by partition, and bring both to the newer record of
 * every key that differs:
 *
 *   roots ──▶ which partitions differ ──▶ leaves ──▶ (key, ballot) of the leaves that differ
 *                                                     ├─ theirs is newer: fetch it, take it ourselves
 *                                                     └─ ours is newer: offer it
 *
 * When it is over, we have held everything that the other held when it began.
 */
import { Electorate } from './electorate.ts'
import type { Exchange } from './exchange.ts'
import type { Exchanges } from './exchanges.ts'
import type { Limits } from './limits.ts'
import { type Entries, type Entry, type Fetched, MESSAGE, type RepairReply, type Reply } from './messages.ts'
import type { Key } from './ports.ts'
import { isAbove, isBelow } from './record.ts'
import type { Repair } from './repair.ts'
import { LEAVES } from './trees.ts'

export class Comparison {
  readonly #repair: Repair
  readonly #exchanges: Exchanges
  readonly #limits: Limits
  readonly #peer: Electorate
  readonly #partitions: readonly number[]
  readonly #onOver: (isComplete: boolean) => void
  #exchange!: Exchange
  #ask!: () => void
  #tries = 0
  /** Those that differ and are not done. */
  #differing: number[] = []
  #leaf = 0
  /** Keys of these leaves that are not equal yet, and how many are being brought. */
  #toOffer: Key[] = []
  #toFetch: Key[] = []
  #underWay = 0
  #isFetching = false

  constructor(
    repair: Repair,
    exchanges: Exchanges,
    limits: Limits,
    member: number,
    partitions: readonly number[],
    onOver: (isComplete: boolean) => void,
  ) {
    this.#repair = repair
    this.#exchanges = exchanges
    this.#limits = limits
    this.#peer = new Electorate([member])
    this.#partitions = partitions
    this.#onOver = onOver
  }

  get #member(): number {
    return this.#peer.members[0]!
  }

  start(): void {
    this.#question(() => this.#repair.askRoots(this.#exchange, this.#partitions))
  }

  #question(ask: () => void): void {
    this.#ask = ask
    this.#tries = 0
    this.#open()
  }

  #open(): void {
    this.#exchange = this.#exchanges.open(this.#peer, this, true)
    this.#exchanges.wait(this.#repair.patienceMs, this.#exchange, 0)
    this.#ask()
  }

  onTimer(): void {
    this.#exchanges.close(this.#exchange)
    this.#tries += 1
    if (this.#tries < this.#limits.compareTriesMax) this.#open()
    else this.#onOver(false)
  }

  onReply(_position: number, reply: Reply | RepairReply): void {
    this.#exchanges.close(this.#exchange)
    if (reply.kind === MESSAGE.rootsDiffer) {
      this.#differing = [...reply.partitions]
      this.#leaf = 0
      this.#goOn()
    } else if (reply.kind === MESSAGE.entries) this.#onEntries(reply)
    else if (reply.kind === MESSAGE.fetched) this.#onFetched(reply)
  }

  /** More of these leaves; when they are done, the next. */
  #goOn(): void {
    while (this.#toOffer.length > 0 && this.#underWay < this.#limits.repairsAtOnce) {
      this.#underWay += 1
      this.#repair.bringTo(this.#member, this.#toOffer.pop()!, () => this.#onBrought())
    }
    if (this.#isFetching || this.#underWay > 0) return
    if (this.#toFetch.length > 0) return this.#fetch()
    if (this.#leaf >= LEAVES) {
      this.#differing.shift()
      this.#leaf = 0
    }
    const partition = this.#differing[0]
    if (partition === undefined) return this.#onOver(true)
    this.#question(() => this.#repair.askLeaves(this.#exchange, partition, this.#leaf))
  }

  #fetch(): void {
    this.#isFetching = true
    const keys = this.#toFetch.splice(0, this.#limits.repairsAtOnce)
    this.#question(() => this.#repair.askFor(this.#exchange, keys))
  }

  #onEntries({ leaves, entries, next }: Entries): void {
    const partition = this.#differing[0]!
    this.#leaf = next
    const theirs = new Map<string, Entry>(entries.map((entry) => [entry.key.id, entry]))
    this.#toFetch = entries.map(({ key }) => key).filter((key) => this.#isNewer(theirs.get(key.id)!))
    this.#toOffer = this.#repair.keysIn(partition, leaves).filter((key) => {
      const other = theirs.get(key.id)
      return other === undefined || isBelow(other.ballot, this.#repair.ballotOf(key))
    })
    this.#goOn()
  }

  #isNewer({ key, ballot }: Entry): boolean {
    return isAbove(ballot, this.#repair.ballotOf(key))
  }

  #onFetched({ records }: Fetched): void {
    this.#isFetching = false
    this.#underWay += records.length
    for (const { key, record } of records) this.#repair.take(key, record, () => this.#onBrought())
    this.#goOn()
  }

  #onBrought(): void {
    this.#underWay -= 1
    this.#goOn()
  }
}
