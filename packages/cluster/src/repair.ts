/** What two members hold is made equal, as asked by us. `RepairAnswers` is the other side. */
import type { Version } from '@minivault/clock'
import { Comparison, type OnCompared, type Take } from './comparison.ts'
import type { Coordinator } from './coordinator.ts'
import type { Electorate } from './electorate.ts'
import type { Exchange } from './exchange.ts'
import type { Exchanges } from './exchanges.ts'
import { HandingOver } from './handing-over.ts'
import { type Inquirer, Inquiry } from './inquiry.ts'
import { FAR_ROUND_TRIP_MS_MIN, type Limits } from './limits.ts'
import type { Floor, Marks } from './marks.ts'
import {
  CAUSE,
  type Cause,
  type Introduced,
  MESSAGE,
  type Message,
  type RepairReply,
  type Reply,
  VERDICT,
} from './messages.ts'
import { Patience } from './patience.ts'
import { Pause } from './pause.ts'
import type { Env, Key, Placement, ReplicaStore } from './ports.ts'
import { type HeldRecord, isAbove, isRaised } from './record.ts'
import { type Replica, ROUND_DURABILITY } from './replica.ts'

export interface RepairParts {
  readonly env: Env
  readonly store: ReplicaStore
  readonly replica: Replica
  readonly marks: Marks
  readonly placement: Placement
  readonly coordinator: Coordinator
  readonly exchanges: Exchanges
  readonly limits: Limits
  readonly self: number
  readonly votesIn: (partition: number) => boolean
  readonly send: (member: number, message: Message) => void
  readonly afterSync: (position: number, task: () => void) => void
  readonly envelope: (exchange: number) => Pick<Message, 'exchange' | 'epoch' | 'time'>
}

export class Repair {
  readonly #parts: RepairParts
  readonly #inquirer: Inquirer

  constructor(parts: RepairParts) {
    this.#parts = parts
    const { env, exchanges, limits } = parts
    const near = new Patience(limits.patienceFadesMs, limits.comparedMsMin)
    const far = new Patience(limits.patienceFadesMs, FAR_ROUND_TRIP_MS_MIN)
    this.#inquirer = {
      exchanges,
      patienceFor: (member) => (this.isForeign(member) ? far : near),
      now: () => env.now(),
      triesMax: limits.compareTriesMax,
    }
  }

  /** Brings both to the newer record of every key of these partitions. */
  compareWith(member: number, partitions: readonly number[], onOver: OnCompared): void {
    this.#compare(member, partitions, null, onOver)
  }

  /** Takes whatever is newer there than here. Complete: all of it is held, and durable with the log. */
  takeFrom(member: number, partitions: readonly number[], take: Take, onOver: OnCompared): void {
    this.#compare(member, partitions, take, onOver)
  }

  #compare(member: number, partitions: readonly number[], take: Take | null, onOver: OnCompared): void {
    new Comparison(this, this.#inquirer, this.#parts.limits, member, partitions, take, onOver).start()
  }

  /**
   * Tells a member of our life.
   *
   * @param onOver null: no answer
   */
  introduce(
    member: number,
    partitions: readonly number[],
    life: number,
    onOver: (introduced: Introduced | null) => void,
  ): void {
    const { send } = this.#parts
    const ask = (exchange: number) =>
      send(member, { kind: MESSAGE.introduce, ...this.#envelope(exchange), life, partitions })
    const onReply = (reply: Reply | RepairReply) => onOver(reply.kind === MESSAGE.introduced ? reply : null)
    new Inquiry(this.#inquirer, member, ask, onReply, () => onOver(null)).start()
  }

  // --- asked by a comparison or a release of ours

  /** For the answers of all of these. */
  patienceMs(electorate: Electorate): number {
    return this.#parts.coordinator.patienceFor(electorate.isFar).ms
  }

  isForeign(member: number): boolean {
    return this.#parts.placement.isForeign(member)
  }

  askRoots(member: number, exchange: number, partitions: readonly number[]): void {
    const { trees } = this.#parts.replica
    const roots = new Int32Array(partitions.length * 2)
    for (const [index, partition] of partitions.entries()) trees.rootInto(roots, index * 2, partition)
    this.#parts.send(member, { kind: MESSAGE.roots, ...this.#envelope(exchange), partitions, roots })
  }

  /** Goes on after so long. */
  rest(ms: number, then: () => void): void {
    new Pause(this.#parts.exchanges, ms, then)
  }

  askLeaves(member: number, exchange: number, partition: number, from: number, wantsRecords: boolean): void {
    const { marks, replica, votesIn } = this.#parts
    const digests = replica.trees.digests(partition)
    const floors = votesIn(partition) ? marks.floorsIn(partition) : []
    const question = { kind: MESSAGE.leaves, ...this.#envelope(exchange), partition, digests, from, floors }
    this.#parts.send(member, { ...question, wantsRecords })
  }

  askFor(member: number, exchange: number, keys: readonly Key[]): void {
    this.#parts.send(member, { kind: MESSAGE.fetch, ...this.#envelope(exchange), keys })
  }

  askToEnd(
    { number, electorate }: Exchange,
    kind: typeof MESSAGE.fence | typeof MESSAGE.release,
    floor: Floor,
  ): void {
    const question = { kind, ...this.#envelope(number), ...floor }
    for (const member of electorate.members) this.#parts.send(member, question)
  }

  /** What stands for it: its record, or the floor. */
  ballotOf(key: Key): Version {
    return this.#parts.replica.ballotOf(key)
  }

  /** But for what its floor stands for. */
  keysIn(partition: number, leaves: readonly number[]): Key[] {
    const { store, replica } = this.#parts
    const keys = leaves.flatMap((leaf) => [...store.keysIn(partition, leaf)])
    return keys.filter((key) => !replica.isReleased(key))
  }

  /**
   * Whoever votes takes over every floor that another one has: all held the same when it was made. But not
   * one from a later phase of the layout than ours: we need not have been among those.
   */
  adopt(floors: readonly Floor[], epoch: number): void {
    const { marks, placement, votesIn } = this.#parts
    if (epoch > placement.epoch) return
    for (const floor of floors) {
      if (votesIn(floor.partition) && marks.isNews(floor)) this.release(floor, () => {})
    }
  }

  /** Our floor from now on; when that is durable, what it stands for goes. */
  release(floor: Floor, then: () => void): void {
    const { marks, replica, afterSync } = this.#parts
    const mark = { kind: 'floor', ...floor } as const
    afterSync(marks.write(mark), () => {
      marks.keep(mark)
      replica.releaseIn(floor.partition, floor.leaf)
      then()
    })
  }

  /** Offers what we hold. */
  bringTo(
    member: number,
    key: Key,
    onOver: (isAnswered: boolean) => void,
    cause: Cause = CAUSE.repair,
  ): void {
    const { record } = this.#parts.store.read(key)
    if (record === null) onOver(true)
    else this.handOver(member, key, record, cause, onOver)
  }

  /** Offers it to a member. */
  handOver(
    member: number,
    key: Key,
    record: HeldRecord,
    cause: Cause,
    onOver: (isAnswered: boolean) => void,
  ): void {
    this.#handingOver(key, onOver, this.isForeign(member)).start(member, record, cause)
  }

  /** Offers to ourselves what another holds. */
  takeOrSettle(from: number, key: Key, record: HeldRecord, onOver: (isAnswered: boolean) => void): void {
    if (this.isForeign(from) && this.isToBeAdmitted(key, record)) return this.admit(key, record, onOver)
    this.#handingOver(key, onOver, this.isForeign(from)).start(this.#parts.self, record, CAUSE.repair)
  }

  /** Whether a record of another region is news that no replica of ours may take as it comes. */
  isToBeAdmitted(key: Key, record: HeldRecord): boolean {
    return isRaised(record) && isAbove(record.ballot, this.ballotOf(key))
  }

  /** Comes to all of our region, unless there is something later. */
  admit(key: Key, record: HeldRecord, onOver: (isAnswered: boolean) => void): void {
    this.#parts.coordinator.spreading.admit(key, record, () => onOver(true))
  }

  /**
   * What a comparison brings while we do not vote, when no round can be run: what a promise of ours refuses
   * is older than it, and so nothing that we have forgotten.
   */
  take(key: Key, record: HeldRecord): boolean {
    this.#parts.replica.offer(key, record, ROUND_DURABILITY)
    return true
  }

  /** The same where we have never voted: there is no promise of ours that counts. */
  copy(key: Key, record: HeldRecord): boolean {
    this.#parts.replica.copy(key, record)
    return true
  }

  /** The same while we vote: what a promise refuses comes by a round, and is looked for again. */
  takeBelowPromises(from: number, key: Key, record: HeldRecord): boolean {
    if (this.isForeign(from) && this.isToBeAdmitted(key, record)) {
      this.admit(key, record, () => {})
      return false
    }
    const { verdict } = this.#parts.replica.offer(key, record, ROUND_DURABILITY)
    if (verdict === VERDICT.promised) this.settle(key, () => {})
    return verdict !== VERDICT.promised
  }

  /**
   * All that can be reached come to hold what is true.
   *
   * @param candidate what stands for it in another region, which the round does not ask
   */
  settle(key: Key, onOver: (isAnswered: boolean) => void, candidate: HeldRecord | null = null): void {
    this.#parts.coordinator.spreading.spread(key, () => onOver(true), candidate)
  }

  #handingOver(key: Key, onOver: (isAnswered: boolean) => void, isFar: boolean): HandingOver {
    return new HandingOver(this.#parts.coordinator, this.#parts.exchanges, key, onOver, isFar)
  }

  #envelope(exchange: number) {
    return this.#parts.envelope(exchange)
  }
}
