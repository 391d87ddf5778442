/**
 * One member of the cluster: the core between the real store, clock, links and timers.
 *
 *   doors ─ ask ─▶ NodeCore ─ send ─▶ links ┄┄▶ the other members
 *                   │   ▲
 *             store ▼   │ take ◀┄┄┄┄┄┄┄┄┄┄┄ batches of theirs
 *
 * Before it is a member it asks the others whose cluster they are in (`FirstSteps`); requests are refused
 * until then.
 */
import {
  type Answer,
  type CoreStatus,
  type Env,
  isContinued,
  type LayoutState,
  Layouts,
  LIMITS,
  MEMBERSHIP,
  MESSAGE,
  type Message,
  NodeCore,
  OUTCOME,
  phaseOf,
  REASON,
  type Request,
  ZERO,
} from '@minivault/cluster'
import { StorageError, type Store } from '@minivault/storage'
import { PARTITIONS } from '@minivault/topology'
import {
  MEMBER_LEDGER_ENTRIES,
  REPAIR_PATIENCE_MS,
  TIMER_ADVANCE_MS,
  TIMER_STEP_MS,
  WRITE_PATIENCE_MS,
} from '../limits.ts'
import type { PeerLinks } from '../peers/peer-links.ts'
import type { ClusterSettings } from '../settings/cluster-settings.ts'
import type { Time } from '../time.ts'
import { type Belonging, FirstSteps, type Founding } from './first-steps.ts'
import { LAYOUTS_KEY } from './member-key.ts'
import type { Roster } from './roster.ts'
import type { StoredReplica } from './stored/stored-replica.ts'
import { TimerWheel } from './timer-wheel.ts'
import { TombstoneSweep } from './tombstone-sweep.ts'

export interface MemberParts {
  readonly settings: ClusterSettings
  readonly store: Store
  readonly replica: StoredReplica
  readonly links: PeerLinks
  readonly roster: Roster
  readonly time: Time
  /** 0 ≤ random < 1. */
  readonly random: () => number
  readonly newId: () => string
  readonly onAnswer: (token: number, answer: Answer) => void
  /** Its disk has failed: what the core was asked it does not answer any more. */
  readonly onLeft: () => void
}

export class Member implements Env {
  readonly steps: FirstSteps
  /** Its disk has failed. */
  hasLeft = false
  readonly #parts: MemberParts
  readonly #wheel: TimerWheel
  readonly #roster: Roster
  #belonging: Belonging | null = null
  #layouts: Layouts | null = null
  #core: NodeCore | null = null
  #sweep: TombstoneSweep | null = null
  #tick: unknown = null
  #timers: unknown = null
  /**
   * The time of the timers. After a turn of ours that took long it stands still until the sockets were read:
   * our own lateness is nobody's silence.
   */
  #wheelMs = 0

  constructor(parts: MemberParts) {
    this.#parts = parts
    const { settings, replica, links, roster, random, newId, time } = parts
    this.#roster = roster
    this.#wheel = new TimerWheel(time.elapsedMs(), (exchange, stage) => this.#core?.onTimer(exchange, stage))
    this.steps = new FirstSteps({
      settings,
      clusterId: replica.clusterId,
      written: replica.layoutState,
      random,
      newId,
      state: () => this.#layouts!.state,
      hasHeardOf: (name) => this.#core!.hasHeardOf(roster.numberOf(name)),
      send: (name, message) => links.linkTo(name).sendStart(message),
      write: (belonging, then) => this.#write(belonging, then),
      onLayout: (name, state) => this.#onLayout(name, state),
    })
    replica.onDurable = () => this.#guarded(() => this.#core?.onDurable())
    this.#belong()
    this.#tick = time.every(LIMITS.tickMs, () => this.#onTick())
  }

  /** Founds or joins with these, unless it is a member already. */
  begin(founding: Founding): void {
    this.#roster.list(founding.members.map(({ name }) => name))
    this.#guarded(() => this.steps.begin(founding))
  }

  /** Null: not yet. */
  get belonging(): Belonging | null {
    return this.#belonging
  }

  get layouts(): Layouts | null {
    return this.#layouts
  }

  get core(): NodeCore | null {
    return this.#core
  }

  status(): CoreStatus | null {
    return this.#core?.status() ?? null
  }

  close(): void {
    const { time } = this.#parts
    time.cancel(this.#tick)
    if (this.#timers !== null) time.cancel(this.#timers)
    this.#timers = null
    this.#core = null
  }

  // --- in

  ask(token: number, request: Request): void {
    if (this.#core === null) return this.#parts.onAnswer(token, NOT_SERVING)
    try {
      this.#core.ask(token, request)
    } catch (error) {
      this.#leave(error)
    }
  }

  /** Our own number; -1: we never were a member. */
  get self(): number {
    return this.#roster.numberOf(this.#roster.name)
  }

  /** From another member; -1: it is none that we know. */
  numberOf(name: string): number {
    return this.#roster.numberOf(name)
  }

  /** What stands under its key has to be in memory when the core sees it. */
  receive(from: number, message: Message): void {
    if (this.#core === null) return
    try {
      if (!('key' in message) || this.#parts.replica.isWarm(message.key)) this.#core.onMessage(from, message)
      else this.#parts.replica.warm(message.key, () => this.#received(from, message))
    } catch (error) {
      this.#leave(error)
    }
  }

  #received(from: number, message: Message): void {
    this.#guarded(() => this.#core?.onMessage(from, message))
  }

  /** As if it had come as a message, from a member that we may not know yet. */
  #onLayout(name: string, state: LayoutState): void {
    const from = state.roster.indexOf(name)
    const core = this.#core
    if (core === null || from < 0 || !isContinued(this.#layouts!.state, state)) return
    const message = { kind: MESSAGE.layout, exchange: 0, epoch: phaseOf(state), time: ZERO, state }
    this.#guarded(() => core.onMessage(from, message))
  }

  #onTick(): void {
    if (this.hasLeft) return
    const { error } = this.#parts.store
    // Nobody may write here for long, and those who have written wait.
    if (error !== null) return this.#leave(error)
    this.#guarded(() => {
      this.steps.onTick()
      this.#belong()
      this.#parts.replica.onTick()
      this.#core?.onTick()
      this.#sweep?.onTick()
    })
  }

  #guarded(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#leave(error)
    }
  }

  /** The disk has failed: who cannot write is away for the others, until the node is started anew. */
  #leave(error: unknown): void {
    if (!(error instanceof StorageError)) throw error
    if (this.hasLeft) return
    this.hasLeft = true
    this.#core = null
    this.#sweep = null
    this.#parts.onLeft()
  }

  // --- from the first steps to the core

  /** The id last: who has it has all that came before. */
  #write({ clusterId, began, state }: Belonging, then: () => void): void {
    const { replica } = this.#parts
    replica.note({ kind: 'layout', state })
    replica.writeBegan(began)
    replica.writeClusterId(clusterId, () => {
      then()
      // Before anybody is told of it.
      this.#belong()
    })
  }

  #belong(): void {
    // Asked for before it is needed, it would be made anew with each tick: a whole layout.
    if (this.#core !== null) return
    const { belonging } = this.steps
    if (belonging === null) return
    const { replica, store, settings } = this.#parts
    const { state } = belonging
    this.#belonging = belonging
    // The list of the command line, or the address, is not that of the cluster.
    const { name } = settings
    if (!state.roster.includes(name)) return
    const layouts = new Layouts({ partitionCount: PARTITIONS, key: LAYOUTS_KEY, first: state, self: name })
    this.#layouts = layouts
    // The list of the command line may be another one at the next start: this is what counts.
    if (replica.layoutState === null) replica.note({ kind: 'layout', state })
    this.#roster.follow(layouts)
    const self = this.numberOf(name)
    const core = new NodeCore({
      env: this,
      store: replica,
      clock: store.clock,
      placement: layouts,
      self,
      began: replica.isNew ? belonging.began : replica.began,
      limits: {
        ledgerEntries: MEMBER_LEDGER_ENTRIES,
        writePatienceMs: WRITE_PATIENCE_MS,
        repairPatienceMs: REPAIR_PATIENCE_MS,
        comparedMsMin: REPAIR_PATIENCE_MS / 2,
      },
    })
    this.#core = core
    // What it means stands in the marks by now.
    replica.writeBegan(MEMBERSHIP.voting)
    this.#sweep = new TombstoneSweep({ core, replica, placement: layouts, self, wallMs: () => this.wallMs() })
  }

  // --- Env

  now(): number {
    return this.#parts.time.elapsedMs()
  }

  wallMs(): number {
    return this.#parts.time.now()
  }

  random(): number {
    return this.#parts.random()
  }

  send(member: number, message: Message): void {
    this.#roster.linkTo(member)?.send(message)
  }

  sendList(member: number, bytes: Uint8Array): void {
    this.#roster.linkTo(member)?.sendList(bytes)
  }

  setTimer(afterMs: number, exchange: number, stage: number): void {
    const { time } = this.#parts
    if (this.#timers === null) {
      this.#wheelMs = time.elapsedMs()
      this.#timers = time.every(TIMER_STEP_MS, () => this.#onTimers())
    }
    this.#wheel.set(this.#wheelMs + afterMs, exchange, stage)
  }

  #onTimers(): void {
    const { time } = this.#parts
    this.#wheelMs = Math.min(time.elapsedMs(), this.#wheelMs + TIMER_ADVANCE_MS)
    this.#guarded(() => this.#wheel.advance(this.#wheelMs))
    if (this.#wheel.count > 0) return
    time.cancel(this.#timers)
    this.#timers = null
  }

  answer(token: number, answer: Answer): void {
    this.#parts.onAnswer(token, answer)
  }
}

const NOT_SERVING: Answer = { outcome: OUTCOME.failed, reason: REASON.notServing, record: null, rounds: 0 }
