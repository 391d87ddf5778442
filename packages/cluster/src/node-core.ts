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
import { Coordinator } from './coordinator.ts'
import { Exchanges } from './exchanges.ts'
import { Ledger } from './ledger.ts'
import { LIMITS, type Limits } from './limits.ts'
import {
  MESSAGE,
  type Message,
  type Offer,
  type Prepare,
  type Question,
  type Read,
  type RepairReply,
  type Reply,
  VERDICT,
} from './messages.ts'
import { Outbox } from './outbox.ts'
import type { Env, Placement, ReplicaStore } from './ports.ts'
import { type HeldRecord, ZERO } from './record.ts'
import { Repair } from './repair.ts'
import { Replica, ROUND_DURABILITY } from './replica.ts'
import type { Request } from './request.ts'
import { Trees } from './trees.ts'

export interface NodeCoreParts {
  readonly env: Env
  readonly store: ReplicaStore
  readonly clock: HybridLogicalClock
  readonly placement: Placement
  /** Our number among the members. */
  readonly self: number
  readonly limits?: Partial<Limits>
}

export class NodeCore {
  /** Whether what this member says counts: not while it may have forgotten something. */
  votes = true
  readonly #parts: NodeCoreParts
  readonly #replica: Replica
  readonly #coordinator: Coordinator
  readonly #outbox: Outbox
  readonly #exchanges: Exchanges
  readonly #repair: Repair
  /** What we send to ourselves, and what comes after: done before an entry returns. */
  readonly #tasks: (() => void)[] = []
  #isRunning = false

  constructor(parts: NodeCoreParts) {
    this.#parts = parts
    const limits = { ...LIMITS, ...parts.limits }
    const { env, store, clock, placement, self } = parts
    const ledger = new Ledger(store.highestBallot, limits.ledgerEntries)
    this.#replica = new Replica(store, ledger, new Trees(), () => ZERO)
    this.#outbox = new Outbox(store, (member, reply) => this.#send(member, reply))
    this.#exchanges = new Exchanges(env)
    this.#coordinator = new Coordinator({
      env,
      exchanges: this.#exchanges,
      clock,
      placement,
      self,
      limits,
      replica: this.#replica,
      send: (member, question) => this.#send(member, question),
      later: (task) => this.#tasks.push(task),
    })
    this.#repair = new Repair({
      store,
      replica: this.#replica,
      coordinator: this.#coordinator,
      exchanges: this.#exchanges,
      limits,
      self,
      send: (member, message) => this.#send(member, message),
      epoch: () => placement.epoch,
      time: () => clock.latest(new Version()),
    })
  }

  // --- in

  /** Asks for an operation; the answer comes to `Env.answer` under the token, once. */
  ask(token: number, request: Request): void {
    this.#run(() => this.#coordinator.ask(token, request))
  }

  /**
   * Compares these partitions with what another member holds, and brings both to the newer record of each key.
   *
   * @param onOver whether all was compared and brought
   */
  compareWith(member: number, partitions: readonly number[], onOver: (isComplete: boolean) => void): void {
    this.#run(() => this.#repair.compareWith(member, partitions, onOver))
  }

  onMessage(from: number, message: Message): void {
    this.#run(() => this.#receive(from, message))
  }

  onTimer(exchange: number, stage: number): void {
    this.#run(() => this.#exchanges.onTimer(exchange, stage))
  }

  /** The log is durable further than before. */
  onDurable(): void {
    this.#run(() => this.#outbox.onDurable())
  }

  #run(task: () => void): void {
    this.#tasks.push(task)
    if (this.#isRunning) return
    this.#isRunning = true
    for (let next = this.#tasks.shift(); next !== undefined; next = this.#tasks.shift()) next()
    this.#isRunning = false
  }

  // --- messages

  #send(member: number, message: Message): void {
    if (member === this.#parts.self) this.#tasks.push(() => this.#receive(member, message))
    else this.#parts.env.send(member, message)
  }

  #receive(from: number, message: Message): void {
    if (from !== this.#parts.self) this.#parts.clock.observe(message.time)
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
        return this.#repair.answer(from, message)
      case MESSAGE.rootsDiffer:
      case MESSAGE.entries:
      case MESSAGE.fetched:
        return this.#onRepairReply(from, message)
      default:
        return this.#coordinator.onReply(from, message)
    }
  }

  /** Whoever compares hears those, too, who do not vote. */
  #onRepairReply(from: number, reply: RepairReply): void {
    const exchange = this.#exchanges.find(reply.exchange)
    const position = exchange?.hear(from) ?? -1
    if (position >= 0) exchange!.asker.onReply(position, reply)
  }

  #onOffer(from: number, offer: Offer): void {
    if (this.#isStale(offer)) return this.#refuseStale(from, offer)
    const { key, record, durability } = offer
    const { verdict, above, position } = this.#replica.offer(key, record, durability)
    this.#parts.clock.observe(record.ballot)
    const reply = { kind: MESSAGE.offered, ...this.#envelope(offer), verdict, above }
    this.#outbox.send(from, reply, verdict === VERDICT.held ? position : 0, durability)
  }

  #onPrepare(from: number, prepare: Prepare): void {
    if (this.#isStale(prepare)) return this.#refuseStale(from, prepare)
    const { key, ballot, request, attempt } = prepare
    const { position, ...promise } = this.#replica.prepare(key, ballot, request, attempt)
    const reply = { kind: MESSAGE.promised, ...this.#envelope(prepare), ...promise }
    this.#outbox.send(from, reply, promise.verdict === VERDICT.held ? position : 0, ROUND_DURABILITY)
  }

  #onRead(from: number, read: Read): void {
    if (this.#isStale(read)) return this.#refuseStale(from, read)
    const { record, position, durability } = this.#replica.read(read.key)
    const isLeftOut = !read.wantsValue && record.value !== null
    const shown: HeldRecord = isLeftOut ? { ...record, value: undefined } : record
    const reply = { kind: MESSAGE.state, ...this.#envelope(read), record: shown }
    this.#outbox.send(from, reply, position, durability)
  }

  // --- layouts

  #isStale({ epoch }: Question): boolean {
    return epoch < this.#parts.placement.epoch
  }

  #refuseStale(from: number, question: Question): void {
    const reply: Reply = {
      kind: MESSAGE.offered,
      ...this.#envelope(question),
      verdict: VERDICT.staleLayout,
      above: ZERO,
    }
    this.#send(from, reply)
  }

  #envelope({ exchange }: Question) {
    const { placement, clock } = this.#parts
    return { exchange, epoch: placement.epoch, time: clock.latest(new Version()), votes: this.votes }
  }
}
