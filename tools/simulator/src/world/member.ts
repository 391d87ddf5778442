/**
 * A member of the simulated cluster: the real core over a simulated disk, clock and network. A crash throws
 * the core away; a start makes a new one over what is left of the log.
 */
import { HybridLogicalClock, Version } from '@minivault/clock'
import type * as Cluster from '@minivault/cluster'
import { type Answer, type Env, MEMBERSHIP, type Membership, type Message } from '@minivault/cluster'
import { type Loss, type Setup, SKEW_MAX_MS } from '../plan/plan.ts'
import { mix, Random } from '../random.ts'
import { Disk, Task } from './disk.ts'
import type { Happening } from './happening.ts'
import { homeOf, type LayoutForm, layoutsOf } from './layout.ts'
import type { MasterPackage } from './master.ts'
import { type OnCovered, ReplicaLog } from './replica-log.ts'
import type { Timeline } from './timeline.ts'

/** The package under test, or a copy of it with a fault. */
export type ClusterPackage = typeof Cluster & { readonly master?: MasterPackage }

/** Wall milliseconds at the beginning of every history. */
export const WALL_MS = 1_800_000_000_000
/** With one value a message of a comparison is full. */
const FETCHED_BYTES_MAX = 8
/** All keys of a history lie in it. */
export const PARTITION = 0
/** The last bits of a writer's number tell writers apart, the others are drawn. */
const WRITER_MASK = 0xffffff00
/** What has expired by every clock. */
const EXPIRY_GRACE_MS = 4 * SKEW_MAX_MS
const LIMITS_OF_ALL = {
  expiryGraceMs: EXPIRY_GRACE_MS,
  fetchedBytesMax: FETCHED_BYTES_MAX,
  copiedBytesMax: FETCHED_BYTES_MAX,
  copiedMax: 2,
  // With every answer: members of a history give few.
  patienceFadesMs: 0,
}

export interface MemberParts {
  readonly cluster: ClusterPackage
  readonly timeline: Timeline
  readonly send: (from: number, to: number, message: Message) => void
  readonly seed: number
  readonly setup: Setup
  readonly layoutForm: LayoutForm
  /** Numbers for writers, each used once. */
  readonly nextWriter: () => number
  readonly onAnswer: (token: number, answer: Answer) => void
  readonly onCovered: OnCovered
  /** A member goes by another layout, or phase of one. */
  readonly onPhase: (member: number, state: Cluster.LayoutState) => void
  /** Whether the history goes on. */
  readonly isOver: () => boolean
}

export class Member implements Env {
  readonly number: number
  readonly disk: Disk
  isUp = false
  /** Counts the starts. */
  life = 0
  skewMs = 0
  tickMs: number
  /** The layout that it goes by. Undefined until it is told, where a master tells. */
  placement!: Cluster.Placement
  readonly #parts: MemberParts
  #core: Cluster.NodeCore | null = null
  #clock!: HybridLogicalClock
  #log!: ReplicaLog
  #random!: Random
  /** What its owner knows of this start, until the log knows. */
  #began: Membership = MEMBERSHIP.voting
  /** As last told. */
  #phase = 0
  /** By others, when it came into the cluster. */
  #told: Cluster.LayoutState | null = null

  constructor(number: number, parts: MemberParts) {
    this.number = number
    this.#parts = parts
    const { timeline, seed, setup } = parts
    this.tickMs = setup.tickMs
    const onDurable = () => {
      this.#core?.onDurable()
      this.#tellPhase()
    }
    this.disk = new Disk({ timeline, seed, member: number, syncMs: setup.syncMs, onDurable })
    if (setup.founders === undefined) this.start()
  }

  // --- life

  /** It is told of its cluster. */
  begin(told: Cluster.LayoutState, began: Membership): void {
    this.#told = told
    this.#began = began
    this.start()
  }

  start(): void {
    const { cluster, layoutForm, seed, setup, onCovered } = this.#parts
    // What was written down about it the core finds in the log.
    this.placement = layoutForm.placement(this.number, this.#told)
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
    this.#log = new ReplicaLog(this.disk, onCovered)
    const { ledgerEntries, tickMs, compareEveryMs, writePatienceMs, copiesAtOnce } = setup
    const drawn = {
      ...(writePatienceMs === undefined ? {} : { writePatienceMs }),
      ...(copiesAtOnce === undefined ? {} : { copiesAtOnce }),
    }
    this.#core = new cluster.NodeCore({
      env: this,
      store: this.#log,
      clock: this.#clock,
      placement: this.placement,
      self: this.number,
      limits: { ledgerEntries, tickMs, compareEveryMs, ...drawn, ...LIMITS_OF_ALL },
      began: this.#began,
    })
    this.#phase = 0
    this.#tellPhase()
    this.disk.open()
    this.#tickSoon(this.life)
  }

  crash(loss: Loss): void {
    this.isUp = false
    this.#core = null
    const last = this.#clock.latest(new Version()).wallMs + 1
    if (loss === 'everything') {
      this.disk.replace()
      this.#began = MEMBERSHIP.joining
      return
    }
    this.disk.crash(loss === 'unsynced')
    // As if the bound had been moved for each version: what was issued stays below it, all the same.
    if (this.#parts.setup.startsNearTheWall) this.disk.boundMs = Math.min(this.disk.boundMs, last)
  }

  /** The next start may have lost what was acknowledged. */
  mayHaveForgotten(): void {
    this.#began = Math.max(this.#began, MEMBERSHIP.recovering) as Membership
  }

  /** Whether it knows all that it ever acknowledged, whatever happens to it. */
  get remembers(): boolean {
    return this.isUp && this.#began === MEMBERSHIP.voting && this.#core!.votesIn(PARTITION)
  }

  #tickSoon(life: number): void {
    const { timeline } = this.#parts
    const wait = this.tickMs * (1 + this.#random.next() / 10)
    timeline.add(
      wait,
      new Task(() => {
        if (life !== this.life || this.#core === null || this.#parts.isOver()) return
        this.#tick()
        this.#tickSoon(life)
      }),
    )
  }

  #tick(): void {
    const { fsync } = this.#parts.cluster.DURABILITY
    if (this.disk.durableUpTo(fsync) === this.disk.entries.length) this.#began = MEMBERSHIP.voting
    this.#core!.onTick()
    this.#tellPhase()
  }

  // --- in

  ask(token: number, request: Cluster.Request): void {
    this.#core!.ask(token, request)
  }

  receive(from: number, message: Message): void {
    this.#core!.onMessage(from, message)
    this.#tellPhase()
  }

  hasHeardOf(member: number): boolean {
    return this.#core?.hasHeardOf(member) ?? false
  }

  compareWith(member: number, onOver: (isComplete: boolean) => void): void {
    this.#core!.compareWith(member, [PARTITION], onOver)
  }

  /** Ends what was deleted so long ago in the leaf of a key. */
  release({ leaf }: Cluster.Key, agoMs: number): void {
    const { wallMs, counter, writerId } = this.time()
    const upTo = Version.of(Math.max(0, wallMs - agoMs), counter, writerId)
    this.#core!.releaseLeaf(PARTITION, leaf, upTo, () => {})
  }

  /** Proposes that these hold the keys from now on, with this region as home; null: as it is. */
  changeLayout(
    holders: readonly number[],
    home: number | null,
    onOver: (proposal: Cluster.Proposal) => void = () => {},
  ): void {
    const layouts = layoutsOf(this)
    if (layouts === null) return
    const { table: before } = layouts.state
    const table = this.#parts.layoutForm.table(before.epoch + 1, holders, home ?? homeOf(before))
    this.#core!.changeLayout(table, onOver)
  }

  /** Goes on with the layout that is on its way, without those that are not ready; false: it cannot. */
  settleLayout(): boolean {
    return layoutsOf(this) !== null && this.#core!.settleLayout()
  }

  #tellPhase(): void {
    const { epoch } = this.placement
    if (epoch === this.#phase || this.#core === null) return
    this.#phase = epoch
    const layouts = layoutsOf(this)
    if (layouts !== null) this.#parts.onPhase(this.number, layouts.state)
  }

  find(key: Cluster.Key): Cluster.Standing {
    return this.#log.read(key)
  }

  floorOf(key: Cluster.Key): Version {
    return this.#log.floorOf(key)
  }

  /** What its clock shows. */
  time(): Version {
    return this.#clock.latest(new Version())
  }

  onTimer(life: number, exchange: number, stage: number): void {
    if (life !== this.life) return
    this.#core?.onTimer(exchange, stage)
    this.#tellPhase()
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

class Alarm implements Happening {
  readonly #member: Member
  readonly #life: number
  readonly #exchange: number
  readonly #stage: number

  constructor(member: Member, exchange: number, stage: number) {
    this.#member = member
    this.#life = member.life
    this.#exchange = exchange
    this.#stage = stage
  }

  happen(): void {
    this.#member.onTimer(this.#life, this.#exchange, this.#stage)
  }
}
