/**
 * What a member does without being asked, tick by tick: it says that it is there, notices who is not, comes
 * back itself where it may have forgotten something, hands on what others missed, and compares with each of
 * them: at once when one returns, and every so often.
 */
import { Comparing } from './comparing.ts'
import type { Forwarding } from './forwarding.ts'
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
  /** Of `Env.now`: when it was heard last, or first looked for. */
  readonly heardMs: number
  /** As it said last: in all that it holds. */
  readonly votes: boolean
  /** Pointers kept for it, and those that are being followed. */
  readonly hints: number
  /** Wall milliseconds at which the oldest of them was written; null: there is none. Of foreigners alone. */
  readonly oldestHintMs: number | null
  /** Of `Env.now`, when all that we share was last compared; -1: never. */
  readonly comparedMs: number
  /** So many keys were found not to be equal, and have not all been mended. */
  readonly keysDiffering: number
}

export class Upkeep {
  readonly #parts: UpkeepParts
  /** So many pointers to a member's are being followed. */
  readonly #flushing = new Map<number, number>()
  readonly comparing: Comparing

  constructor(parts: UpkeepParts) {
    this.#parts = parts
    this.comparing = new Comparing({ ...parts, isFlushing: (member) => this.#flushing.has(member) })
  }

  onTick(): void {
    const { env, marks, peers, rejoining, forwarding, send, envelope } = this.#parts
    const { lives } = marks
    const others = this.#others()
    const hello = { kind: MESSAGE.hello, ...envelope(0), lives, votes: rejoining.isOver }
    for (const member of others) send(member, hello)
    peers.onTick(others, env.now())
    rejoining.onTick()
    if (forwarding.onTick()) this.comparing.compareWithForeigners(others)
    for (const member of others) if (!peers.isSuspected(member)) this.#flush(member)
    this.comparing.onTick(others)
  }

  /** Something came from a member. */
  onHeard(member: number): void {
    const { env, peers, hints } = this.#parts
    if (peers.heard(member, env.now())) this.comparing.onReturned(member)
    if (hints.count(member) > 0) this.#flush(member)
  }

  status(): PeerStatus[] {
    const { env, peers, placement, forwarding } = this.#parts
    return this.#others().map((member) => {
      const { comparedMs, keysDiffering } = this.comparing.facts(member)
      const isForeign = placement.isForeign(member)
      return {
        member,
        region: placement.regionOf(member),
        isForeign,
        isSuspected: peers.isSuspected(member),
        heardMs: peers.heardMs(member) ?? env.now(),
        votes: this.comparing.votes(member),
        hints: forwarding.pending(member) + (this.#flushing.get(member) ?? 0),
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

  // --- hints

  /** One after the other, many at a time, until nobody answers. */
  #flush(member: number): void {
    const { hints, limits, placement, forwarding } = this.#parts
    if (placement.isForeign(member)) return forwarding.onHeard(member)
    if (this.#flushing.has(member) || hints.count(member) === 0) return
    const taken = hints.take(member, limits.repairsAtOnce)
    let left = taken.length
    this.#flushing.set(member, left)
    let isThere = true
    for (const hint of taken) {
      const { key, ballot } = hint
      const onOver = (isAnswered: boolean) => {
        if (!isAnswered) hints.add(member, key, ballot)
        isThere &&= isAnswered
        left -= 1
        if (left > 0) return void this.#flushing.set(member, left)
        this.#flushing.delete(member)
        if (isThere) this.#flush(member)
      }
      // What we missed ourselves, or have released, is not ours to tell.
      if (isBelow(this.#parts.repair.ballotOf(key), ballot)) onOver(true)
      else this.#parts.repair.bringTo(member, key, onOver, CAUSE.hint)
    }
  }
}
