/**
 * The way of a member into a cluster: a process that knows its name and the master alone. It says that it is
 * there, is told with whom to begin or whom to ask, and goes the first steps (`FirstStart` of the core); what
 * comes of them stands on its disk, and from then on it needs no master.
 */
import {
  type FirstStart,
  type LayoutState,
  type LayoutView,
  latestOf,
  type Membership,
  phaseOf,
  type StartMessage,
} from '@minivault/cluster'
import type { Founding, MasterReply, WorkerReport } from '../../../../apps/master/src/messages.ts'
import { readReply } from '../../../../apps/master/src/messages.ts'
import { type Loss, MASTER } from '../plan/plan.ts'
import { mix, Random } from '../random.ts'
import type { Calls } from './calls.ts'
import { Task } from './disk.ts'
import { layoutsOf, nameOf } from './layout.ts'
import type { Member, MemberParts } from './member.ts'

const REGION = 'r0'
const PORT = 7000
const WRITE_MS = 3
/** As `MasterLink` of apps/node. */
const BACKOFF_MS_MIN = 125
const BACKOFF_MS_MAX = 2000

interface Belonging {
  readonly clusterId: string
  readonly began: Membership
  readonly state: LayoutState
}

export type SendStart = (to: number, message: StartMessage<LayoutState>) => void

export interface WorkerParts
  extends Pick<MemberParts, 'cluster' | 'timeline' | 'seed' | 'setup' | 'layoutForm'> {
  readonly member: Member
  readonly calls: Calls
  /** Null: nobody listens. */
  readonly report: (report: WorkerReport) => MasterReply | null
  readonly sendStart: SendStart
  readonly isOver: () => boolean
}

export class Worker {
  readonly number: number
  isUp = false
  /** It was never started. */
  isNew = true
  readonly #parts: WorkerParts
  readonly #random: Random
  #life = 0
  /** Which folder it is. */
  #disk = 0
  /** On it; null: it is empty. */
  #belonging: Belonging | null = null
  #founding: Founding | null = null
  #start: FirstStart<LayoutState> | null = null
  #failures = 0

  constructor(number: number, parts: WorkerParts) {
    this.number = number
    this.#parts = parts
    this.#random = new Random(mix(parts.seed, 12, number))
  }

  get clusterId(): string | null {
    return this.#belonging?.clusterId ?? null
  }

  start(): void {
    if (this.isUp) return
    this.isUp = true
    this.isNew = false
    this.#life += 1
    const { member, setup } = this.#parts
    if (this.#belonging !== null) {
      this.#ask([])
      if (setup.clientFault !== 'waitsForMaster') member.start()
    }
    this.#beat(this.#life)
    this.#tickSoon(this.#life)
  }

  /** Of the process, and of its member if it is one. */
  crash(loss: Loss): void {
    this.isUp = false
    this.#life += 1
    this.#start = null
    this.#founding = null
    if (loss !== 'everything') return
    this.#disk += 1
    this.#belonging = null
  }

  onStart(from: number, message: StartMessage<LayoutState>): void {
    if (this.isUp) this.#start?.onMessage(nameOf(from), message)
  }

  // --- the master

  #beat(life: number): void {
    const { calls, report, isOver } = this.#parts
    if (life !== this.#life || isOver()) return
    const mine = this.#report()
    calls.call<MasterReply>({
      from: this.number,
      to: MASTER,
      serve: (answer) => {
        const reply = report(mine)
        if (reply !== null) answer(reply)
      },
      onOver: (reply) => {
        if (life !== this.#life) return
        const pauseMs = reply === null ? this.#backOff() : this.#hear(readReply(reply))
        this.#after(pauseMs * (0.9 + 0.2 * this.#random.next()), () => this.#beat(life))
      },
    })
  }

  #report(): WorkerReport {
    const { member, seed } = this.#parts
    const state = this.#state()
    const name = nameOf(this.number)
    return {
      name: addressOf(this.number),
      region: REGION,
      zone: '',
      nodeId: mix(seed, 13, this.number, this.#disk).toString(16),
      clusterId: this.clusterId,
      epoch: state?.table.epoch ?? 0,
      isMember: member.isUp && state !== null && membersOf(state).includes(name),
      isSecure: false,
      founding: this.clusterId === null ? this.#founding : null,
    }
  }

  #backOff(): number {
    this.#failures += 1
    return Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(this.#failures, 10))
  }

  #hear({ state, mode, replicas, members, heartbeatMs }: MasterReply): number {
    const { member, setup } = this.#parts
    if (state === 'refused') return this.#backOff()
    this.#failures = 0
    if (setup.clientFault === 'waitsForMaster' && this.#belonging !== null && !member.isUp) member.start()
    if ((state === 'founding' || state === 'joining') && members.length > 0) {
      const founding = { members, mode, replicas }
      if (state === 'founding') this.#founding = founding
      if (this.#start === null) this.#ask(members.map(({ name }) => numberOf(name)))
    }
    return heartbeatMs
  }

  // --- first steps

  /** Those that the list names, and those whom we know. */
  #ask(numbers: readonly number[]): void {
    const { cluster, member, sendStart } = this.#parts
    const known = this.#belonging === null ? [] : viewOf(this.#belonging.state).members
    const listed = [...numbers].sort((a, b) => a - b)
    this.#start = new cluster.FirstStart<LayoutState>({
      name: nameOf(this.number),
      members: [...new Set([...listed.map(nameOf), ...known])],
      membersHash: listed.join(' '),
      clusterId: this.clusterId,
      foundsAlone: false,
      viewOf,
      asking: Math.floor(this.#random.next() * 2 ** 48),
      layout: () => this.#state()!,
      hasHeardOf: (name) => member.hasHeardOf(numberOf(name)),
      newId: () => Math.floor(this.#random.next() * 2 ** 48).toString(16),
      send: (name, message) => sendStart(numberOf(name), message),
      write: ({ clusterId, began, layout }, then) => {
        const state = layout ?? this.#firstOf(listed)
        const life = this.#life
        this.#after(WRITE_MS, () => {
          if (life !== this.#life) return
          this.#belonging = { clusterId, began, state }
          then()
          member.begin(state, began)
        })
      },
      // Members here take messages of whoever has a number, and learn from those.
      onLayout: () => {},
    })
  }

  #firstOf(numbers: readonly number[]): LayoutState {
    const { layoutForm } = this.#parts
    return layoutForm.stateOf(layoutForm.table(1, numbers))
  }

  /** By which it goes. */
  #state(): LayoutState | null {
    const { member } = this.#parts
    const layouts = member.isUp ? layoutsOf(member) : null
    return layouts?.state ?? this.#belonging?.state ?? null
  }

  #tickSoon(life: number): void {
    const { setup, isOver } = this.#parts
    this.#after(setup.tickMs, () => {
      if (life !== this.#life || isOver()) return
      this.#start?.onTick()
      this.#tickSoon(life)
    })
  }

  #after(ms: number, task: () => void): void {
    this.#parts.timeline.add(ms, new Task(task))
  }
}

/** As apps/node has it: of those who hold a partition so many may be silent. */
function viewOf(state: LayoutState): LayoutView {
  const spares = [state.table, latestOf(state)].map(({ members }) => (members.length - 1) >> 1)
  return { members: membersOf(state), phase: phaseOf(state), silentMax: Math.min(...spares) }
}

function membersOf(state: LayoutState): string[] {
  const names = [state.table, latestOf(state)].flatMap(({ members }) => members.map(({ name }) => name))
  return [...new Set(names)]
}

/** By which others reach it. */
export function addressOf(number: number): string {
  return `${nameOf(number)}:${PORT}`
}

/** Of `m3`, and of `m3:7000`. */
export function numberOf(name: string): number {
  return Number.parseInt(name.slice(1), 10)
}
