/**
 * A read. Two of three that show one ballot are an answer; else the newest is offered to all, and is the
 * answer once it is chosen. A record that only a minority holds is never shown: whoever sees it brings it to
 * its end, or waits for somebody who does.
 *
 * One replica is asked for the value, the others for their ballots; the third only when the second is slow.
 * At level `one` only the nearest is asked, as long as it is not slow.
 */
import type { Coordinator } from './coordinator.ts'
import type { Exchange } from './exchange.ts'
import { CAUSE, MESSAGE, type RepairReply, type Reply, VERDICT } from './messages.ts'
import type { Operation } from './operation.ts'
import { type HeldRecord, isAbove, isEqual, isSame } from './record.ts'
import { ROUND_DURABILITY } from './replica.ts'
import { LEVEL, OUTCOME, REASON } from './request.ts'
import { Round } from './round.ts'

const STAGE = { hedge: 1, afterRefusal: 2, giveUp: 3 } as const

export class QuorumRead {
  readonly #coordinator: Coordinator
  readonly #operation: Operation
  #exchange!: Exchange
  /** Positions of those that were asked at once. */
  #first = 0
  #records: (HeldRecord | undefined)[] = []
  #answered = 0
  /** Those of them who hold what they show, and do not only know of it. */
  #holders = 0
  #tries = 0
  #wantsAllValues = false
  #hasAskedAll = false
  /** Of the write-back: what is offered (null: we are still reading), and who holds it. */
  #newest: HeldRecord | null = null
  #held = 0
  #refused = 0
  /** Somebody has refused it because of a promise. */
  #isPromised = false

  constructor(coordinator: Coordinator, operation: Operation) {
    this.#coordinator = coordinator
    this.#operation = operation
  }

  start(): void {
    const { key, level } = this.#operation.request
    this.#operation.rounds += 1
    this.#tries += 1
    this.#newest = null
    this.#answered = 0
    this.#holders = 0
    this.#hasAskedAll = false
    this.#exchange = this.#coordinator.open(key, this)
    this.#records = new Array(this.#exchange.electorate.members.length)
    const nearest = this.#coordinator.nearest(this.#exchange, key.partition)
    const count = level === LEVEL.one ? 1 : nearest.length
    this.#first = 0
    for (let index = 0; index < count; index++) {
      const position = nearest[index]!
      this.#first |= 1 << position
      this.#coordinator.read(this.#exchange, position, key, this.#wantsAllValues || index === 0)
    }
    const patience = this.#coordinator.patienceOf(this.#exchange)
    this.#coordinator.wait(patience.roundTripMs, this.#exchange, STAGE.hedge)
    this.#coordinator.wait(patience.ms, this.#exchange, STAGE.giveUp)
  }

  onTimer(stage: number): void {
    if (stage === STAGE.hedge) return this.#askTheRest()
    if (stage === STAGE.afterRefusal) return this.#onRefused()
    const isEnough = this.#newest === null && this.#exchange.electorate.isQuorum(this.#answered)
    if (isEnough) return this.#writeBack(this.#newestShown())
    this.#coordinator.close(this.#exchange)
    this.#startIfTime()
  }

  #startIfTime(): void {
    if (this.#coordinator.now() < this.#operation.deadlineMs) this.start()
    else this.#coordinator.answer(this.#operation, OUTCOME.failed, REASON.noQuorum, null)
  }

  #askTheRest(): void {
    if (this.#hasAskedAll) return
    this.#hasAskedAll = true
    // Whoever is asked late is asked for the value: the one asked first may be the one that is away.
    this.#wantsAllValues = true
    const { key } = this.#operation.request
    for (const position of this.#exchange.electorate.members.keys()) {
      if ((this.#first & (1 << position)) === 0) this.#coordinator.readLate(this.#exchange, position, key)
    }
  }

  onReply(position: number, reply: Reply | RepairReply): void {
    if (reply.kind === MESSAGE.state) this.#onState(position, reply.record, reply.isHeld)
    else if (reply.kind === MESSAGE.offered) this.#onOffered(position, reply.verdict)
  }

  #onState(position: number, record: HeldRecord, isHeld: boolean): void {
    if (isHeld) this.#holders |= 1 << position
    this.#records[position] = record
    this.#answered |= 1 << position
    const { electorate } = this.#exchange
    const isOfOne = this.#operation.request.level === LEVEL.one
    const isEnough = isOfOne || electorate.isQuorum(this.#answered)
    if (!isEnough) return
    const newest = this.#newestShown()
    const showing = this.#showing(newest)
    const isChosen = isOfOne || electorate.isQuorum(showing & this.#holders)
    if (newest.value === undefined) {
      this.#coordinator.close(this.#exchange)
      this.#wantsAllValues = true
      this.start()
    } else if (isChosen) this.#finish(newest)
    // Somebody only knows of it: the rest may hold it, and then nothing has to be written.
    else if ((showing & ~this.#holders) !== 0 && this.#mayHearMore()) this.#askTheRest()
    else this.#writeBack(newest)
  }

  #mayHearMore(): boolean {
    return (this.#answered | this.#away(this.#answered)) !== this.#exchange.electorate.everybody
  }

  /** The positions of those that are away, as it seems, and have not answered. */
  #away(answered: number): number {
    let bits = 0
    for (const [position, member] of this.#exchange.electorate.members.entries()) {
      const bit = 1 << position
      if ((answered & bit) === 0 && this.#coordinator.isAway(member)) bits |= bit
    }
    return bits
  }

  /** The same may come with its value and without; or as a tombstone, and as the absence for it. */
  #newestShown(): HeldRecord {
    let newest: HeldRecord | undefined
    for (const record of this.#records) {
      if (record === undefined) continue
      if (newest === undefined || isAbove(record.ballot, newest.ballot)) newest = record
      else if (newest.value === undefined && isEqual(record.ballot, newest.ballot)) newest = record
    }
    return newest!
  }

  /** The positions that show this record. */
  #showing(newest: HeldRecord): number {
    let bits = 0
    for (let position = 0; position < this.#records.length; position++) {
      const record = this.#records[position]
      if (record !== undefined && isSame(record, newest)) bits |= 1 << position
    }
    return bits
  }

  #writeBack(newest: HeldRecord): void {
    const { key } = this.#operation.request
    this.#coordinator.close(this.#exchange)
    this.#newest = newest
    // Those who showed it say so again: only answers to one question are counted together.
    this.#held = 0
    this.#refused = 0
    this.#isPromised = false
    this.#operation.rounds += 1
    this.#exchange = this.#coordinator.open(key, this)
    this.#coordinator.offer(this.#exchange, key, newest, ROUND_DURABILITY, CAUSE.writeBack)
    this.#coordinator.wait(this.#coordinator.patienceOf(this.#exchange).ms, this.#exchange, STAGE.giveUp)
  }

  #onOffered(position: number, verdict: number): void {
    const { electorate } = this.#exchange
    if (verdict === VERDICT.held) {
      this.#held |= 1 << position
      if (electorate.isQuorum(this.#held)) this.#finish(this.#newest!)
      return
    }
    const isFirst = this.#refused === 0
    this.#refused |= 1 << position
    this.#isPromised ||= verdict === VERDICT.promised
    const away = this.#away(this.#held | this.#refused)
    if (electorate.isBlocking(this.#refused | away)) this.#onRefused()
    else if (isFirst) {
      this.#coordinator.wait(
        this.#coordinator.patienceOf(this.#exchange).ms / 2,
        this.#exchange,
        STAGE.afterRefusal,
      )
    }
  }

  /** It may be because of something that is chosen already: only a new look, or a round, can tell. */
  #onRefused(): void {
    this.#coordinator.close(this.#exchange)
    if (!this.#isPromised && this.#tries < this.#coordinator.limits.readTriesMax) this.start()
    else new Round(this.#coordinator, this.#operation, () => this.#startIfTime()).enter()
  }

  #finish(record: HeldRecord): void {
    this.#coordinator.close(this.#exchange)
    this.#coordinator.answer(this.#operation, OUTCOME.ok, REASON.none, record)
  }
}
