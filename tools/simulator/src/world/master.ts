/**
 * The master of a simulated cluster: the rules of apps/master themselves, over a folder, a clock and calls
 * that are simulated. A crash loses what it remembers, and its folder where the plan says so.
 */
import { LayoutCare, type LayoutQuestion } from '../../../../apps/master/src/layout/layout-care.ts'
import { TICK_MS } from '../../../../apps/master/src/limits.ts'
import { SILENT } from '../../../../apps/master/src/logger.ts'
import { type MasterReply, readReport } from '../../../../apps/master/src/messages.ts'
import { NO_FACTS, type Registry, type RegistryFacts } from '../../../../apps/master/src/registry/registry.ts'
import { type ClusterRules, Enrolment } from '../../../../apps/master/src/workers/enrolment.ts'
import { Workers } from '../../../../apps/master/src/workers/workers.ts'
import { Task } from './disk.ts'
import type { Timeline } from './timeline.ts'

/** What is tried; or a copy of it with a fault. */
export interface MasterPackage {
  readonly Enrolment: typeof Enrolment
  readonly LayoutCare: typeof LayoutCare
  readonly Workers: typeof Workers
}

export const THE_MASTER: MasterPackage = { Enrolment, LayoutCare, Workers }

/** As by HTTP. */
export interface MemberReply {
  readonly status: number
  readonly value: unknown
}

export interface MasterParts {
  readonly master: MasterPackage
  readonly timeline: Timeline
  readonly rules: ClusterRules
  /** Asks the first of these that answers; null: nobody does. */
  readonly askMembers: (
    names: readonly string[],
    body: unknown,
    then: (reply: MemberReply | null) => void,
  ) => void
  readonly isOver: () => boolean
}

class Folder implements Registry {
  facts: RegistryFacts = NO_FACTS

  write(change: Partial<RegistryFacts>): void {
    this.facts = { ...this.facts, ...change }
  }
}

export class Master {
  isUp = false
  readonly #parts: MasterParts
  #folder = new Folder()
  #life = 0
  #isBusy = false
  #enrolment!: Enrolment
  #care!: LayoutCare
  #workers!: Workers

  constructor(parts: MasterParts) {
    this.#parts = parts
    this.start()
  }

  start(): void {
    const { master, timeline, rules } = this.#parts
    const registry = this.#folder
    const elapsedMs = () => timeline.nowMs
    const workers = new master.Workers(registry, elapsedMs)
    const logger = SILENT
    // Whoever calls is reached: addresses are no matter here.
    const reachability = { whyNot: () => Promise.resolve(null) }
    // Asked here, and not there: see #go.
    const members = { ask: () => Promise.reject(new Error('nobody asks')) }
    this.#enrolment = new master.Enrolment({ registry, workers, reachability, rules, elapsedMs, logger })
    this.#care = new master.LayoutCare({ registry, workers, members, rules, logger })
    this.#workers = workers
    this.#isBusy = false
    this.isUp = true
    this.#life += 1
    this.#tickSoon(this.#life)
  }

  crash(losesFolder: boolean): void {
    this.isUp = false
    this.#life += 1
    if (losesFolder) this.#folder = new Folder()
  }

  /** A worker says that it is there. */
  take(report: unknown): MasterReply {
    const read = readReport(report)
    return this.#enrolment.place(read, this.#enrolment.whyRefused(read))
  }

  #tickSoon(life: number): void {
    const { timeline, isOver } = this.#parts
    timeline.add(
      TICK_MS,
      new Task(() => {
        if (life !== this.#life || isOver()) return
        if (!this.#isBusy) this.#go(this.#care.next(), life)
        this.#tickSoon(life)
      }),
    )
  }

  #go(question: LayoutQuestion | null, life: number): void {
    this.#isBusy = question !== null
    if (question === null) return
    const names = this.#workers.liveMembers.map(({ name }) => name)
    this.#parts.askMembers(names, question.body, (reply) => {
      if (life !== this.#life) return
      this.#go(reply === null ? null : this.#care.hear(question, reply), life)
    })
  }
}
