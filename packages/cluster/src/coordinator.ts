/**
 * The coordinator: takes what clients ask and asks the replicas. What it knows is how to ask and whom; what
 * to make of the answers is known by the steps of an operation (`QuorumRead`, `PlainWrite`, `Round`).
 */
import { type HybridLogicalClock, Version } from '@minivault/clock'
import type { Change } from './change.ts'
import type { Electorate } from './electorate.ts'
import type { Asker, Exchange } from './exchange.ts'
import type { Exchanges } from './exchanges.ts'
import type { Forwarding } from './forwarding.ts'
import type { Hints } from './hints.ts'
import { FAR_ROUND_TRIP_MS_MIN, type Limits } from './limits.ts'
import { type Cause, MESSAGE, type Promised, type Question, type Reply, VERDICT } from './messages.ts'
import { NEVER_SHOWN, type OnOver, type Operation, outcomeUnknown } from './operation.ts'
import { Patience } from './patience.ts'
import type { Peers } from './peers.ts'
import { PlainWrite } from './plain-write.ts'
import type { Durability, Env, Key, Placement } from './ports.ts'
import { QuorumRead } from './quorum-read.ts'
import { type HeldRecord, isAbove, isAbsent, isEqual, ZERO } from './record.ts'
import { type Replica, ROUND_DURABILITY } from './replica.ts'
import { LEVEL, OUTCOME, type Outcome, REASON, type Reason, type Request } from './request.ts'
import { Round } from './round.ts'
import { RoundQueue } from './round-queue.ts'
import { Spreading } from './spreading.ts'
import { Stragglers } from './stragglers.ts'

export interface CoordinatorParts {
  readonly env: Env
  readonly clock: HybridLogicalClock
  readonly placement: Placement
  readonly replica: Replica
  readonly exchanges: Exchanges
  readonly peers: Peers
  readonly hints: Hints
  /** Whether what our own replica says of a partition counts. */
  readonly votesIn: (partition: number) => boolean
  readonly self: number
  readonly limits: Limits
  /** To a member, ourselves too. */
  readonly send: (member: number, question: Question) => void
  /** After what is under way. */
  readonly later: (task: () => void) => void
  readonly forwarding: () => Forwarding
}

export class Coordinator {
  readonly limits: Limits
  /** In our own region. */
  readonly patience: Patience
  readonly #farPatience: Patience
  readonly rounds: RoundQueue
  readonly #parts: CoordinatorParts
  readonly #exchanges: Exchanges
  readonly spreading: Spreading
  #underWay = 0
  #hearingOut = 0
  /** As it was sent last. */
  #time = ZERO

  constructor(parts: CoordinatorParts) {
    this.#parts = parts
    this.limits = parts.limits
    this.patience = new Patience(parts.limits.patienceFadesMs)
    this.#farPatience = new Patience(parts.limits.patienceFadesMs, FAR_ROUND_TRIP_MS_MIN)
    this.#exchanges = parts.exchanges
    this.spreading = new Spreading(this)
    this.rounds = new RoundQueue(parts.limits.roundQueueMax, parts.later)
  }

  // --- operations

  ask(token: number, request: Request): void {
    const { clock } = this.#parts
    const id = request.id ?? clock.next(new Version())
    const operation = this.#begin(token, request, id, null)
    this.#underWay += 1
    if (this.#underWay > this.limits.operationsMax) {
      return this.answer(operation, outcomeUnknown(operation), REASON.busy, null)
    }
    // All that this node stamps from now on lies above the request.
    if (request.id !== null && !clock.observe(id))
      return this.answer(operation, outcomeUnknown(operation), REASON.idAhead, null)
    if (request.change === null) new QuorumRead(this, operation).start()
    else if (request.change.isConditional) new Round(this, operation).enter()
    else new PlainWrite(this, operation).start()
  }

  /** Has what is true of a key chosen, and held by all who can be reached, for nobody outside. */
  settle(key: Key, deadlineMs: number, about: Partial<Operation>, onOver: () => void): void {
    this.#underWay += 1
    const operation = this.#begin(0, { key, deadlineMs, ...OF_OUR_OWN }, ZERO, onOver)
    new Round(this, { ...operation, isForAll: true, ...about }).enter()
  }

  /** A conditional write of our own. */
  decide(key: Key, change: Change, deadlineMs: number, onOver: OnOver): void {
    const id = this.#parts.clock.next(new Version())
    const request = { ...OF_OUR_OWN, key, change, id, deadlineMs }
    this.#underWay += 1
    new Round(this, this.#begin(0, request, id, onOver)).enter()
  }

  #begin(token: number, request: Request, id: Version, onOver: OnOver | null): Operation {
    return {
      token,
      onOver,
      request,
      id,
      deadlineMs: this.now() + request.deadlineMs,
      rounds: 0,
      lost: 0,
      isForAll: false,
      candidate: null,
      isAdmission: false,
      above: ZERO,
      isSent: false,
      shownBefore: NEVER_SHOWN,
    }
  }

  answer(
    { token, rounds, onOver }: Operation,
    outcome: Outcome,
    reason: Reason,
    record: HeldRecord | null,
  ): void {
    this.#underWay -= 1
    if (onOver !== null) return onOver(outcome, record)
    // A `no` shows what it was decided on, though that may have expired since.
    const isShown = record === null || outcome === OUTCOME.no
    const shown = isShown ? record : this.shown(record)
    this.#parts.env.answer(token, { outcome, reason, record: shown, rounds })
  }

  // --- what the steps need

  now(): number {
    return this.#parts.env.now()
  }

  random(): number {
    return this.#parts.env.random()
  }

  /** What has expired is a tombstone; this clock judges. */
  shown(record: HeldRecord): HeldRecord {
    const isOver = record.expiresAtMs !== 0 && record.expiresAtMs <= this.#parts.env.wallMs()
    return isOver ? { ...record, value: null } : record
  }

  /** A ballot of ours above this one and all that this node has seen. */
  ballotAbove(above: Version): Version {
    const { clock } = this.#parts
    const ballot = clock.next(new Version())
    return isAbove(ballot, above) ? ballot : clock.above(above, ballot)
  }

  /**
   * The same for a round. Where the home is another region, it and ours promise without each other: there a
   * raised ballot is even for a round of the home, and odd for one of ours, so that no two on a key have one.
   */
  ballotOfRound(key: Key, above: Version, isAtHome: boolean): Version {
    const { clock, placement } = this.#parts
    const ballot = this.ballotAbove(above)
    if (ballot.writerId === clock.writerId) return ballot
    const { partition } = key
    if (placement.electorateOf(partition) === placement.homeElectorateOf(partition)) return ballot
    return (ballot.counter & 1) === (isAtHome ? 0 : 1) ? ballot : clock.above(ballot, ballot)
  }

  /** The highest ballot that our own replica, if there is one, holds or has promised. */
  highestOfOurs(key: Key): Version {
    const { placement, replica, self } = this.#parts
    if (placement.electorateOf(key.partition).positionOf(self) < 0) return ZERO
    return replica.highest(key)
  }

  /** How often what stands under the key, or another of a few, was shown here. */
  timesShown(key: Key): number {
    return this.#parts.replica.timesShown(key)
  }

  /**
   * Whether what was sent of a plain write is as if it had not been: of those who promised our own replica
   * alone has held it, and has shown it to nobody. Any quorum that could show it has one of these; the others
   * have promised not to take it any more.
   *
   * @param never positions of those that promised and never held it
   */
  isUnseen(
    { id, request, shownBefore }: Operation,
    electorate: Electorate,
    promises: readonly (Promised | undefined)[],
    never: number,
  ): boolean {
    const { placement, replica, self } = this.#parts
    if (replica.timesShown(request.key) !== shownBefore || electorate.isJoint) return false
    // Other regions may have it by now, and show it.
    if (placement.foreignersOf(request.key.partition).length > 0) return false
    const own = electorate.positionOf(self)
    const isOthers = promises.some((promise, at) => promise && at !== own && (never & (1 << at)) === 0)
    const evidence = promises[own]?.evidence ?? []
    return !isOthers && evidence.length === 1 && isEqual(evidence[0]!.ballot, id)
  }

  /** What our own replica holds, where it counts; null: nothing. */
  heldHere(key: Key): HeldRecord | null {
    const { replica, votesIn } = this.#parts
    if (!votesIn(key.partition)) return null
    const { record, isHeld } = replica.read(key, true)
    return isHeld && !isAbsent(record) ? record : null
  }

  /** Of an answer from those. */
  patienceOf({ electorate }: Exchange): Patience {
    return this.patienceFor(electorate.isFar)
  }

  patienceFor(isFar: boolean): Patience {
    return isFar ? this.#farPatience : this.patience
  }

  /** Positions of those to ask first, the one to ask for the value in front. */
  nearest({ electorate, sinceMs }: Exchange, partition: number): readonly number[] {
    const { length } = electorate.members
    const own = electorate.positionOf(this.#parts.self)
    const first = own < 0 ? Math.floor(this.random() * length) : own
    const order = new Array<number>(electorate.isJoint ? length : majorityOf(length))
    let count = 0
    let unlikely = 0
    for (let step = 0; step < length && count < order.length; step++) {
      const position = (first + step) % length
      const isLikely = this.#isLikelyToAnswer(electorate.members[position]!, partition, sinceMs)
      if (isLikely) order[count++] = position
      else unlikely |= 1 << position
    }
    for (let step = 0; count < order.length; step++) {
      const position = (first + step) % length
      if ((unlikely & (1 << position)) !== 0) order[count++] = position
    }
    return order
  }

  #isLikelyToAnswer(member: number, partition: number, nowMs: number): boolean {
    const { self, peers, votesIn } = this.#parts
    if (member === self) return votesIn(partition)
    return peers.isLikelyToAnswer(member, nowMs, this.patience.ms)
  }

  // --- those that missed something

  /** A record is held by enough; who of the others answers while there is still time? */
  hearOut(exchange: Exchange, key: Key, ballot: Version, answered: number): void {
    this.#hearingOut += 1
    new Stragglers(this, exchange, key, ballot, answered).start()
  }

  heardOut(exchange: Exchange): void {
    this.#hearingOut -= 1
    this.close(exchange)
  }

  /** So many writes are held by enough, and not answered by all. */
  get hearingOut(): number {
    return this.#hearingOut
  }

  isAway(member: number): boolean {
    return this.#parts.peers.isSuspected(member)
  }

  /** Of what we hold ourselves: a pointer is to be followed here. */
  keepHint(member: number, key: Key, ballot: Version): void {
    const { placement, hints, self, forwarding } = this.#parts
    const holds = placement.electorateOf(key.partition).positionOf(self) >= 0
    if (!holds || member === self) return
    hints.add(member, key, ballot)
    // Who should tell the other regions has not answered: it may not know.
    const hasOthers = placement.foreignersOf(key.partition).length > 0
    if (hasOthers && forwarding().isSender(key.partition, member)) forwarding().forward(key, ballot)
  }

  // --- exchanges

  open(key: Key, asker: Asker): Exchange {
    const { placement } = this.#parts
    return this.#exchanges.open(placement.electorateOf(key.partition), asker, placement.epoch)
  }

  /** The same for what is conditional. */
  openAtHome(key: Key, asker: Asker): Exchange {
    const { placement } = this.#parts
    return this.#exchanges.open(placement.homeElectorateOf(key.partition), asker, placement.epoch)
  }

  /** What depends on the answers to another; null: the layout has changed, and they are worth nothing. */
  follow(exchange: Exchange, asker: Asker): Exchange | null {
    if (exchange.epoch !== this.#parts.placement.epoch) return null
    return this.#exchanges.follow(exchange, asker)
  }

  close(exchange: Exchange): void {
    this.#exchanges.close(exchange)
  }

  wait(afterMs: number, exchange: Exchange, stage: number): void {
    this.#exchanges.wait(afterMs, exchange, stage)
  }

  onReply(member: number, reply: Reply): void {
    const exchange = this.#exchanges.find(reply.exchange)
    if (exchange === undefined) return
    if (member !== this.#parts.self) {
      this.#parts.peers.heardVote(member, reply.votes)
      this.#observe(exchange, member)
    }
    if (reply.kind !== MESSAGE.state && !reply.above.isZero()) this.#parts.clock.hear(reply.above)
    // Who goes by a newer layout is asked again by it.
    if (reply.kind === MESSAGE.offered && reply.verdict === VERDICT.staleLayout) return
    if (!exchange.hearsAll && !(reply.votes && reply.epoch === exchange.epoch)) return
    const position = exchange.hear(member, reply.lives)
    if (position >= 0) exchange.asker.onReply(position, reply)
  }

  /** Of whoever was asked later than the others it is not known how long it took. */
  #observe(exchange: Exchange, member: number): void {
    const { isTrailing, askedLate, electorate, sinceMs } = exchange
    if (askedLate !== 0 && (askedLate & (1 << electorate.positionOf(member))) !== 0) return
    const nowMs = this.now()
    this.#parts.peers.took(member, nowMs - sinceMs)
    // Nobody waits for it.
    if (isTrailing) return
    this.patienceOf(exchange).observe(nowMs - sinceMs, nowMs)
  }

  // --- questions

  offer(to: Exchange, key: Key, record: HeldRecord, durability: Durability, cause: Cause): void {
    const { exchange, epoch, time } = this.#envelope(to, record.ballot)
    const question = { kind: MESSAGE.offer, exchange, epoch, time, key, record, durability, cause }
    for (const member of to.electorate.members) this.#parts.send(member, question)
  }

  prepare(to: Exchange, key: Key, ballot: Version, request: Version, attempt: number): void {
    const { exchange, epoch, time } = this.#envelope(to, ballot)
    const question = { kind: MESSAGE.prepare, exchange, epoch, time, key, ballot, request, attempt }
    for (const member of to.electorate.members) this.#parts.send(member, question)
  }

  read(to: Exchange, position: number, key: Key, wantsValue: boolean): void {
    const { exchange, epoch, time } = this.#envelope(to, this.#time)
    const question = { kind: MESSAGE.read, exchange, epoch, time, key, wantsValue }
    const member = to.electorate.members[position]!
    // From now on, and not only when it is carried out: see `isUnseen`.
    if (member === this.#parts.self) this.#parts.replica.willShow(key)
    this.#parts.peers.asked(member, to.sinceMs)
    this.#parts.send(member, question)
  }

  /** One that was not among the first: they take long. */
  readLate(to: Exchange, position: number, key: Key): void {
    to.askedLate |= 1 << position
    this.#parts.peers.asked(to.electorate.members[position]!, this.now())
    this.read(to, position, key, true)
  }

  /** @param likely to be the time */
  #envelope({ number, epoch, hearsAll }: Exchange, likely: Version) {
    const { placement, clock } = this.#parts
    const phase = hearsAll ? placement.epoch : epoch
    this.#time = clock.latestOr(likely)
    return { exchange: number, epoch: phase, time: this.#time }
  }
}

const OF_OUR_OWN = {
  change: null,
  id: null,
  attempt: 0,
  level: LEVEL.quorum,
  durability: ROUND_DURABILITY,
} as const

function majorityOf(count: number): number {
  return Math.floor(count / 2) + 1
}
