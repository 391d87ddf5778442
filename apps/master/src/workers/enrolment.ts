/**
 * What becomes of a worker that says it is there: it waits for a new cluster to begin, begins it with others,
 * is a member, joins, or is refused in one line. Workers are right about clusters and layouts: the master
 * takes over what they say, and never brings one to forget something.
 */
import type { Member } from '@minivault/topology'
import { COLLECT_MS, HEARTBEAT_COLLECTING_MS, HEARTBEAT_MS } from '../limits.ts'
import type { MasterLogger } from '../logger.ts'
import {
  type Founding,
  type MasterReply,
  memberOf,
  type WorkerReport,
  type WorkerState,
} from '../messages.ts'
import type { Registry } from '../registry/registry.ts'
import { Collection } from './collection.ts'
import type { Reachability } from './reachability.ts'
import { joined, type Workers } from './workers.ts'

export interface ClusterRules {
  readonly mode: Founding['mode']
  readonly replicas: number
  /** A new cluster waits for so many; 0: for whoever comes within a second. */
  readonly foundersMin: number
}

export interface EnrolmentParts {
  readonly registry: Registry
  readonly workers: Workers
  readonly reachability: Pick<Reachability, 'whyNot'>
  readonly rules: ClusterRules
  readonly elapsedMs: () => number
  readonly logger: MasterLogger
}

/** What a worker is told, less what is the same for all. */
interface Place {
  readonly state: WorkerState
  readonly members: readonly Member[]
  readonly error?: string
}

export class Enrolment {
  readonly #parts: EnrolmentParts
  readonly #collection: Collection
  /** By name: the last line of the log about it. */
  readonly #told = new Map<string, string>()

  constructor(parts: EnrolmentParts) {
    this.#parts = parts
    this.#collection = new Collection(parts.rules.foundersMin)
  }

  async take(report: WorkerReport): Promise<MasterReply> {
    return this.place(report, this.whyRefused(report) ?? (await this.#whyUnreachable(report)))
  }

  /** What becomes of it, of which this is known; null: nothing speaks against it. */
  place(report: WorkerReport, refusal: string | null): MasterReply {
    if (refusal !== null) {
      this.#tell(report, `refused: ${refusal}`, true)
      return this.#reply({ state: 'refused', members: [], error: refusal })
    }
    this.#adopt(report)
    const { workers } = this.#parts
    // Those who come for a new cluster count from now on.
    workers.hear(report, workers.find(report.name)?.state ?? 'collecting')
    const place = this.#placeOf(report)
    workers.hear(report, place.state)
    this.#tell(report, place.state, false)
    return this.#reply(place)
  }

  #reply({ state, members, error }: Place): MasterReply {
    const { registry, rules } = this.#parts
    const { mode, replicas } = registry.facts.founding ?? rules
    const heartbeatMs =
      state === 'collecting' || state === 'founding' ? HEARTBEAT_COLLECTING_MS : HEARTBEAT_MS
    const reply = { state, mode, replicas, members: members.map(memberOf), heartbeatMs }
    return error === undefined ? reply : { ...reply, error }
  }

  // --- refusals

  /** As far as the master knows by itself. */
  whyRefused(report: WorkerReport): string | null {
    const { workers } = this.#parts
    const { name, nodeId } = report
    const other = workers.find(name)
    if (other !== null && other.nodeId !== nodeId && workers.isLive(other)) {
      return `two workers say they are ${name}: give each its own -public-url, and each its own -data`
    }
    return this.#whyForeign(report) ?? this.#whyMisplaced(report)
  }

  #whyForeign({ name, clusterId }: WorkerReport): string | null {
    const { clusterId: ours, founding } = this.#parts.registry.facts
    if (clusterId === null || clusterId === ours) return null
    if (ours !== null) {
      return (
        `${name} belongs to cluster ${clusterId}, this master to ${ours}: start the worker with the master ` +
        'of its own cluster, or the master with another -data (an empty one learns from its workers)'
      )
    }
    if (founding === null || founding.members.some((founder) => founder.name === name)) return null
    return `${name} belongs to cluster ${clusterId}, and this master has just begun another one without it`
  }

  #whyMisplaced(report: WorkerReport): string | null {
    const { name, region, zone, epoch, isMember, clusterId } = report
    const { layout } = this.#parts.registry.facts
    if (layout === null || layout.epoch < epoch) return null
    const placed = layout.members.find((member) => member.name === name)
    if (placed === undefined) {
      if (clusterId === null || isMember) return null
      return `${name} was removed from this cluster: empty its data folder if it is to join again`
    }
    if (placed.region === region && placed.zone === zone) return null
    const words = (place: { region: string; zone: string }) =>
      place.zone === '' ? place.region : `${place.region}, zone ${place.zone}`
    return (
      `${name} is in region ${words(placed)} by layout ${layout.epoch}, and was started for ` +
      `${words(report)}: give it the -region and -zone that it had, or remove it and let it join anew`
    )
  }

  async #whyUnreachable(report: WorkerReport): Promise<string | null> {
    // Whoever is a member is reached by the others, and that is what counts.
    return report.isMember ? null : this.#parts.reachability.whyNot(report)
  }

  // --- what workers know

  #adopt({ name, clusterId, founding }: WorkerReport): void {
    const { registry, logger } = this.#parts
    const { facts } = registry
    if (facts.clusterId === null && clusterId !== null) {
      registry.write({ clusterId })
      logger.info({ clusterId, from: name }, `this is the master of cluster ${clusterId}: ${name} says so`)
    }
    if (facts.clusterId === null && facts.founding === null && clusterId === null && founding !== null) {
      registry.write({ founding })
      logger.info({ from: name }, `a new cluster was about to begin: ${name} says so`)
    }
  }

  // --- places

  #placeOf(report: WorkerReport): Place {
    const { registry } = this.#parts
    const { clusterId, founding, layout } = registry.facts
    if (report.isMember) return { state: 'member', members: layout?.members ?? [] }
    if (clusterId !== null) return this.#placeInCluster(report)
    return this.#placeAtBeginning(report, founding ?? this.#begin(report))
  }

  #placeInCluster(report: WorkerReport): Place {
    const { registry, workers } = this.#parts
    const { layout, founding } = registry.facts
    // A founder that has not heard yet how it began.
    if (layout === null && founding?.members.some(({ name }) => name === report.name)) {
      return { state: 'founding', members: founding.members }
    }
    const known = layout?.members ?? joined(workers.liveMembers, founding?.members ?? [])
    if (known.length === 0) {
      return { state: 'joining', members: [], error: 'no member of the cluster has been heard yet' }
    }
    return { state: 'joining', members: joined(known, [report]) }
  }

  #placeAtBeginning(report: WorkerReport, founding: Founding | null): Place {
    if (founding === null) {
      return { state: 'collecting', members: [], error: this.#collection.words(this.#comers().length) }
    }
    if (founding.members.some(({ name }) => name === report.name)) {
      return { state: 'founding', members: founding.members }
    }
    return { state: 'joining', members: [], error: 'it joins when those before it have begun the cluster' }
  }

  /** Null: not yet. */
  #begin(report: WorkerReport): Founding | null {
    const { registry, rules, elapsedMs, logger } = this.#parts
    const { mode, replicas } = rules
    this.#collection.hear(report.name, elapsedMs())
    const members = this.#comers()
    if (!this.#collection.isComplete(members.length, elapsedMs())) return null
    const founding = { members, mode, replicas }
    registry.write({ founding })
    const names = members.map(({ name }) => name).join(', ')
    const message = `a new cluster begins with ${names}: none was known here, and no member of one has called`
    logger.warn({ mode, replicas, members: names }, message)
    return founding
  }

  #comers(): Member[] {
    const { workers } = this.#parts
    return workers.live.filter((worker) => workers.isLive(worker, COLLECT_MS)).map(memberOf)
  }

  // --- the log

  /** Once for each change. */
  #tell({ name, region, zone, nodeId }: WorkerReport, words: string, isRefusal: boolean): void {
    // Two that have one name would else fill the log in turns.
    const key = isRefusal ? `${name} ${nodeId}` : name
    if (this.#told.get(key) === words) return
    this.#told.set(key, words)
    const { logger } = this.#parts
    if (isRefusal) logger.warn({ worker: name, region, nodeId }, `${name} ${words}`)
    else
      logger.info(
        { worker: name, region, zone, state: words },
        `${name} (${region}) is ${WORDS[words as WorkerState]}`,
      )
  }
}

const WORDS: Readonly<Record<WorkerState, string>> = {
  collecting: 'here, for a new cluster',
  founding: 'beginning the cluster',
  member: 'a member',
  joining: 'joining',
  refused: 'refused',
}
