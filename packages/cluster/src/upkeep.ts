/**
 * What a member does without being asked, tick by tick: it says that it is there, notices who is not, comes
 * back itself where it may have forgotten something, hands on what others missed, and compares with each of
 * them: at once when one returns, and every so often.
 */
import type { Electorate } from './electorate.ts'
import type { Forwarding } from './forwarding.ts'
import type { Hints } from './hints.ts'
import { COMPARE_AFTER_HINTS_MS, type Limits } from './limits.ts'
import type { Marks } from './marks.ts'
import { CAUSE, MESSAGE, type Message } from './messages.ts'
import type { Peers } from './peers.ts'
import type { Env, Placement } from './ports.ts'
import { isBelow } from './record.ts'
import type { Rejoining } from './rejoining.ts'
import type { Repair } from './repair.ts'

export interface UpkeepParts {
  readonly env: Env
  readonly placement: Placement
  readonly self: number
  readonly limits: Limits
  readonly marks: Marks
  readonly peers: Peers
  readonly hints: Hints
  readonly repair: Repair
  readonly rejoining: Rejoining
  readonly forwarding: Forwarding
  readonly send: (member: number, message: Message) => void
  readonly envelope: (exchange: number) => Pick<Message, 'exchange' | 'epoch' | 'time'>
}

export interface PeerStatus {
  readonly member: number
  readonly region: string
  /** It decides without us: what is written here comes to it later. */
  readonly isForeign: boolean
  readonly isSuspected: boolean
  /** As it said last: in all that it holds. */
  readonly votes: boolean
  /** Pointers kept for it. */
  readonly hints: number
  /** Wall milliseconds at which the oldest of them was written; null: there is none. Of foreigners alone. */
  readonly oldestHintMs: number | null
  /** Of `Env.now`, when all that we share was last compared; -1: never. */
  readonly comparedMs: number
  /** So many keys were found not to be equal, and have not all been mended. */
  readonly keysDiffering: number
}

interface Compared {
  dueMs: number
  isUnderWay: boolean
  comparedMs: number
  keysDiffering: number
}

export class Upkeep {
  readonly #parts: UpkeepParts
  readonly #compared = new Map<number, Compared>()
  readonly #flushing = new Set<number>()
  /** Those that say so. For whoever asks how things are; what counts is what each answer says. */
  readonly #voting = new Set<number>()

  constructor(parts: UpkeepParts) {
    this.#parts = parts
  }

  onTick(): void {
    const { env, marks, peers, rejoining, forwarding, send, envelope } = this.#parts
    const { lives } = marks
    const others = this.#others()
    const hello = { kind: MESSAGE.hello, ...envelope(0), lives, votes: rejoining.isOver }
    for (const member of others) send(member, hello)
    peers.onTick(others, env.now())
    rejoining.onTick()
    if (forwarding.onTick()) this.#compareWithForeigners(others)
    for (const member of others) {
      if (peers.isSuspected(member)) continue
      if (this.#isDue(member)) this.#compare(member)
      this.#flush(member)
    }
  }

  /** Something came from a member. */
  onHeard(member: number): void {
    const { env, peers, hints, placement } = this.#parts
    if (peers.heard(member, env.now())) {
      if (placement.isForeign(member)) this.#comparedWith(member).dueMs = env.now()
      else this.#compare(member)
    }
    if (hints.count(member) > 0) this.#flush(member)
  }

  onHello(member: number, votes: boolean): void {
    if (votes) this.#voting.add(member)
    else this.#voting.delete(member)
  }

  status(): PeerStatus[] {
    const { peers, placement, forwarding } = this.#parts
    return this.#others().map((member) => {
      const { comparedMs, keysDiffering } = this.#comparedWith(member)
      const isForeign = placement.isForeign(member)
      return {
        member,
        region: placement.regionOf(member),
        isForeign,
        isSuspected: peers.isSuspected(member),
        votes: this.#voting.has(member),
        hints: forwarding.pending(member),
        oldestHintMs: isForeign ? forwarding.oldestMs(member) : null,
        comparedMs,
        keysDiffering,
      }
    })
  }

  /** Those with whom we share a partition. */
  #others(): number[] {
    const { placement, self } = this.#parts
    const others = new Set<number>()
    for (let partition = 0; partition < placement.partitionCount; partition++) {
      const members = placement.replicasOf(partition)
      if (members.includes(self)) for (const member of members) others.add(member)
    }
    others.delete(self)
    return [...others]
  }

  // --- comparing

  /** With one in another region after the pointers for it: most of what differs they bring. */
  #isDue(member: number): boolean {
    const { env, placement, hints } = this.#parts
    const { dueMs } = this.#comparedWith(member)
    if (dueMs > env.now()) return false
    if (!placement.isForeign(member) || hints.count(member) === 0) return true
    return dueMs + COMPARE_AFTER_HINTS_MS <= env.now()
  }

  /** Whoever told them before may not have told them all. */
  #compareWithForeigners(others: readonly number[]): void {
    const { env, placement } = this.#parts
    for (const member of others) {
      if (placement.isForeign(member)) this.#comparedWith(member).dueMs = env.now()
    }
  }

  #comparedWith(member: number): Compared {
    const { env, limits } = this.#parts
    let compared = this.#compared.get(member)
    if (compared === undefined) {
      // The first ones soon after the start, and not all at once.
      const dueMs = env.now() + env.random() * limits.suspectAfterMs
      compared = { dueMs, isUnderWay: false, comparedMs: -1, keysDiffering: 0 }
      this.#compared.set(member, compared)
    }
    return compared
  }

  #compare(member: number): void {
    const { env, limits, repair, placement } = this.#parts
    const compared = this.#comparedWith(member)
    if (compared.isUnderWay) return
    const shared = this.#shared(member)
    if (shared.length === 0) {
      if (placement.isForeign(member)) compared.dueMs = env.now() + limits.suspectAfterMs
      return
    }
    compared.isUnderWay = true
    compared.dueMs = env.now() + limits.compareEveryMs
    compared.keysDiffering = 0
    let left = 0
    let areComplete = true
    const onOver = (isComplete: boolean, keysDiffering: number) => {
      areComplete &&= isComplete
      compared.keysDiffering += keysDiffering
      left -= 1
      if (left > 0) return
      compared.isUnderWay = false
      if (areComplete) {
        compared.comparedMs = env.now()
        compared.keysDiffering = 0
      } else compared.dueMs = env.now() + limits.suspectAfterMs
    }
    // Each of them asks about one partition after the other, and waits for the answers.
    const { comparisonsAtOnce, farComparisonsAtOnce } = limits
    const parts = shareOut(shared, placement.isForeign(member) ? farComparisonsAtOnce : comparisonsAtOnce)
    left = parts.length
    for (const part of parts) repair.compareWith(member, part, onOver)
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

  // --- hints

  /** One after the other, many at a time, until nobody answers. */
  #flush(member: number): void {
    const { hints, limits, placement, forwarding } = this.#parts
    if (placement.isForeign(member)) return forwarding.onHeard(member)
    if (this.#flushing.has(member) || hints.count(member) === 0) return
    this.#flushing.add(member)
    const taken = hints.take(member, limits.repairsAtOnce)
    let left = taken.length
    let isThere = true
    for (const hint of taken) {
      const { key, ballot } = hint
      const onOver = (isAnswered: boolean) => {
        if (!isAnswered) hints.add(member, key, ballot)
        isThere &&= isAnswered
        left -= 1
        if (left > 0) return
        this.#flushing.delete(member)
        if (isThere) this.#flush(member)
      }
      // What we missed ourselves, or have released, is not ours to tell.
      if (isBelow(this.#parts.repair.ballotOf(key), ballot)) onOver(true)
      else this.#parts.repair.bringTo(member, key, onOver, CAUSE.hint)
    }
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
