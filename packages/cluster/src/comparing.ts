/**
 * When we compare with whom, so that what one member missed is told to it once. Of a partition one member
 * begins, *first* of its replicas that are there, when another one has returned, has started, or ten minutes
 * are over. It compares with one after the other, so it brings the second what the first has brought to it.
 * What it could not do, for it has died, or does not know that there is something to do, is done by the
 * *rest*: later everybody compares all that it shares with everybody. Mostly the roots are equal by then.
 *
 *   returned ─▶ pointers ─▶ first: where we are the first ─▶ rest: all ─▶ ten minutes, and first again
 *
 * Before all that come pointers, ours and those of others: who is being brought some is not compared.
 */
import type { Electorate } from './electorate.ts'
import type { Forwarding } from './forwarding.ts'
import type { Hints } from './hints.ts'
import { COMPARE_AFTER_HINTS_MS, COMPARE_REST_AFTER_MS, HINTED_LATELY_MS, type Limits } from './limits.ts'
import type { Peers } from './peers.ts'
import type { Env, Placement } from './ports.ts'
import type { Rejoining } from './rejoining.ts'
import type { Repair } from './repair.ts'

export interface ComparingParts {
  readonly env: Env
  readonly placement: Placement
  readonly self: number
  readonly limits: Limits
  readonly peers: Peers
  readonly hints: Hints
  readonly repair: Repair
  readonly rejoining: Rejoining
  readonly forwarding: Forwarding
  /** Whether pointers for it are on their way. */
  readonly isFlushing: (member: number) => boolean
}

const SCOPE = { first: 0, all: 1 } as const

interface Compared {
  dueMs: number
  scope: (typeof SCOPE)[keyof typeof SCOPE]
  /** It was away: what it has missed others have. */
  hasReturned: boolean
  isUnderWay: boolean
  comparedMs: number
  keysDiffering: number
}

export class Comparing {
  readonly #parts: ComparingParts
  /** Those with whom we share a partition, as of the last tick. */
  #members: readonly number[] = []
  readonly #compared = new Map<number, Compared>()
  /** As they said last. */
  readonly #votes = new Map<number, boolean>()
  /** With one of our region, and no more than one. */
  #isUnderWay = false
  /** When we were brought what a pointer of our region has shown, and since when without a pause. */
  #hintedMs = Number.NEGATIVE_INFINITY
  #hintedSinceMs = 0

  constructor(parts: ComparingParts) {
    this.#parts = parts
  }

  onTick(members: readonly number[]): void {
    this.#members = members
    this.#compareAll()
  }

  #compareAll(): void {
    for (const member of this.#members) {
      if (!this.#parts.peers.isSuspected(member) && this.#isDue(member)) this.#compare(member)
    }
  }

  /** It was away. */
  onReturned(member: number): void {
    const { env, placement, limits } = this.#parts
    const compared = this.#with(member)
    compared.scope = SCOPE.first
    compared.hasReturned = true
    // What others have pointers for is on its way by then.
    compared.dueMs = env.now() + (placement.isForeign(member) ? 0 : 2 * limits.tickMs)
  }

  onHello(member: number, votes: boolean): void {
    this.#votes.set(member, votes)
  }

  /** It has brought us what a pointer showed. */
  onHinted(from: number): void {
    const { env, placement, self } = this.#parts
    if (from === self || placement.isForeign(from)) return
    const nowMs = env.now()
    if (nowMs - this.#hintedMs > HINTED_LATELY_MS) this.#hintedSinceMs = nowMs
    this.#hintedMs = nowMs
  }

  /** Whether it may compare with us now. Who has no vote only takes, and is not to wait. */
  admits(member: number): boolean {
    return !this.#isHinted || this.#parts.placement.isForeign(member) || this.#votes.get(member) === false
  }

  /** Whether a comparison should wait, for pointers are bringing us what we lack; not for ever. */
  get #isHinted(): boolean {
    const nowMs = this.#parts.env.now()
    const isHinted = nowMs - this.#hintedMs <= HINTED_LATELY_MS
    return isHinted && nowMs - this.#hintedSinceMs <= COMPARE_AFTER_HINTS_MS
  }

  /** Those that tell the other regions are not those that did. They may not have told all. */
  compareWithForeigners(members: readonly number[]): void {
    const { env, placement } = this.#parts
    for (const member of members) {
      if (placement.isForeign(member)) this.#with(member).dueMs = env.now()
    }
  }

  /** As it said last: in all that it holds. */
  votes(member: number): boolean {
    return this.#votes.get(member) ?? false
  }

  facts(member: number): Pick<Compared, 'comparedMs' | 'keysDiffering'> {
    return this.#with(member)
  }

  #with(member: number): Compared {
    const { env, limits } = this.#parts
    let compared = this.#compared.get(member)
    if (compared === undefined) {
      // The first ones soon after the start, not all at once, and after what pointers bring.
      const dueMs = env.now() + ((1 + env.random()) / 2) * limits.suspectAfterMs
      const { first: scope } = SCOPE
      compared = { dueMs, scope, hasReturned: false, isUnderWay: false, comparedMs: -1, keysDiffering: 0 }
      this.#compared.set(member, compared)
    }
    return compared
  }

  #isDue(member: number): boolean {
    const { env, placement, hints, isFlushing } = this.#parts
    const { dueMs, isUnderWay, scope } = this.#with(member)
    if (isUnderWay || dueMs > env.now()) return false
    const isForeign = placement.isForeign(member)
    if (!isForeign && this.#isUnderWay) return false
    const hasWaited = dueMs + COMPARE_AFTER_HINTS_MS <= env.now()
    if (hasWaited) return true
    if (hints.count(member) > 0 || isFlushing(member)) return false
    // Who has no vote takes from us what it lacks.
    return isForeign || !(this.#isHinted || (scope === SCOPE.first && this.#votes.get(member) === false))
  }

  #compare(member: number): void {
    const { env, limits, repair, placement } = this.#parts
    const compared = this.#with(member)
    const isForeign = placement.isForeign(member)
    const shared = this.#shared(member)
    if (shared.length === 0) {
      if (isForeign) compared.dueMs = env.now() + limits.suspectAfterMs
      return
    }
    const isFirst = compared.scope === SCOPE.first && !isForeign
    const partitions = isFirst ? this.#firstIn(shared, member, compared.hasReturned) : shared
    compared.dueMs = Number.POSITIVE_INFINITY
    if (isFirst || isForeign) compared.keysDiffering = 0
    if (partitions.length === 0) return this.#next(member, compared, true)
    compared.isUnderWay = true
    if (!isForeign) this.#isUnderWay = true
    let left = 0
    let areComplete = true
    const onOver = (isComplete: boolean, keysDiffering: number) => {
      areComplete &&= isComplete
      compared.keysDiffering += keysDiffering
      left -= 1
      if (left > 0) return
      compared.isUnderWay = false
      if (!isForeign) this.#isUnderWay = false
      this.#next(member, compared, areComplete)
      if (!isForeign) this.#compareAll()
    }
    // Each of them asks about one partition after the other, and waits for the answers.
    const parts = shareOut(partitions, isForeign ? limits.farComparisonsAtOnce : limits.comparisonsAtOnce)
    left = parts.length
    for (const part of parts) repair.compareWith(member, part, onOver)
  }

  #next(member: number, compared: Compared, isComplete: boolean): void {
    const { env, limits, placement } = this.#parts
    const isOfAll = compared.scope === SCOPE.all || placement.isForeign(member)
    if (isComplete && isOfAll) {
      compared.comparedMs = env.now()
      compared.keysDiffering = 0
    }
    // It has returned meanwhile: that is another one.
    if (compared.dueMs !== Number.POSITIVE_INFINITY) return
    if (!isComplete) compared.dueMs = env.now() + limits.suspectAfterMs
    else if (isOfAll) {
      compared.scope = SCOPE.first
      compared.hasReturned = false
      compared.dueMs = env.now() + limits.compareEveryMs
    } else {
      compared.scope = SCOPE.all
      compared.dueMs = env.now() + (1 + env.random()) * COMPARE_REST_AFTER_MS
    }
  }

  /** With one in another region: of what it is for us to tell there. */
  #shared(member: number): number[] {
    const { placement, self, rejoining, forwarding } = this.#parts
    const isForeign = placement.isForeign(member)
    const shared: number[] = []
    for (let partition = 0; partition < placement.partitionCount; partition++) {
      const members = placement.replicasOf(partition)
      const isOurs = members.includes(self) && rejoining.votesIn(partition)
      if (!isOurs || !members.includes(member)) continue
      // What it gains it takes itself: from us, too, it would only come twice.
      if (!isForeign && isGainedBy(member, placement.electorateOf(partition))) continue
      if (!isForeign || forwarding.isSender(partition, self)) shared.push(partition)
    }
    return shared
  }

  /** Of these: where of all that are there, but for one that has returned, we are the first. */
  #firstIn(partitions: readonly number[], member: number, hasReturned: boolean): number[] {
    const { placement, peers, self } = this.#parts
    const comes = (other: number) => {
      if (placement.isForeign(other) || (hasReturned && other === member)) return false
      return other === self || (!peers.isSuspected(other) && this.#votes.get(other) !== false)
    }
    return partitions.filter((partition) => placement.replicasOf(partition).find(comes) === self)
  }
}

function isGainedBy(member: number, { isJoint, current }: Electorate): boolean {
  return isJoint && !current.includes(member)
}

/** In as many parts, or fewer, none of them empty. */
function shareOut(partitions: readonly number[], parts: number): number[][] {
  const each = Math.ceil(partitions.length / parts)
  const shared: number[][] = []
  for (let at = 0; at < partitions.length; at += each) shared.push(partitions.slice(at, at + each))
  return shared
}
