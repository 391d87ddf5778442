/**
 * A member of the simulated cluster: the real core over a simulated disk, clock and network. A crash throws
 * the core away; a start makes a new one over what is left of the log.
 */
import { HybridLogicalClock, Version } from '@minivault/clock'
import type * as Cluster from '@minivault/cluster'
import type { Answer, Env, Message, NodeCore, Placement, Request } from '@minivault/cluster'
import type { Setup } from '../plan/plan.ts'
import { mix, Random } from '../random.ts'
import { Disk } from './disk.ts'
import { Happening } from './happening.ts'
import { ReplicaLog } from './replica-log.ts'
import type { Timeline } from './timeline.ts'

/** The package under test, or a copy of it with a fault. */
export type ClusterPackage = typeof Cluster

/** Wall milliseconds at the beginning of every history. */
export const WALL_MS = 1_800_000_000_000
/** All keys of a history lie in it. */
export const PARTITION = 0
/** The last bits of a writer's number tell writers apart, the others are drawn. */
const WRITER_MASK = 0xffffff00

export interface MemberParts {
  readonly cluster: ClusterPackage
  readonly timeline: Timeline
  readonly send: (from: number, to: number, message: Message) => void
  readonly seed: number
  readonly setup: Setup
  readonly placement: Placement
  /** Numbers for writers, each used once. */
  readonly nextWriter: () => number
  readonly onAnswer: (token: number, answer: Answer) => void
}

export class Member implements Env {
  readonly number: number
  readonly disk: Disk
  isUp = false
  /** Counts the starts. */
  life = 0
  skewMs = 0
  readonly #parts: MemberParts
  #core: NodeCore | null = null
  #clock!: HybridLogicalClock
  #log!: ReplicaLog
  #random!: Random

  constructor(number: number, parts: MemberParts) {
    this.number = number
    this.#parts = parts
    const { timeline, seed, setup } = parts
    const onDurable = () => this.#core?.onDurable()
    this.disk = new Disk({ timeline, seed, member: number, syncMs: setup.syncMs, onDurable })
    this.start()
  }

  // --- life

  start(): void {
    const { cluster, placement, seed, setup } = this.#parts
    this.life += 1
    this.isUp = true
    const writer = mix(seed, 5, this.number, this.life) & WRITER_MASK
    this.#random = new Random(mix(seed, 6, this.number, this.life))
    this.#clock = new HybridLogicalClock({
      writerId: (writer | this.#parts.nextWriter()) >>> 0,
      now: () => this.wallMs(),
      boundMs: this.disk.boundMs,
      persistBound: (boundMs) => {
        this.disk.boundMs = boundMs
      },
    })
    this.#log = new ReplicaLog(this.disk)
    this.#core = new cluster.NodeCore({
      env: this,
      store: this.#log,
      clock: this.#clock,
      placement,
      self: this.number,
      limits: { ledgerEntries: setup.ledgerEntries },
    })
    this.disk.open()
  }

  crash(isPowerCut: boolean): void {
    this.isUp = false
    this.#core = null
    this.disk.crash(isPowerCut)
    if (!this.#parts.setup.startsNearTheWall) return
    // As if the bound had been moved for each version: what was issued stays below it, all the same.
    const last = this.#clock.latest(new Version()).wallMs + 1
    this.disk.boundMs = Math.min(this.disk.boundMs, last)
  }

  // --- in

  ask(token: number, request: Request): void {
    this.#core!.ask(token, request)
  }

  receive(from: number, message: Message): void {
    this.#core!.onMessage(from, message)
  }

  compareWith(member: number, onOver: (isComplete: boolean) => void): void {
    this.#core!.compareWith(member, [PARTITION], onOver)
  }

  find(key: Cluster.Key): Cluster.Standing {
    return this.#log.find(key)
  }

  /** What its clock shows. */
  time(): Version {
    return this.#clock.latest(new Version())
  }

  onTimer(life: number, exchange: number, stage: number): void {
    if (life === this.life) this.#core?.onTimer(exchange, stage)
  }

  // --- Env

  now(): number {
    return this.#parts.timeline.nowMs
  }

  wallMs(): number {
    return WALL_MS + Math.floor(this.#parts.timeline.nowMs + this.skewMs)
  }

  random(): number {
    return this.#random.next()
  }

  send(member: number, message: Message): void {
    this.#parts.send(this.number, member, message)
  }

  setTimer(afterMs: number, exchange: number, stage: number): void {
    this.#parts.timeline.add(afterMs, new Alarm(this, exchange, stage))
  }

  answer(token: number, answer: Answer): void {
    this.#parts.onAnswer(token, answer)
  }
}

class Alarm extends Happening {
  readonly #member: Member
  readonly #life: number
  readonly #exchange: number
  readonly #stage: number

  constructor(member: Member, exchange: number, stage: number) {
    super()
    this.#member = member
    this.#life = member.life
    this.#exchange = exchange
    this.#stage = stage
  }

  override happen(): void {
    this.#member.onTimer(this.#life, this.#exchange, this.#stage)
  }
}
