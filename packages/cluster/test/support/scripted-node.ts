/** One whole core over a log in memory. A crash throws it away; a start makes a new one over the log. */
import {
  type Answer,
  type CoreStatus,
  DURABILITY,
  type Durability,
  type Electorate,
  type Env,
  type HeldRecord,
  HybridLogicalClock,
  type Key,
  type Limits,
  MEMBERSHIP,
  type Membership,
  type Message,
  type NodeCore,
  type Placement,
  type Pledge,
  type Proposal,
  type Request,
  type Table,
  Version,
  ZERO,
} from '../../src/index.ts'
import { KEY, MemoryLog } from '../../src/testing/index.ts'
import type { ScriptedNetwork } from './network.ts'
import type { Core } from './planted-core.ts'

/** What can be seen of a node from outside. */
export interface Watcher {
  onSend(from: number, to: number, message: Message): void
  onAnswer(node: number, token: number, answer: Answer): void
  onHold(node: number, record: HeldRecord): void
  onPledge(node: number, pledge: Pledge): void
}

export interface NodeParts {
  readonly core: Core
  readonly network: ScriptedNetwork
  /** Of one life. */
  readonly placementOf: (node: number) => Placement
  readonly limits?: Partial<Limits>
  readonly watcher: Watcher
}

/** Its random numbers and its clock are given: a scenario is the same each time. */
export class ScriptedNode implements Env {
  /** Among the members; its writer's number, too. */
  readonly number: number
  /** Ahead of the others. */
  skewMs = 0
  isLogStopped = false
  readonly #parts: NodeParts
  readonly #log: WatchedLog
  #core: NodeCore | null = null
  #placement!: Placement
  #clock: HybridLogicalClock
  /** Counts the starts. */
  #life = 0

  constructor(number: number, parts: NodeParts) {
    this.number = number
    this.#parts = parts
    this.#log = new WatchedLog(number, parts.watcher)
    this.#clock = this.#newClock(new Version())
    this.start()
  }

  get isUp(): boolean {
    return this.#core !== null
  }

  /** What stands under the key, synced or not. */
  get record(): HeldRecord | null {
    return this.#log.read(KEY).record
  }

  /** Of the layout that it goes by; 0: it is down. */
  get phase(): number {
    return this.isUp ? this.#placement.epoch : 0
  }

  get electorate(): Electorate {
    return this.#placement.electorateOf(KEY.partition)
  }

  get votes(): boolean {
    return this.#core?.votesIn(KEY.partition) ?? false
  }

  changeLayout(next: Table, onOver: (proposal: Proposal) => void): void {
    this.#core!.changeLayout(next, onOver)
    this.sync()
  }

  settleLayout(): boolean {
    const isSettled = this.#core!.settleLayout()
    this.sync()
    return isSettled
  }

  /** The last version that its clock gave out or adopted. */
  get latest(): Version {
    return this.#clock.latest(new Version())
  }

  /** @param began what its owner knows of the start */
  start(began: Membership = MEMBERSHIP.voting): void {
    this.#life += 1
    const { core, placementOf, limits = {} } = this.#parts
    this.#clock = this.#newClock(this.latest)
    const placement = placementOf(this.number)
    this.#placement = placement
    const parts = { env: this, store: this.#log, clock: this.#clock, placement, self: this.number }
    // Members of a transcript give few answers: each counts.
    // What comes in which order, the scenarios say.
    // Comparisons are told step by step.
    const told = { copiedMax: 0, copyRestMsMax: 0, comparedMsMin: 0 }
    const limitsHere = { patienceFadesMs: 0, copiesAtOnce: 3, ...told, ...limits }
    this.#core = new core.NodeCore({ ...parts, limits: limitsHere, began })
    this.sync()
  }

  get status(): CoreStatus {
    return this.#core!.status()
  }

  tick(): void {
    this.#core?.onTick()
    this.sync()
  }

  /** What is there so far is released, if all agree. */
  release(upTo: Version, onOver: (isReleased: boolean) => void): void {
    this.#core!.releaseLeaf(KEY.partition, KEY.leaf, upTo, onOver)
    this.sync()
  }

  /** With the power: what is not synced is gone. */
  crash(): void {
    this.#core = null
    this.#log.powerCut()
    this.isLogStopped = false
  }

  /** As if it had always been there. */
  given(record: HeldRecord): void {
    this.#log.givenRecord(record)
    // In this life: nothing was forgotten.
    this.#log.isOfThisLife = true
    this.#life -= 1
    this.start()
    this.#log.isOfThisLife = false
  }

  /** As if its last entries had never been: they were acknowledged all the same. */
  forget(count: number): void {
    this.#log.loseAfter(Math.max(0, this.#log.end - count))
  }

  ask(token: number, request: Request): void {
    if (this.#core === null) throw new Error('it is down')
    this.#core.ask(token, request)
    this.sync()
  }

  receive(from: number, message: Message): void {
    this.#core?.onMessage(from, message)
    this.sync()
  }

  sync(): void {
    while (!this.isLogStopped && this.#log.durableUpTo(DURABILITY.fsync) < this.#log.end) {
      this.#log.sync()
      this.#core?.onDurable()
    }
  }

  // --- Env

  now(): number {
    return this.#parts.network.nowMs
  }

  wallMs(): number {
    return this.now() + this.skewMs
  }

  /** The same each time, and another for each node and life. */
  random(): number {
    return (this.number * 0.2 + this.#life * 0.01) % 1
  }

  send(member: number, message: Message): void {
    this.#parts.watcher.onSend(this.number, member, message)
  }

  setTimer(afterMs: number, exchange: number, stage: number): void {
    const life = this.#life
    this.#parts.network.setTimer(afterMs, () => {
      if (life !== this.#life) return
      this.#core?.onTimer(exchange, stage)
      this.sync()
    })
  }

  answer(token: number, answer: Answer): void {
    this.#parts.watcher.onAnswer(this.number, token, answer)
  }

  #newClock(startAbove: Version): HybridLogicalClock {
    // The odd ones are of what it raises.
    const writerId = 2 * this.number
    return new HybridLogicalClock({ writerId, now: () => this.wallMs(), startAbove })
  }
}

class WatchedLog extends MemoryLog {
  /** A start finds nothing of an earlier life. */
  isOfThisLife = false
  readonly #node: number
  readonly #watcher: Watcher

  constructor(node: number, watcher: Watcher) {
    super()
    this.#node = node
    this.#watcher = watcher
  }

  override hold(key: Key, record: HeldRecord, durability: Durability): number {
    this.#watcher.onHold(this.#node, record)
    return super.hold(key, record, durability)
  }

  override pledge(key: Key, pledge: Pledge): number {
    this.#watcher.onPledge(this.#node, pledge)
    return super.pledge(key, pledge)
  }

  override get highestBallot(): Version {
    return this.isOfThisLife ? ZERO : super.highestBallot
  }

  givenRecord(record: HeldRecord): void {
    super.hold(KEY, record, DURABILITY.fsync)
    this.sync()
  }
}
