/**
 * Looks at the layout where members say that there is a newer one, and has those who wait brought into it,
 * one after the other: by asking a member, for it is the members who decide.
 */
import { errorIn, type JsonReply } from '../json-call.ts'
import type { MasterLogger } from '../logger.ts'
import { type LayoutReport, MessageError, memberOf, readLayout } from '../messages.ts'
import type { Registry } from '../registry/registry.ts'
import type { ClusterRules } from '../workers/enrolment.ts'
import type { Worker, Workers } from '../workers/workers.ts'
import { LAYOUT_TARGET, type Members, NobodyError } from './members.ts'

export interface LayoutCareParts {
  readonly registry: Registry
  readonly workers: Workers
  readonly members: Pick<Members, 'ask'>
  readonly rules: ClusterRules
  readonly logger: MasterLogger
}

/** To any member: what is the layout, or is this worker to be taken into it. */
export interface LayoutQuestion {
  readonly worker: Worker | null
  /** Of the request; undefined: it has none. */
  readonly body: unknown
}

const OK = 200
const ACCEPTED = 202
const CONFLICT = 409
const SETTLED = 'settled'

export class LayoutCare {
  readonly #parts: LayoutCareParts
  #isBusy = false
  /** As it was seen last, since the master began. */
  #phase: string | null = null
  #told = ''
  /** Who was taken in, and from which layout on: decided is decided, though others still tell the old one. */
  #taken = ''

  constructor(parts: LayoutCareParts) {
    this.#parts = parts
  }

  /** Null: it was not asked for yet. */
  get phase(): string | null {
    return this.#phase
  }

  async onTick(): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    const { members } = this.#parts
    try {
      for (let next = this.next(); next !== null; )
        next = this.hear(next, await members.ask(LAYOUT_TARGET, next.body))
    } catch (error) {
      if (!(error instanceof NobodyError || error instanceof MessageError)) throw error
      this.#tell(error.message)
    } finally {
      this.#isBusy = false
    }
  }

  /** Null: nothing. */
  next(): LayoutQuestion | null {
    return this.#isWorthALook() ? { worker: null, body: undefined } : this.#addition()
  }

  /** Returns what is to be asked then. Throws MessageError. */
  hear({ worker }: LayoutQuestion, reply: JsonReply): LayoutQuestion | null {
    if (worker === null) {
      this.#seen(reply)
      return this.#addition()
    }
    this.#added(worker, reply)
    return null
  }

  /** Whose turn it is. */
  #addition(): LayoutQuestion | null {
    const [worker] = this.#waiting()
    if (worker === undefined || this.#phase !== SETTLED || this.#idOf(worker) === this.#taken) return null
    return { worker, body: { add: [memberOf(worker)] } }
  }

  #idOf({ name, nodeId }: Worker): string {
    return `${name} ${nodeId} ${this.#parts.registry.facts.layout?.epoch}`
  }

  #isWorthALook(): boolean {
    const { registry, workers } = this.#parts
    const [newest] = workers.liveMembers
    if (newest === undefined) return false
    const { layout } = registry.facts
    const isKnown = layout !== null && layout.epoch >= newest.epoch && this.#phase === SETTLED
    return !isKnown || this.#waiting().length > 0
  }

  /** Those who are to join, and are not in the layout. */
  #waiting(): Worker[] {
    const { registry, workers } = this.#parts
    const names = new Set(registry.facts.layout?.members.map(({ name }) => name))
    return workers.live.filter(({ name, state }) => state === 'joining' && !names.has(name))
  }

  #seen(reply: JsonReply): void {
    const { registry, logger } = this.#parts
    if (reply.status !== OK) return this.#tell(`the layout is not told: ${errorIn(reply)}`)
    const seen = readLayout(reply.value)
    this.#phase = seen.phase
    const { layout: known, clusterId } = registry.facts
    if (seen.clusterId !== clusterId || (known !== null && known.epoch >= seen.epoch)) return
    const { epoch, home } = seen
    registry.write({ layout: { epoch, home, members: seen.members.map(memberOf) } })
    const names = seen.members.map(({ name }) => name).join(', ')
    logger.info({ epoch, home, members: names }, `layout ${epoch}: ${names}`)
    this.#compareRules(seen)
  }

  /** How a cluster began it stays. */
  #compareRules({ mode, replicas }: LayoutReport): void {
    const { rules, logger, registry } = this.#parts
    const { founding } = registry.facts
    if (founding !== null && founding.mode === mode && founding.replicas === replicas) return
    if (rules.mode === mode && rules.replicas === replicas) return
    const message = `the cluster is ${mode} with ${replicas} replicas and stays so`
    logger.warn({ mode, replicas }, `${message}, whatever -geo and -replicas say`)
  }

  #added(worker: Worker, reply: JsonReply): void {
    const { logger } = this.#parts
    if (reply.status === ACCEPTED || reply.status === OK) {
      this.#phase = null
      this.#told = ''
      this.#taken = this.#idOf(worker)
      logger.info({ worker: worker.name }, `${worker.name} is being taken into the layout`)
    } else if (!isBusyNow(reply)) this.#tell(`${worker.name} is not taken into the layout: ${errorIn(reply)}`)
  }

  #tell(words: string): void {
    if (this.#told === words) return
    this.#told = words
    this.#parts.logger.warn({}, words)
  }
}

/** Another change is under way: its turn comes. */
function isBusyNow({ status, value }: JsonReply): boolean {
  return status === CONFLICT && (value as { code?: unknown } | undefined)?.code === 'LAYOUT_CHANGING'
}
