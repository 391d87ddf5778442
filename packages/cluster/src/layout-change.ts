/**
 * How one layout follows another. Nobody leads it: what has to be done is seen from the phase, and every
 * member does its part with every tick, so it goes on whoever dies.
 *
 *   decide   the next layout is written as a record, under a condition, once for each epoch
 *   joint    ──▶ every member writes it down, obeys it, and tells whoever is behind; those that gain a
 *                partition arrive in it (rejoining.ts), and say that they are ready when they vote
 *   settled  ──▶ whoever has heard that all are ready writes it down, obeys it, and tells the others. What a
 *                member has lost it drops when all that hold it have written that down
 */

import type { Coordinator } from './coordinator.ts'
import {
  jointState,
  type LayoutState,
  type LayoutValue,
  phaseOf,
  settledState,
  type Table,
  tableOf,
} from './layout-state.ts'
import type { Layouts, Move } from './layouts.ts'
import { Leaving } from './leaving.ts'
import { type Limits, REPAIR_DEADLINE_MS } from './limits.ts'
import { type Marks, MEMBERSHIP } from './marks.ts'
import { type LayoutChangeMessage, MESSAGE, type Message } from './messages.ts'
import type { ReplicaStore } from './ports.ts'
import type { HeldRecord } from './record.ts'
import type { Rejoining } from './rejoining.ts'
import type { Repair } from './repair.ts'
import type { Replica } from './replica.ts'
import { OUTCOME } from './request.ts'

export interface LayoutChangeParts {
  readonly store: ReplicaStore
  readonly replica: Replica
  readonly repair: Repair
  readonly marks: Marks
  readonly layouts: Layouts
  readonly coordinator: Coordinator
  readonly rejoining: Rejoining
  readonly self: number
  readonly limits: Limits
  readonly send: (member: number, message: Message) => void
  readonly afterSync: (position: number, task: () => void) => void
  readonly envelope: (exchange: number) => Pick<Message, 'exchange' | 'epoch' | 'time'>
}

/** What became of a proposal. */
export const PROPOSAL = {
  /** It is the next layout; the change goes on by itself. */
  decided: 0,
  /** Another one is. */
  otherDecided: 1,
  /** One change is not over yet, or this layout does not follow the one that we know. */
  notNext: 2,
  /** Too few answered: it may be decided yet. The same may be proposed again. */
  unknown: 3,
} as const
export type Proposal = (typeof PROPOSAL)[keyof typeof PROPOSAL]

export class LayoutChange {
  readonly #parts: LayoutChangeParts
  /** In this joint phase. */
  readonly #ready = new Set<number>()
  /** Those who have to be ready, one partition after the other. */
  #awaited: readonly (readonly number[])[] = []
  /** The same, each once. */
  #awaitedMembers: readonly number[] = []
  /** The partitions for which we have to be. */
  #awaitedOfUs: readonly number[] = []
  /** The phase that is being written down. */
  #noted = 0
  #isAsking = false
  readonly #leaving: Leaving
  /** With this tick: who was told, and who was asked. */
  readonly #told = new Set<number>()

  constructor(parts: LayoutChangeParts) {
    this.#parts = parts
    this.#leaving = new Leaving(parts)
    this.#begin()
  }

  // --- decide

  propose(next: Table, onOver: (proposal: Proposal) => void): void {
    const { layouts } = this.#parts
    const { table } = layouts.state
    if (layouts.isJoint || next.epoch !== table.epoch + 1) return onOver(PROPOSAL.notNext)
    this.#decide(table, next, (decided) => {
      if (decided === null) onOver(PROPOSAL.unknown)
      else onOver(isSameTable(decided, next, layouts) ? PROPOSAL.decided : PROPOSAL.otherDecided)
    })
  }

  /** What follows this layout; null: nobody knows yet. */
  #decide(table: Table, next: Table | null, onOver: (decided: Table | null) => void): void {
    const { layouts, coordinator } = this.#parts
    const follows = (current: HeldRecord) => (tableOf(current)?.epoch ?? 0) <= table.epoch
    const change = {
      isConditional: true,
      apply: (current: HeldRecord) => {
        if (next === null || !follows(current)) return null
        const value: LayoutValue = { bytes: 0, table: next }
        return { value, expiresAtMs: 0, sum: null }
      },
    }
    coordinator.decide(layouts.key, change, REPAIR_DEADLINE_MS, (outcome, record) => {
      const isTold = (outcome === OUTCOME.ok || outcome === OUTCOME.no) && record !== null
      const decided = isTold ? tableOf(record) : null
      if (decided?.epoch === table.epoch + 1 && layouts.state.table === table) {
        this.#adopt(jointState(layouts.state, decided))
      }
      onOver(decided)
    })
  }

  /** Who decided it may be gone: then its record is all that is left of it. */
  #lookForDecision(): void {
    const { store, layouts } = this.#parts
    const { table } = layouts.state
    const { record } = store.read(layouts.key)
    const isNews = record !== null && (tableOf(record)?.epoch ?? 0) > table.epoch
    if (!isNews || this.#isAsking) return
    this.#isAsking = true
    this.#decide(table, null, () => {
      this.#isAsking = false
    })
  }

  // --- phases

  /** Writes it down, then obeys it. */
  #adopt(state: LayoutState): void {
    const { marks, layouts, self, afterSync } = this.#parts
    const phase = phaseOf(state)
    if (phase <= layouts.epoch || phase <= this.#noted) return
    this.#noted = phase
    for (const partition of layouts.gainedBy(self, state)) {
      const membership = marks.membershipOf(partition)
      // Who has lost a disk may have voted here by this very layout.
      if (membership === MEMBERSHIP.arriving || membership === MEMBERSHIP.joining) continue
      marks.note({ kind: 'membership', partition, membership: MEMBERSHIP.arriving })
    }
    const position = marks.note({ kind: 'layout', state })
    afterSync(position, () => {
      if (phase > layouts.epoch) this.#obey(state)
    })
  }

  #obey(state: LayoutState): void {
    const { layouts } = this.#parts
    layouts.obey(state)
    this.#begin()
    for (const member of this.#others()) this.#tell(member)
  }

  /** A phase begins here; or we do, in the middle of it. */
  #begin(): void {
    const { layouts, rejoining } = this.#parts
    this.#ready.clear()
    this.#told.clear()
    rejoining.onLayout()
    this.#leaving.onLayout()
    const moving = layouts.moving()
    this.#awaited = moving.map(({ after }) => after)
    this.#awaitedMembers = [...new Set(this.#awaited.flat())]
    const ofUs = moving.filter(({ after }) => after.includes(this.#parts.self))
    this.#awaitedOfUs = ofUs.map(({ partition }) => partition)
    const behind = moving.filter((move) => this.#mayLack(move))
    rejoining.catchUp(behind.map(({ partition }) => partition))
  }

  /** We hold the partition, and go on holding it, and may not know what was chosen before. */
  #mayLack({ partition, before, after }: Move): boolean {
    const { layouts, self } = this.#parts
    if (!after.includes(self)) return false
    // Of fewer replicas a majority may be none of those that have chosen something.
    if (before.includes(self)) return after.length < before.length
    // Another region was the home.
    return layouts.electorateOf(partition).current.includes(self)
  }

  // --- ready

  onTick(): void {
    this.#told.clear()
    const { layouts } = this.#parts
    if (layouts.isJoint) this.#sayReady()
    else this.#lookForDecision()
    this.#leaving.onTick()
  }

  #sayReady(): void {
    const { rejoining, self, send, envelope } = this.#parts
    const isReady = !this.#awaitedOfUs.some((partition) => rejoining.isWaiting(partition))
    if (isReady) this.#ready.add(self)
    for (const member of this.#others()) {
      // Who is behind learns from either that there is something to learn.
      const kind = isReady ? MESSAGE.ready : MESSAGE.learn
      send(member, { kind, ...envelope(0) })
    }
    this.#settle()
  }

  /** All of them: with fewer the old ones would go before there are as many new ones. */
  #settle(): void {
    const isSettled = this.#awaited.every((after) => after.every((member) => this.#ready.has(member)))
    if (isSettled) this.#adopt(settledState(this.#parts.layouts.state))
  }

  /**
   * Where some new replicas are away for good: a majority of them is enough to go on with, and what is chosen
   * by then they know. False: it is not there.
   */
  settleWithout(): boolean {
    const { layouts } = this.#parts
    if (!layouts.isJoint) return false
    const isEnough = this.#awaited.every((after) => {
      return after.filter((member) => this.#ready.has(member)).length * 2 > after.length
    })
    if (isEnough) this.#adopt(settledState(layouts.state))
    return isEnough
  }

  /** Of a change that is under way: those that are not ready, as far as we have heard. */
  get awaited(): number[] {
    return this.#awaitedMembers.filter((member) => !this.#ready.has(member))
  }

  // --- messages

  /** Something came from a member; false: it is not for us, who are behind. */
  hear(from: number, { kind, epoch }: Message): boolean {
    const { layouts } = this.#parts
    this.#leaving.hear(from, epoch)
    if (epoch < layouts.epoch) {
      if (kind !== MESSAGE.layout) this.#tell(from)
      return kind !== MESSAGE.introduce
    }
    if (epoch === layouts.epoch) return true
    if (kind !== MESSAGE.layout && kind !== MESSAGE.learn) this.#ask(from)
    return !NEEDS_THE_LAYOUT.includes(kind)
  }

  onMessage(from: number, message: LayoutChangeMessage): void {
    const { layouts } = this.#parts
    if (message.kind === MESSAGE.layout) return this.#adopt(message.state)
    if (message.kind === MESSAGE.learn) {
      // Who is as far as we are wants to know just that.
      if (message.epoch > layouts.epoch) this.#ask(from)
      else if (!layouts.isJoint || message.epoch < layouts.epoch) this.#tell(from)
      return
    }
    if (message.epoch !== layouts.epoch || !layouts.isJoint) return
    this.#ready.add(from)
    this.#settle()
  }

  #ask(member: number): void {
    const { send, envelope } = this.#parts
    if (this.#told.has(member)) return
    this.#told.add(member)
    send(member, { kind: MESSAGE.learn, ...envelope(0) })
  }

  #tell(member: number): void {
    const { send, envelope, layouts } = this.#parts
    if (this.#told.has(member)) return
    this.#told.add(member)
    send(member, { kind: MESSAGE.layout, ...envelope(0), state: layouts.state })
  }

  #others(): number[] {
    const { layouts, self } = this.#parts
    return layouts.members.filter((member) => member !== self)
  }
}

/** Questions whose answer counts only in the phase in which they are asked. */
const NEEDS_THE_LAYOUT: readonly number[] = [
  MESSAGE.offer,
  MESSAGE.prepare,
  MESSAGE.read,
  MESSAGE.introduce,
  MESSAGE.fence,
  MESSAGE.release,
]

function isSameTable(a: Table, b: Table, { partitionCount }: Layouts): boolean {
  if (a.epoch !== b.epoch || a.home !== b.home) return false
  const name = ({ members }: Table, place: number) => members[place]!.name
  for (let partition = 0; partition < partitionCount; partition++) {
    const some = Array.from(a.replicasOf(partition), (place) => name(a, place))
    const others = Array.from(b.replicasOf(partition), (place) => name(b, place))
    if (some.join() !== others.join()) return false
  }
  return namesOf(a) === namesOf(b)
}

function namesOf({ members }: Table): string {
  return members.map(({ name }) => name).join()
}
