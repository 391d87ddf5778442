/**
 * Everybody who ever registered, and what each said last. Silent is not gone: a worker leaves the list of the
 * live after LIVE_MS, and a cluster only when an operator removes it.
 */
import type { Member } from '@minivault/topology'
import { LIVE_MS } from '../limits.ts'
import { memberOf, type WorkerReport, type WorkerState } from '../messages.ts'
import type { KnownWorker, Registry } from '../registry/registry.ts'

export interface Worker extends KnownWorker {
  /** Null: it belongs to none yet, or was not heard since the master began. */
  readonly clusterId: string | null
  readonly epoch: number
  readonly isMember: boolean
  /** As it was told last; null: it was not heard since the master began. */
  readonly state: WorkerState | null
  /** In milliseconds of the master's clock. */
  readonly heardAtMs: number
}

export class Workers {
  readonly #registry: Registry
  readonly #elapsedMs: () => number
  readonly #byName = new Map<string, Worker>()

  constructor(registry: Registry, elapsedMs: () => number) {
    this.#registry = registry
    this.#elapsedMs = elapsedMs
    for (const known of registry.facts.workers) {
      this.#byName.set(known.name, { ...known, ...NOT_HEARD })
    }
  }

  /** In order of their names. */
  get all(): readonly Worker[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  get live(): readonly Worker[] {
    return this.all.filter((worker) => this.isLive(worker))
  }

  /** Live ones that the layout has, those with the newest one first. */
  get liveMembers(): readonly Worker[] {
    return this.live.filter(({ isMember }) => isMember).sort((a, b) => b.epoch - a.epoch)
  }

  find(name: string): Worker | null {
    return this.#byName.get(name) ?? null
  }

  isLive(worker: Worker, withinMs = LIVE_MS): boolean {
    return this.silentMs(worker) <= withinMs
  }

  silentMs({ heardAtMs }: Worker): number {
    return this.#elapsedMs() - heardAtMs
  }

  hear(report: WorkerReport, state: WorkerState): void {
    const { nodeId, isSecure, clusterId, epoch, isMember } = report
    const known = { ...memberOf(report), nodeId, isSecure }
    const before = this.#byName.get(report.name)
    this.#byName.set(report.name, {
      ...known,
      clusterId,
      epoch,
      isMember,
      state,
      heardAtMs: this.#elapsedMs(),
    })
    if (before !== undefined && isSame(before, known)) return
    this.#registry.write({ workers: this.all.map(knownOf) })
  }
}

const NOT_HEARD = {
  clusterId: null,
  epoch: 0,
  isMember: false,
  state: null,
  heardAtMs: Number.NEGATIVE_INFINITY,
} as const

function knownOf(worker: Worker): KnownWorker {
  return { ...memberOf(worker), nodeId: worker.nodeId, isSecure: worker.isSecure }
}

function isSame(a: KnownWorker, b: KnownWorker): boolean {
  return a.nodeId === b.nodeId && a.region === b.region && a.zone === b.zone && a.isSecure === b.isSecure
}

/** Those of both, each name once; of two the one of `first`. */
export function joined(first: readonly Member[], then: readonly Member[]): Member[] {
  const names = new Set(first.map(({ name }) => name))
  return [...first.map(memberOf), ...then.filter(({ name }) => !names.has(name)).map(memberOf)]
}
