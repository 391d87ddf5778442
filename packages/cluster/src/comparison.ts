/**
 * We compare what we hold with one other member, partition by partition, and bring both to the newer record
 * of every key that differs:
 *
 *   roots ──▶ which partitions differ ──▶ leaves ──▶ (key, ballot) of the leaves that differ
 *                                                     ├─ theirs is newer: fetch it, take it ourselves
 *                                                     ├─ ours is newer: offer it
 *                                                     └─ they have nothing, and their floor is above ours: a
 *                                                        round has to say what is true
 *
 * Who copies, and holds nothing of a leaf, is sent its records at once, and leaves the other alone for a
 * while after each message of them.
 *
 * When it is over, we have held everything that the other held when it began.
 */
import { type Inquirer, Inquiry } from './inquiry.ts'
import { COPY_REST, type Limits } from './limits.ts'
import type { Floor } from './marks.ts'
import {
  type Copied,
  type Entries,
  type Entry,
  type Fetched,
  MESSAGE,
  type RepairReply,
  type Reply,
} from './messages.ts'
import type { Key } from './ports.ts'
import { absentAt, type HeldRecord, isAbove, isBelow } from './record.ts'
import type { Repair } from './repair.ts'
import { LEAVES } from './trees.ts'

/**
 * @param isComplete whether all was compared, and everybody who was to be brought something was there
 * @param keysDiffering so many were not equal
 */
export type OnCompared = (isComplete: boolean, keysDiffering: number) => void

/** What to do with a record that another holds; false: that was not all there is to be done. */
export type Take = (key: Key, record: HeldRecord) => boolean

export class Comparison {
  readonly #repair: Repair
  readonly #inquirer: Inquirer
  readonly #limits: Limits
  readonly #member: number
  readonly #partitions: readonly number[]
  /** Not null: only we are brought to what is newer. */
  readonly #take: Take | null
  readonly #onOver: OnCompared
  /** Those that differ and are not done. */
  #differing: number[] = []
  #leaf = 0
  /** Keys of these leaves that are not equal yet, and how many are being brought. */
  #toOffer: Key[] = []
  #toFetch: Entry[] = []
  #toSettle: Key[] = []
  /** Theirs. */
  #floors: ReadonlyMap<number, Floor> = new Map()
  #asked: readonly Entry[] = []
  #underWay = 0
  #isFetching = false
  #isComplete = true
  /** Before the next question. */
  #restMs = 0
  #keysDiffering = 0

  constructor(
    repair: Repair,
    inquirer: Inquirer,
    limits: Limits,
    member: number,
    partitions: readonly number[],
    take: Take | null,
    onOver: OnCompared,
  ) {
    this.#repair = repair
    this.#inquirer = inquirer
    this.#limits = limits
    this.#member = member
    this.#partitions = partitions
    this.#take = take
    this.#onOver = onOver
  }

  start(): void {
    this.#question((number) => this.#repair.askRoots(this.#member, number, this.#partitions))
  }

  #question(ask: (exchange: number) => void): void {
    const onReply = (reply: Reply | RepairReply, tookMs: number) => this.#onReply(reply, tookMs)
    new Inquiry(this.#inquirer, this.#member, ask, onReply, () => this.#end(false)).start()
  }

  #onReply(reply: Reply | RepairReply, tookMs: number): void {
    const brings = reply.kind === MESSAGE.copied || reply.kind === MESSAGE.fetched
    const isCopy = brings && this.#take !== null
    if (isCopy) this.#restMs = Math.min(this.#limits.copyRestMsMax, COPY_REST * tookMs)
    if (reply.kind === MESSAGE.rootsDiffer) {
      this.#differing = [...reply.partitions]
      this.#leaf = 0
      this.#goOn()
    } else if (reply.kind === MESSAGE.entries) this.#onEntries(reply)
    else if (reply.kind === MESSAGE.copied) this.#onCopied(reply)
    else if (reply.kind === MESSAGE.fetched) this.#onFetched(reply)
  }

  /** More of these leaves; when they are done, the next. */
  #goOn(): void {
    while (this.#underWay < this.#limits.repairsAtOnce && this.#bring()) {}
    if (this.#isFetching || this.#underWay > 0) return
    if (this.#restMs > 0) return this.#rest()
    if (this.#toFetch.length > 0) return this.#fetch()
    if (this.#leaf >= LEAVES) {
      this.#differing.shift()
      this.#leaf = 0
    }
    const partition = this.#differing[0]
    if (partition === undefined) return this.#end(this.#isComplete)
    const wantsRecords = this.#take !== null && this.#limits.copiedMax > 0
    this.#question((number) => {
      this.#repair.askLeaves(this.#member, number, partition, this.#leaf, wantsRecords)
    })
  }

  #rest(): void {
    const restMs = this.#restMs
    this.#restMs = 0
    this.#repair.rest(restMs, () => this.#goOn())
  }

  /** One key; false: there is none. */
  #bring(): boolean {
    const offered = this.#toOffer.pop()
    const settled = offered === undefined ? this.#toSettle.pop() : undefined
    if (offered === undefined && settled === undefined) return false
    this.#underWay += 1
    const onBrought = (isAnswered: boolean) => this.#onBrought(isAnswered)
    if (offered !== undefined) this.#repair.bringTo(this.#member, offered, onBrought)
    else this.#repair.settle(settled!, onBrought, this.#standingFor(settled!))
    return true
  }

  /** In another region, which a round of ours does not ask: their floor. */
  #standingFor({ leaf }: Key): HeldRecord | null {
    return this.#repair.isForeign(this.#member) ? absentAt(this.#floors.get(leaf)!.upTo) : null
  }

  #fetch(): void {
    // What came meanwhile, from another member or by a hint, need not come again.
    const asked = this.#toFetch.splice(0, this.#limits.repairsAtOnce).filter((one) => this.#isNewer(one))
    if (asked.length === 0) return this.#goOn()
    this.#isFetching = true
    this.#asked = asked
    const keys = asked.map(({ key }) => key)
    this.#question((number) => this.#repair.askFor(this.#member, number, keys))
  }

  #onCopied(copied: Copied): void {
    this.#takeAll(copied.records)
    this.#onEntries(copied)
  }

  /** While only we are brought to what is newer. */
  #takeAll(records: Copied['records']): void {
    for (const { key, record } of records) if (this.#take?.(key, record) === false) this.#isComplete = false
  }

  #onEntries({ epoch, leaves, entries, next, floors }: Entries | Copied): void {
    const partition = this.#differing[0]!
    this.#leaf = next
    if (this.#take === null) this.#repair.adopt(floors, epoch)
    const theirs = new Map<string, Entry>(entries.map((entry) => [entry.key.id, entry]))
    const theirFloors = new Map<number, Floor>(floors.map((floor) => [floor.leaf, floor]))
    this.#floors = theirFloors
    this.#toFetch = entries.filter((entry) => this.#isNewer(entry))
    this.#toOffer = []
    this.#toSettle = []
    const ours = this.#take === null ? this.#repair.keysIn(partition, leaves) : []
    for (const key of ours) {
      const ballot = this.#repair.ballotOf(key)
      const other = theirs.get(key.id)
      const floor = theirFloors.get(key.leaf)
      if (other !== undefined) {
        if (isBelow(other.ballot, ballot)) this.#toOffer.push(key)
      } else if (floor !== undefined && !isAbove(ballot, floor.upTo)) this.#toSettle.push(key)
      else this.#toOffer.push(key)
    }
    if (this.#take === null) this.#settleWhatStays(entries, theirFloors, new Set(ours.map(({ id }) => id)))
    this.#keysDiffering += this.#toFetch.length + this.#toOffer.length + this.#toSettle.length
    this.#goOn()
  }

  /** What is released here, and what they do not let go of though they have a floor above it. */
  #settleWhatStays(entries: readonly Entry[], theirs: ReadonlyMap<number, Floor>, ours: Set<string>): void {
    for (const entry of entries) {
      const floor = theirs.get(entry.key.leaf)
      const stays = floor !== undefined && !isAbove(entry.ballot, floor.upTo)
      if (stays && !ours.has(entry.key.id) && !this.#isNewer(entry)) this.#toSettle.push(entry.key)
    }
  }

  #isNewer({ key, ballot }: Entry): boolean {
    return isAbove(ballot, this.#repair.ballotOf(key))
  }

  #onFetched({ records, answered }: Fetched): void {
    this.#isFetching = false
    this.#toFetch.unshift(...this.#asked.slice(answered))
    if (this.#take !== null) this.#takeAll(records)
    else {
      this.#underWay += records.length
      for (const { key, record } of records) {
        this.#repair.takeOrSettle(this.#member, key, record, (isAnswered) => this.#onBrought(isAnswered))
      }
    }
    this.#goOn()
  }

  #onBrought(isAnswered: boolean): void {
    this.#underWay -= 1
    if (!isAnswered) this.#isComplete = false
    this.#goOn()
  }

  #end(isComplete: boolean): void {
    this.#onOver(isComplete, this.#keysDiffering)
  }
}
