/**
 * The worker's side of the master: says each second that it is there, and how it stands, and hands over whom
 * to begin a cluster with, or whom to ask for the one there is. A member needs no master: nothing waits for
 * an answer, and one that stays away is one line of the log.
 */
import {
  callJson,
  errorIn,
  type Founding,
  type JsonReply,
  type MasterReply,
  MessageError,
  readReply,
  type WorkerReport,
} from '@minivault/master'
import type { Standing } from '../cluster/clustered.ts'
import {
  MASTER_BACKOFF_MS_MAX,
  MASTER_BACKOFF_MS_MIN,
  MASTER_REPLY_BYTES_MAX,
  MASTER_TIMEOUT_MS,
} from '../limits.ts'
import type { NodeLogger } from '../node.ts'
import type { PeerSecurity } from '../peers/dialling.ts'
import type { Time } from '../time.ts'

export interface MasterLinkParts {
  /** `http(s)://host:port` */
  readonly url: string
  readonly worker: Pick<WorkerReport, 'name' | 'region' | 'zone' | 'nodeId' | 'isSecure'>
  readonly standing: () => Standing
  readonly onFounding: (founding: Founding) => void
  readonly authKey: string | null
  readonly security: () => PeerSecurity | null
  readonly random: () => number
  readonly time: Time
  readonly logger: NodeLogger
}

const UNAUTHORIZED = 401
const NOT_FOUND = 404
const CONFLICT = 409
const OK = 200

export class MasterLink {
  readonly #parts: MasterLinkParts
  #isClosed = false
  #state: MasterReply['state'] | 'away' = 'away'
  /** The last line of the log. */
  #told = ''
  #failures = 0
  /** Told, and not begun yet: a master that has forgotten it learns it from us. */
  #founding: Founding | null = null

  constructor(parts: MasterLinkParts) {
    this.#parts = parts
    void this.#run()
  }

  /** For the health document. */
  document(): Record<string, string> {
    return { master: this.#parts.url, master_state: this.#state }
  }

  close(): void {
    this.#isClosed = true
  }

  async #run(): Promise<void> {
    const { time, random } = this.#parts
    while (!this.#isClosed) {
      const pauseMs = await this.#report()
      await time.sleep(pauseMs * (0.9 + 0.2 * random()))
    }
  }

  /** The milliseconds until the next one. */
  async #report(): Promise<number> {
    try {
      return this.#hear(await this.#call())
    } catch (error) {
      return this.#fail((error as Error).message)
    }
  }

  #call(): Promise<JsonReply> {
    const { url, worker, standing, authKey, security } = this.#parts
    const { clusterId, epoch, isMember } = standing()
    const founding = clusterId === null ? this.#founding : null
    return callJson({
      url,
      path: '/-/admin/workers',
      body: { ...worker, clusterId, epoch, isMember, founding } satisfies WorkerReport,
      authKey,
      security: security(),
      timeoutMs: MASTER_TIMEOUT_MS,
      bytesMax: MASTER_REPLY_BYTES_MAX,
    })
  }

  #hear(reply: JsonReply): number {
    if (this.#isClosed) return 0
    if (reply.status === UNAUTHORIZED) {
      return this.#refused('the key of this worker is not its own: give all of a cluster the same -auth')
    }
    if (reply.status === NOT_FOUND) {
      return this.#refused('what answers there is no master (HTTP 404): is -master right?')
    }
    if (reply.status !== OK && reply.status !== CONFLICT) return this.#refused(errorIn(reply))
    try {
      return this.#take(readReply(reply.value))
    } catch (error) {
      if (!(error instanceof MessageError)) throw error
      return this.#refused(`it answers as no master does (${error.message})`)
    }
  }

  #take({ state, mode, replicas, members, heartbeatMs, error }: MasterReply): number {
    if (state === 'refused') return this.#refused(error ?? 'for no reason')
    this.#failures = 0
    this.#state = state
    this.#tell('info', `the master at ${this.#parts.url} knows this worker: ${WORDS[state]}`)
    if ((state === 'founding' || state === 'joining') && members.length > 0) {
      const founding = { members, mode, replicas }
      if (state === 'founding') this.#founding = founding
      this.#parts.onFounding(founding)
    }
    return heartbeatMs
  }

  #refused(why: string): number {
    this.#state = 'refused'
    this.#tell('warn', `the master at ${this.#parts.url} refuses this worker: ${why}`)
    return this.#backOff()
  }

  #fail(why: string): number {
    this.#state = 'away'
    const { url, standing } = this.#parts
    const meanwhile = standing().isMember ? 'the cluster goes on without it' : 'this worker waits for it'
    this.#tell('warn', `the master at ${url} does not answer (${why}): ${meanwhile}`)
    return this.#backOff()
  }

  #backOff(): number {
    this.#failures += 1
    return Math.min(MASTER_BACKOFF_MS_MAX, MASTER_BACKOFF_MS_MIN * 2 ** Math.min(this.#failures, 10))
  }

  #tell(level: 'info' | 'warn', words: string): void {
    if (this.#isClosed || this.#told === words) return
    this.#told = words
    this.#parts.logger[level]({ master: this.#parts.url, state: this.#state }, words)
  }
}

const WORDS: Readonly<Record<MasterReply['state'], string>> = {
  collecting: 'a new cluster is about to begin',
  founding: 'a new cluster begins',
  member: 'it is a member',
  joining: 'it joins',
  refused: 'refused',
}
