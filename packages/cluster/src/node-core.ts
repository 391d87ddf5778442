/**
 * One member of a cluster, without sockets, files or timers: messages, timers and marks of the log come in,
 * messages, timers and answers go out through `Env`, records and promises into `ReplicaStore`. The same code
 * runs in the server and in the simulator.
 *
 *   client ─ ask ─ Coordinator ── questions ──▶ replicas, our own among them
 *                       ▲                          │
 *                       └──── replies ◀── Outbox ◀─┘   a reply leaves when what it shows is durable
 */
import { type HybridLogicalClock, Version } from '@minivault/clock'
import type { OnCompared } from './comparison.ts'
import { Coordinator } from './coordinator.ts'
import type { CoreStatus } from './core-status.ts'
import type { Endings } from './endings.ts'
import { Exchanges } from './exchanges.ts'
import { Forwarding } from './forwarding.ts'
import { Hints } from './hints.ts'
import { LayoutChange, type Proposal } from './layout-change.ts'
import type { Table } from './layout-state.ts'
import { Layouts } from './layouts.ts'
import { Ledger } from './ledger.ts'
import { LIMITS, type Limits } from './limits.ts'
import { lifeIn, Marks, MEMBERSHIP, type Membership } from './marks.ts'
import {
  CAUSE,
  MESSAGE,
  type Message,
  type Offer,
  type Prepare,
  type Question,
  type Read,
  type RepairReply,
  type Reply,
  VERDICT,
  type Verdict,
} from './messages.ts'
import { Outbox } from './outbox.ts'
import { Peers } from './peers.ts'
import type { Env, Placement, ReplicaStore } from './ports.ts'
import { higher, isAbove, ZERO } from './record.ts'
import { Rejoining } from './rejoining.ts'
import { Release } from './release.ts'
import { Repair } from './repair.ts'
import { RepairAnswers } from './repair-answers.ts'
import { Replica, ROUND_DURABILITY } from './replica.ts'
import type { Request } from './request.ts'
import { Trees } from './trees.ts'
import { Upkeep } from './upkeep.ts'

export interface NodeCoreParts {
  readonly env: Env
  readonly store: ReplicaStore
  readonly clock: HybridLogicalClock
  /** One that changes is a `Layouts`. */
  readonly placement: Placement
  /** Our number among the members. */
  readonly self: number
  readonly limits?: Partial<Limits>
  /**
   * What is known of this start. `joining`: the folder was empty. `recovering`: what was acknowledged may be
   * lost. `arriving`: the folder was empty, and no other member has ever heard of us. Our owner may forget it
   * when all that was written before the first tick is durable: from then on the store knows.
   */
  readonly began?: Membership
}

export class NodeCore {
  readonly #parts: NodeCoreParts
  readonly #limits: Limits
  readonly #marks: Marks
  readonly #replica: Replica
  readonly #coordinator: Coordinator
  readonly #outbox: Outbox
  readonly #exchanges: Exchanges
  readonly #repair: Repair
  readonly #answers: RepairAnswers
  readonly #rejoining: Rejoining
  readonly #forwarding: Forwarding
  readonly #upkeep: Upkeep
  readonly #layoutChange: LayoutChange | null
  /** What we send to ourselves, and what comes after: done before an entry returns. */
  readonly #tasks: (Message | (() => void) | null)[] = []
  /** The array stays as long as it was: emptied, it would be made anew for the next task. */
  #taskCount = 0
  #isRunning = false

  constructor(parts: NodeCoreParts) {
    this.#parts = parts
    const limits = { ...LIMITS, ...parts.limits }
    this.#limits = limits
    const { env, store, clock, placement, self } = parts
    const marks = new Marks(store)
    this.#marks = marks
    const layouts = placement instanceof Layouts ? placement : null
    layouts?.open(marks.layout)
    const ledger = new Ledger(higher(store.highestBallot, marks.highest), limits.ledgerEntries)
    const replica = new Replica(store, ledger, new Trees(), marks)
    this.#replica = replica
    const exchanges = new Exchanges(env)
    this.#exchanges = exchanges
    const send = (member: number, message: Message) => this.#send(member, message)
    this.#outbox = new Outbox(store, send)
    const afterSync = (position: number, task: () => void) => this.#outbox.afterSync(position, task)
    const votesIn = (partition: number) => this.#rejoining.votesIn(partition)
    const envelope = (exchange: number) => this.#envelope(exchange)
    const later = (task: () => void) => this.#later(task)
    const peers = new Peers(env.now(), limits.suspectAfterMs, limits.tickMs)
    const hints = new Hints(limits.hintsMax)
    const held = { store, replica, marks, votesIn, afterSync, envelope }
    // Spread behind what is new: the other way round V8 takes microseconds, and there are many starts.
    const forwarding = () => this.#forwarding
    const shared = { env, placement, self, limits, send, exchanges, clock, peers, hints, later, ...held }
    const coordinator = new Coordinator({ forwarding, ...shared })
    this.#coordinator = coordinator
    const repair = new Repair({ coordinator, ...shared })
    this.#repair = repair
    const admits = (member: number) => this.#upkeep.comparing.admits(member)
    this.#answers = new RepairAnswers({ repair, admits, ...shared })
    const rejoining = new Rejoining({ repair, ...shared })
    this.#rejoining = rejoining
    this.#forwarding = new Forwarding({ repair, ...shared })
    this.#upkeep = new Upkeep({ repair, rejoining, forwarding: this.#forwarding, ...shared })
    rejoining.open(parts.began ?? MEMBERSHIP.voting)
    replica.releaseAll()
    const change = { coordinator, repair, rejoining, ...shared }
    this.#layoutChange = layouts === null ? null : new LayoutChange({ layouts, ...change })
  }

  // --- in

  /** Asks for an operation; the answer comes to `Env.answer` under the token, once. */
  ask(token: number, request: Request): void {
    if (!this.#begin()) return this.#later(() => this.#coordinator.ask(token, request))
    this.#coordinator.ask(token, request)
    this.#end()
  }

  /** Compares these partitions with what another member holds: both come to the newer record of each key. */
  compareWith(member: number, partitions: readonly number[], onOver: OnCompared): void {
    this.#run(() => this.#repair.compareWith(member, partitions, onOver))
  }

  /**
   * Ends the tombstones of a leaf up to a ballot of the past. All its replicas have to be there.
   *
   * @param onOver false: given up; it may be tried again, and what was done so far does no harm
   */
  releaseLeaf(partition: number, leaf: number, upTo: Version, onOver: (isReleased: boolean) => void): void {
    const { env, placement, clock, self } = this.#parts
    const isPast = !isAbove(upTo, clock.next(new Version()))
    if (!isPast) return onOver(false)
    const expiredBeforeMs = env.wallMs() - this.#limits.expiryGraceMs
    const parts = { repair: this.#repair, exchanges: this.#exchanges, limits: this.#limits, placement, self }
    const floor = { partition, leaf, upTo, expiredBeforeMs }
    this.#run(() => new Release(parts, floor, onOver).start())
  }

  /** A layout has brought these partitions to us: we do not vote in them until we know what the others do. */
  join(partitions: readonly number[]): void {
    this.#run(() => this.#rejoining.join(partitions))
  }

  /**
   * Proposes the layout that follows, where there are layouts. Once decided, the change goes on by itself,
   * whoever dies: `status` tells how far it is.
   */
  changeLayout(next: Table, onOver: (proposal: Proposal) => void): void {
    this.#run(() => this.#layoutChange!.propose(next, onOver))
  }

  /**
   * Ends a change for which new replicas are waited for that will not come. False: too few of the others are
   * ready, as far as we have heard.
   */
  settleLayout(): boolean {
    let isSettled = false
    this.#run(() => {
      isSettled = this.#layoutChange!.settleWithout()
    })
    return isSettled
  }

  /** Every `tickMs`: for all that nobody asks for. */
  onTick(): void {
    this.#run(() => {
      this.#upkeep.onTick()
      this.#layoutChange?.onTick()
    })
  }

  /** Whether what we say about a partition counts. */
  votesIn(partition: number): boolean {
    return this.#rejoining.votesIn(partition)
  }

  /** Whether a member has ever introduced itself, and so may have voted: see `FirstStart`. */
  hasHeardOf(member: number): boolean {
    return lifeIn(this.#marks.lives, member) > 0
  }

  /** Where something is held that will have to go. */
  get endings(): Endings {
    return this.#replica.endings
  }

  status(): CoreStatus {
    const { isOver, left } = this.#rejoining
    const known = { awaited: this.#layoutChange?.awaited ?? [], hearingOut: this.#coordinator.hearingOut }
    return { peers: this.#upkeep.status(), isComingBack: !isOver, partitionsLeft: left, ...known }
  }

  onMessage(from: number, message: Message): void {
    if (!this.#begin()) return this.#later(() => this.#receive(from, message))
    this.#receive(from, message)
    this.#end()
  }

  onTimer(exchange: number, stage: number): void {
    if (!this.#begin()) return this.#later(() => this.#exchanges.onTimer(exchange, stage))
    this.#exchanges.onTimer(exchange, stage)
    this.#end()
  }

  /** The log is durable further than before. */
  onDurable(): void {
    if (this.#outbox.isEmpty) return
    this.#run(() => this.#outbox.onDurable())
  }

  /** What is called often does the same without a closure. */
  #run(task: () => void): void {
    if (!this.#begin()) return this.#later(task)
    task()
    this.#end()
  }

  /** False: an entry is under way, and this one is of those that it calls. */
  #begin(): boolean {
    if (this.#isRunning) return false
    this.#isRunning = true
    return true
  }

  #later(task: () => void): void {
    this.#tasks[this.#taskCount++] = task
  }

  #end(): void {
    for (let at = 0; at < this.#taskCount; at++) {
      const next = this.#tasks[at]!
      this.#tasks[at] = null
      if (typeof next === 'function') next()
      else this.#receive(this.#parts.self, next)
    }
    this.#taskCount = 0
    this.#isRunning = false
  }

  // --- messages

  #send(member: number, message: Message): void {
    if (member === this.#parts.self) this.#tasks[this.#taskCount++] = message
    else this.#parts.env.send(member, message)
  }

  #receive(from: number, message: Message): void {
    if (from !== this.#parts.self) {
      this.#parts.clock.hear(message.time)
      this.#upkeep.onHeard(from)
      if (this.#layoutChange?.hear(from, message) === false) return
    }
    switch (message.kind) {
      case MESSAGE.offer:
        return this.#onOffer(from, message)
      case MESSAGE.prepare:
        return this.#onPrepare(from, message)
      case MESSAGE.read:
        return this.#onRead(from, message)
      case MESSAGE.roots:
      case MESSAGE.leaves:
      case MESSAGE.fetch:
      case MESSAGE.introduce:
      case MESSAGE.fence:
      case MESSAGE.release:
        return this.#answers.answer(from, message)
      case MESSAGE.rootsDiffer:
      case MESSAGE.entries:
      case MESSAGE.copied:
      case MESSAGE.fetched:
      case MESSAGE.introduced:
      case MESSAGE.fenced:
      case MESSAGE.released:
        return this.#onRepairReply(from, message)
      case MESSAGE.hello:
        this.#upkeep.comparing.onHello(from, message.votes)
        return this.#rejoining.hear(message.lives)
      case MESSAGE.learn:
      case MESSAGE.layout:
      case MESSAGE.ready:
        return this.#layoutChange?.onMessage(from, message)
      default:
        return this.#coordinator.onReply(from, message)
    }
  }

  /** Whoever compares hears those, too, who do not vote. */
  #onRepairReply(from: number, reply: RepairReply): void {
    const exchange = this.#exchanges.find(reply.exchange)
    const lives = reply.kind === MESSAGE.fenced ? reply.lives : undefined
    const position = exchange?.hear(from, lives) ?? -1
    if (position >= 0) exchange!.asker.onReply(position, reply)
  }

  #onOffer(from: number, offer: Offer): void {
    if (this.#isStale(offer)) return this.#refuse(from, offer, VERDICT.staleLayout)
    const { key, record, durability, cause } = offer
    const { placement } = this.#parts
    const hasForeigners = placement.foreignersOf(key.partition).length > 0
    const isOlder = hasForeigners && this.#forwarding.refuses(from, offer)
    if (isOlder) return this.#refuse(from, offer, VERDICT.older)
    const { verdict, above, position } = this.#replica.offer(key, record, durability)
    this.#parts.clock.hear(record.ballot)
    if (cause === CAUSE.hint) this.#upkeep.comparing.onHinted(from)
    const { exchange } = offer
    const { epoch, time, votes, lives } = this.#counted(key.partition, record.ballot)
    const reply = { kind: MESSAGE.offered, exchange, epoch, time, votes, lives, verdict, above }
    this.#outbox.send(from, reply, verdict === VERDICT.held ? position : 0, durability)
    const isNews = hasForeigners && verdict === VERDICT.held && cause <= CAUSE.writeBack
    if (isNews) this.#forwarding.onTaken(key, record.ballot)
  }

  #onPrepare(from: number, prepare: Prepare): void {
    if (this.#isStale(prepare)) return this.#refuse(from, prepare, VERDICT.staleLayout)
    const { exchange, key, ballot, request, attempt } = prepare
    // A promise that does not count would only be in the way of what is to be taken.
    if (!this.votesIn(key.partition)) return
    const promise = this.#replica.prepare(key, ballot, request, attempt)
    const { verdict, above, record, evidence, isForgetful, isHeld } = promise
    const { epoch, time, votes, lives } = this.#counted(key.partition, ballot)
    const reply = {
      kind: MESSAGE.promised,
      exchange,
      epoch,
      time,
      votes,
      lives,
      verdict,
      above,
      record,
      evidence,
      isForgetful,
      isHeld,
    }
    this.#outbox.send(from, reply, verdict === VERDICT.held ? promise.position : 0, ROUND_DURABILITY)
  }

  #onRead(from: number, read: Read): void {
    if (this.#isStale(read)) return this.#refuse(from, read, VERDICT.staleLayout)
    const { exchange, key } = read
    const { record, isHeld, position, durability } = this.#replica.read(key, read.wantsValue)
    const { epoch, time, votes, lives } = this.#counted(key.partition, read.time)
    const reply = { kind: MESSAGE.state, exchange, epoch, time, votes, lives, record, isHeld }
    this.#outbox.send(from, reply, position, durability)
  }

  // --- layouts

  #isStale({ epoch }: Question): boolean {
    return epoch < this.#parts.placement.epoch
  }

  #refuse(from: number, question: Question, verdict: Verdict): void {
    const reply: Reply = {
      kind: MESSAGE.offered,
      exchange: question.exchange,
      verdict,
      above: ZERO,
      ...this.#counted(question.key.partition, question.time),
    }
    this.#send(from, reply)
  }

  /** No copies of objects here: it is done for every answer. */
  #counted(partition: number, likely: Version) {
    const { placement, clock } = this.#parts
    const { epoch } = placement
    const time = clock.latestOr(likely)
    return { epoch, time, votes: this.votesIn(partition), lives: this.#marks.lives }
  }

  #envelope(exchange: number) {
    const { placement, clock } = this.#parts
    return { exchange, epoch: placement.epoch, time: clock.latest(new Version()) }
  }
}
