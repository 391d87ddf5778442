/**
 * A round of Paxos on one key: prepare, look, and accept under the ballot of the round. It settles plain
 * writes of which nobody knows whether they were chosen, does conditional ones, and finds for a reader what
 * is chosen.
 *
 * From the promises it takes the newest record M, and then:
 *
 *   ours already ── M is this request, or a quorum held one ballot of it: its result is the answer
 *   never ours   ── so many certainly never held it that it never was, and below this ballot never will be
 *   else         ── the answers of all; and if they leave it open, nobody knows: in doubt
 *
 * A conditional write decides on M only when M is chosen: where too few of the promisers hold it, M is
 * accepted first, under this ballot, and then everything begins again. Hence a `no` is a true read, and the
 * version of a `yes` follows immediately the one it was decided on.
 */
import type { Version } from '@minivault/clock'
import type { Effect } from './change.ts'
import type { Coordinator } from './coordinator.ts'
import type { Exchange } from './exchange.ts'
import { ROUND_PATIENCE_MS_MAX } from './limits.ts'
import { LocalOffer } from './local-offer.ts'
import {
  CAUSE,
  type Evidence,
  MESSAGE,
  type Promised,
  type RepairReply,
  type Reply,
  VERDICT,
} from './messages.ts'
import { mayBeDone, type Operation, outcomeUnknown } from './operation.ts'
import type { Patience } from './patience.ts'
import { type HeldRecord, isAbove, isEqual, isLater, isSame, NEVER, recordOf, ZERO } from './record.ts'
import { ROUND_DURABILITY } from './replica.ts'
import { OUTCOME, type Outcome, REASON, type Reason } from './request.ts'

const STAGE = { giveUp: 1, again: 2, stillWaiting: 3 } as const

/** Round trips. */
const BACKOFF_MAX = 16

type Then = () => void

export class Round {
  readonly #coordinator: Coordinator
  readonly #operation: Operation
  readonly #onLost: (() => void) | null
  #exchange!: Exchange
  #isOpen = false
  #ballot!: Version
  /** What was met that lies above our ballot. */
  #above: Version
  /** It is for the home region to decide. */
  readonly #isAtHome: boolean
  #hasStarted = false
  #promises: (Promised | undefined)[] = []
  #promised = 0
  #refused = 0
  #held = 0
  /** How often too few have answered in time. */
  #silences = 0
  #then: Then | null = null

  /** @param onLost another round was in the way, and may have done what was to be done; null: try again */
  constructor(coordinator: Coordinator, operation: Operation, onLost: (() => void) | null = null) {
    this.#coordinator = coordinator
    this.#operation = operation
    this.#onLost = onLost
    this.#above = operation.above
    this.#isAtHome = operation.request.change?.isConditional ?? false
  }

  /** One round on a key at a time: here others wait, until their deadline. */
  enter(): void {
    const { request, deadlineMs } = this.#operation
    const hasEntered = this.#coordinator.rounds.enter(request.key, this)
    if (!hasEntered) return this.#answer(outcomeUnknown(this.#operation), REASON.busy, null)
    if (this.#hasStarted) return
    this.#open()
    this.#coordinator.wait(deadlineMs - this.#coordinator.now(), this.#exchange, STAGE.stillWaiting)
  }

  #withdraw(): void {
    this.#coordinator.rounds.withdraw(this.#operation.request.key, this)
    this.#answer(outcomeUnknown(this.#operation), REASON.noQuorum, null)
  }

  // --- prepare

  start(): void {
    const { request, id, deadlineMs } = this.#operation
    if (this.#isOpen) this.#coordinator.close(this.#exchange)
    this.#hasStarted = true
    const isOver = this.#coordinator.now() >= deadlineMs
    if (isOver || this.#operation.lost >= this.#coordinator.limits.roundTriesMax) {
      return this.#finish(outcomeUnknown(this.#operation), REASON.noQuorum, null)
    }
    this.#operation.rounds += 1
    // To ourselves.
    this.#operation.shownBefore += 1
    this.#meet(this.#coordinator.highestOfOurs(request.key))
    this.#ballot = this.#nextBallot
    // A clock that cannot be lifted so far would issue it again.
    this.#above = this.#ballot
    this.#promises = []
    this.#promised = 0
    this.#refused = 0
    this.#then = null
    this.#open()
    // A reader's round is no request: nobody has to be fenced against it.
    const [asker, attempt] = request.change === null ? [ZERO, 0] : [id, request.attempt]
    this.#coordinator.prepare(this.#exchange, request.key, this.#ballot, asker, attempt)
    this.#wait()
  }

  onReply(position: number, reply: Reply | RepairReply): void {
    if (reply.kind === MESSAGE.promised) this.#onPromised(position, reply)
    else if (reply.kind === MESSAGE.offered) this.#onOffered(position, reply.verdict, reply.above)
  }

  onTimer(stage: number): void {
    if (stage === STAGE.giveUp) this.#silences += 1
    if (stage === STAGE.giveUp && this.#isForAll && this.#isAgreed) return this.#goWithout()
    this.#coordinator.close(this.#exchange)
    if (stage === STAGE.stillWaiting) this.#withdraw()
    else if (stage !== STAGE.again) this.#again()
    else if (this.#onLost === null) this.start()
    else {
      this.#coordinator.rounds.leave(this.#operation.request.key)
      this.#onLost()
    }
  }

  /**
   * Longer each time: what is asked for is synced, which may take far longer than all that was measured, and
   * an answer to a round that was given up measures nothing.
   */
  #wait(): void {
    const { ms } = this.#patience
    const leftMs = this.#operation.deadlineMs - this.#coordinator.now()
    const longMs = Math.min(ms * 2 ** this.#silences, ROUND_PATIENCE_MS_MAX, leftMs)
    this.#coordinator.wait(Math.max(ms, longMs), this.#exchange, STAGE.giveUp)
  }

  #open(): void {
    const { key } = this.#operation.request
    this.#exchange = this.#isAtHome
      ? this.#coordinator.openAtHome(key, this)
      : this.#coordinator.open(key, this)
    this.#isOpen = true
  }

  get #patience(): Patience {
    return this.#coordinator.patienceOf(this.#exchange)
  }

  /** The home is another region than ours. */
  get #isElsewhere(): boolean {
    return this.#isAtHome && this.#exchange.electorate.isFar
  }

  /** Later, at random: of those that meet again and again, one has to be alone for two round trips. */
  #again(): void {
    this.#coordinator.close(this.#exchange)
    this.#open()
    this.#operation.lost += 1
    const longest = this.#patience.roundTripMs * Math.min(this.#operation.lost ** 2, BACKOFF_MAX)
    // Others wait behind it; and a wait up to the deadline would be the last.
    const leftMs = Math.max(0, this.#operation.deadlineMs - this.#coordinator.now())
    const afterMs = Math.min(this.#coordinator.random() * longest, leftMs / 2)
    this.#coordinator.wait(afterMs, this.#exchange, STAGE.again)
  }

  #onPromised(position: number, reply: Promised): void {
    if (this.#then !== null) return
    if (reply.verdict === VERDICT.superseded) {
      return this.#finish(OUTCOME.inDoubt, REASON.superseded, null)
    }
    if (reply.verdict !== VERDICT.held) return this.#onRefused(position, reply.verdict, reply.above)
    this.#promises[position] = reply
    this.#promised |= 1 << position
    if (this.#isEnough) this.#goOn()
  }

  #onRefused(position: number, verdict: number, above: Version): void {
    this.#meet(above)
    this.#refused |= 1 << position
    const isInTheWay = this.#isForAll && verdict === VERDICT.promised
    if (isInTheWay || this.#exchange.electorate.isBlocking(this.#refused)) this.#again()
    else if (this.#isEnough) this.#goOn()
  }

  #goOn(): void {
    if (this.#then === null) this.#decide()
    else this.#endAccept(this.#then)
  }

  /** Without those who do not answer. */
  #goWithout(): void {
    const exchange = this.#exchange
    this.#goOn()
    // Nobody else waits for the rest of its answers.
    this.#coordinator.wait(0, exchange, STAGE.giveUp)
  }

  /** What is to come to all: a majority is not enough, but for those who do not answer. */
  get #isForAll(): boolean {
    return this.#operation.isForAll
  }

  /** The positions that have promised, or that hold what is to be accepted. */
  get #agreed(): number {
    return this.#then === null ? this.#promised : this.#held
  }

  get #isAgreed(): boolean {
    return this.#exchange.electorate.isQuorum(this.#agreed)
  }

  get #isEnough(): boolean {
    const areAllHeard = (this.#agreed | this.#refused) === this.#exchange.electorate.everybody
    return this.#isAgreed && (areAllHeard || !this.#isForAll)
  }

  // --- look

  #decide(): void {
    const { request, id } = this.#operation
    const newest = this.#newest()
    if (request.change === null) return this.#choose(newest, () => this.#succeed(newest))
    if (isEqual(newest.request, id)) return this.#accept(this.#under(newest), () => this.#succeed(newest))
    const chosen = this.#chosenEvidence()
    if (chosen !== null) return this.#succeed(recordOf(chosen, id))
    if (!this.#isCertainlyNew()) return
    if (request.change.isConditional && !this.#isHeldByQuorum(newest)) {
      return this.#accept(this.#under(newest), () => this.start())
    }
    const current = this.#coordinator.shown(newest)
    const effect = request.change.apply(current, this.#ballot)
    if (effect !== null) return this.#write(effect)
    const refuse = () => this.#finish(OUTCOME.no, REASON.none, current)
    // Before it expired, or by another clock, the condition may have held, and some may hold what came of
    // that: it must not come back.
    if (newest.expiresAtMs !== 0 && mayBeDone(this.#operation)) this.#accept(this.#under(newest), refuse)
    else refuse()
  }

  #newest(): HeldRecord {
    let newest = NEVER
    for (const promise of this.#promises) {
      if (promise !== undefined && isAbove(promise.record.ballot, newest.ballot)) newest = promise.record
    }
    const other = this.#candidate
    return other !== null && isLater(other, newest) ? other : newest
  }

  /** What the home does not know yet of our region counts as well: who wrote it here decides on it. */
  get #candidate(): HeldRecord | null {
    const { candidate, request } = this.#operation
    return this.#isElsewhere ? this.#coordinator.heldHere(request.key) : candidate
  }

  /** Above all that was met; that of what is to be admitted as long as it is. */
  get #nextBallot(): Version {
    const { isAdmission, candidate, request } = this.#operation
    if (isAdmission && isAbove(candidate!.ballot, this.#above)) return candidate!.ballot
    return this.#coordinator.ballotOfRound(request.key, this.#above, this.#isAtHome)
  }

  #isHeldByQuorum(record: HeldRecord): boolean {
    const holders = this.#bitsOf((promise) => promise.isHeld && isSame(promise.record, record))
    return this.#exchange.electorate.isQuorum(holders)
  }

  /** And no two of them in another form. */
  #isHeldByAll({ ballot }: HeldRecord): boolean {
    const holders = this.#bitsOf((promise) => promise.isHeld && isEqual(promise.record.ballot, ballot))
    return holders === this.#exchange.electorate.everybody
  }

  #bitsOf(matches: (promise: Promised) => boolean): number {
    let bits = 0
    for (const [position, promise] of this.#promises.entries()) {
      if (promise !== undefined && matches(promise)) bits |= 1 << position
    }
    return bits
  }

  /** What a quorum held of this request under one ballot: it was chosen, whatever came after it. */
  #chosenEvidence(): Evidence | null {
    for (const promise of this.#promises) {
      for (const one of promise?.evidence ?? []) {
        const holders = this.#bitsOf(({ evidence }) =>
          evidence.some(({ ballot }) => isEqual(ballot, one.ballot)),
        )
        if (this.#exchange.electorate.isQuorum(holders)) return one
      }
    }
    return null
  }

  /** False: it may have been chosen; more answers are waited for, or there are none to come. */
  #isCertainlyNew(): boolean {
    // Stamped here, and nothing of it was sent: nobody can have held it, whatever they have forgotten.
    if (this.#operation.request.id === null && !this.#operation.isSent) return true
    const { electorate } = this.#exchange
    const never = this.#bitsOf(({ evidence, isForgetful }) => evidence.length === 0 && !isForgetful)
    if (electorate.rulesOut(never)) return true
    if (this.#coordinator.isUnseen(this.#operation, electorate, this.#promises, never)) return true
    if (this.#promised !== electorate.everybody) return false
    // While the keys move, what a majority of the old ones held may have been chosen, or may not.
    const isForgotten = electorate.isJoint || this.#promises.some((promise) => promise!.isForgetful)
    if (isForgotten) this.#finish(OUTCOME.inDoubt, REASON.forgotten, null)
    return !isForgotten
  }

  // --- accept

  #choose(record: HeldRecord, then: Then): void {
    const { candidate, isAdmission } = this.#operation
    const isOurs = record !== candidate
    // Under the candidate's ballot there is the candidate only; what is later stays, above it.
    if (isAdmission && isOurs && isEqual(this.#ballot, candidate!.ballot)) return this.start()
    const isMissed = candidate !== null && isEqual(candidate.ballot, record.ballot)
    const isBelowIt = isAdmission && isAbove(candidate!.ballot, record.ballot)
    if (isAdmission ? isBelowIt || !isOurs : isMissed) return this.#accept(this.#under(record), then)
    if (this.#isForAll ? this.#isHeldByAll(record) : this.#isHeldByQuorum(record)) then()
    else this.#accept(this.#under(record), then)
  }

  #under(record: HeldRecord): HeldRecord {
    return { ...record, ballot: this.#ballot }
  }

  #write({ value, expiresAtMs, sum }: Effect): void {
    const { id } = this.#operation
    const record = { ballot: this.#ballot, version: this.#ballot, request: id, value, expiresAtMs, sum }
    this.#operation.isSent = true
    this.#accept(record, () => this.#succeed(record))
  }

  #accept(record: HeldRecord, then: Then): void {
    const { key } = this.#operation.request
    this.#coordinator.close(this.#exchange)
    const exchange = this.#coordinator.follow(this.#exchange, this)
    if (exchange === null) return this.#again()
    this.#operation.rounds += 1
    this.#held = 0
    this.#refused = 0
    this.#then = then
    this.#exchange = exchange
    this.#coordinator.offer(this.#exchange, key, record, ROUND_DURABILITY, CAUSE.accept)
    this.#wait()
  }

  #onOffered(position: number, verdict: number, above: Version): void {
    if (verdict !== VERDICT.held) return this.#onRefused(position, verdict, above)
    this.#held |= 1 << position
    if (this.#isEnough) this.#goOn()
  }

  #endAccept(then: Then): void {
    const { key } = this.#operation.request
    this.#isOpen = false
    this.#coordinator.hearOut(this.#exchange, key, this.#ballot, this.#held | this.#refused)
    then()
  }

  #meet(above: Version): void {
    if (isAbove(above, this.#above)) this.#above = above
  }

  // --- the end

  #succeed(record: HeldRecord): void {
    const { onOver } = this.#operation
    // What an increment once came to is known without its record.
    if (!this.#isElsewhere || onOver !== null || record.value === undefined)
      return this.#finish(OUTCOME.ok, REASON.none, record)
    this.#leave()
    const answer = () => this.#answer(OUTCOME.ok, REASON.none, record)
    new LocalOffer(this.#coordinator, this.#operation, record, answer).start()
  }

  #finish(outcome: Outcome, reason: Reason, record: HeldRecord | null): void {
    this.#leave()
    this.#answer(outcome, reason, record)
  }

  #leave(): void {
    if (this.#isOpen) this.#coordinator.close(this.#exchange)
    this.#coordinator.rounds.leave(this.#operation.request.key)
  }

  #answer(outcome: Outcome, reason: Reason, record: HeldRecord | null): void {
    this.#coordinator.answer(this.#operation, outcome, reason, record)
  }
}
