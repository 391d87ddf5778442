/**
 * What a member does without being asked, tick by tick: it says that it is there, notices who is not, comes
 * back itself where it may have forgotten something, hands on what others missed, and compares with each of
 * them: at once when one returns, and every so often.
 */
import type { Hints } from './hints.ts'
import type { Limits } from './limits.ts'
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
  readonly send: (member: number, message: Message) => void
  readonly envelope: (exchange: number) => Pick<Message, 'exchange' | 'epoch' | 'time'>
}

export interface PeerStatus {
  readonly member: number
  readonly isSuspected: boolean
  /** As it said last: in all that it holds. */
  readonly votes: boolean
  /** Pointers kept for it. */
  readonly hints: number
  /** Of `Env.now`, when all that we share was last compared; -1: never. */
  readonly comparedMs: number
  /** So many keys were not equal then. */
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
    const { env, marks, peers, rejoining, send, envelope } = this.#parts
    const { lives } = marks
    const others = this.#others()
    const hello = { kind: MESSAGE.hello, ...envelope(0), lives, votes: rejoining.isOver }
    for (const member of others) send(member, hello)
    peers.onTick(others, env.now())
    rejoining.onTick()
    for (const member of others) {
      if (peers.isSuspected(member)) continue
      if (this.#comparedWith(member).dueMs <= env.now()) this.#compare(member)
      this.#flush(member)
    }
  }

  /** Something came from a member. */
  onHeard(member: number): void {
    const { env, peers, hints } = this.#parts
    if (peers.heard(member, env.now())) this.#compare(member)
    if (hints.count(member) > 0) this.#flush(member)
  }

  onHello(member: number, votes: boolean): void {
    if (votes) this.#voting.add(member)
    else this.#voting.delete(member)
  }

  status(): PeerStatus[] {
    const { peers, hints } = this.#parts
    return this.#others().map((member) => {
      const { comparedMs, keysDiffering } = this.#comparedWith(member)
      const isSuspected = peers.isSuspected(member)
      const votes = this.#voting.has(member)
      return { member, isSuspected, votes, hints: hints.count(member), comparedMs, keysDiffering }
    })
  }

  /** Those with whom we share a partition. */
  #others(): number[] {
    const { placement, self } = this.#parts
    const others = new Set<number>()
    for (let partition = 0; partition < placement.partitionCount; partition++) {
      const { members } = placement.electorateOf(partition)
      if (members.includes(self)) for (const member of members) others.add(member)
    }
    others.delete(self)
    return [...others]
  }

  // --- comparing

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
    const { env, limits, repair } = this.#parts
    const compared = this.#comparedWith(member)
    if (compared.isUnderWay) return
    const shared = this.#shared(member)
    if (shared.length === 0) return
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
      if (areComplete) compared.comparedMs = env.now()
      else compared.dueMs = env.now() + limits.suspectAfterMs
    }
    // Each of them asks about one partition after the other, and waits for the answers.
    const parts = shareOut(shared, limits.comparisonsAtOnce)
    left = parts.length
    for (const part of parts) repair.compareWith(member, part, onOver)
  }

  #shared(member: number): number[] {
    const { placement, self, rejoining } = this.#parts
    const shared: number[] = []
    for (let partition = 0; partition < placement.partitionCount; partition++) {
      const { members } = placement.electorateOf(partition)
      const isOurs = members.includes(self) && rejoining.votesIn(partition)
      if (isOurs && members.includes(member)) shared.push(partition)
    }
    return shared
  }

  // --- hints

  /** One after the other, many at a time, until nobody answers. */
  #flush(member: number): void {
    const { hints, limits } = this.#parts
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

/** In as many parts, or fewer, none of them empty. */
function shareOut(partitions: readonly number[], parts: number): number[][] {
  const each = Math.ceil(partitions.length / parts)
  const shared: number[][] = []
  for (let at = 0; at < partitions.length; at += each) shared.push(partitions.slice(at, at + each))
  return shared
}
