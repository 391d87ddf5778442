/**
 * Clients at work on a few keys while something happens to the members, and what the judges say about it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Consistency } from '@minivault/protocol'
import type { Kind } from '@minivault/simulator'
import { seededRandom } from '@minivault/wal/testing'
import { isCounter, type Judged, RealHistory } from './real-history.ts'
import { RecordingClient, type Wanted } from './recording-client.ts'
import { MEMBERS } from './three-nodes.ts'

/** Where members listen now; 0: nowhere. */
export interface Asked {
  portOf(member: number): number
}

export interface LoadOptions {
  readonly nodes: Asked
  readonly seed: number
  readonly clients?: number
  readonly keys?: number
  readonly consistency?: Consistency
  /** By how much the clocks of every other client are off. */
  readonly skewMs?: number
  /** Which members are asked. */
  readonly members?: readonly number[]
}

const CLIENTS = 8
const KEYS = 8
const PAUSE_MS_MAX = 6
/** What has not been told when the faults are over is asked for so long. */
const LATE_MS_MAX = 15_000
const SHOWN_VIOLATIONS = 3

export class Load {
  readonly history = new RealHistory()
  readonly #options: LoadOptions
  readonly #clients: RecordingClient[] = []
  readonly #keys: number
  #isOver = false
  #worthUntilMs = Number.POSITIVE_INFINITY

  constructor(options: LoadOptions) {
    this.#options = options
    const { nodes, seed, clients = CLIENTS, skewMs = 0, consistency } = options
    this.#keys = options.keys ?? KEYS
    for (let number = 0; number < clients; number++) {
      const client = new RecordingClient({
        number: seed * 1000 + number,
        history: this.history,
        portOf: (member) => nodes.portOf(member),
        members: MEMBERS.length,
        skewMs: number % 2 === 0 ? 0 : skewMs,
        keyName: (key) => `case ${seed} key ${key}`,
        ...(consistency === undefined ? {} : { consistency }),
      })
      this.#clients.push(client)
    }
  }

  /** Works while `body` runs, and until all that was begun is known. */
  async during(body: () => Promise<void>): Promise<void> {
    const working = this.#clients.map((client, number) => this.#work(client, number))
    try {
      await body()
    } finally {
      this.#isOver = true
      this.#worthUntilMs = performance.now() + LATE_MS_MAX
      await Promise.all(working)
    }
  }

  /** Writes every key at each of these members; a line for each that is not written in time. */
  async overwrite(members: readonly number[], withinMs: number): Promise<string[]> {
    const [client] = this.#clients as [RecordingClient]
    const late: string[] = []
    for (const member of members) {
      for (let key = 0; key < this.#keys; key++) {
        const untilMs = performance.now() + withinMs
        const kind = isCounter(key) ? 'increment' : 'put'
        const isWorth = () => performance.now() < untilMs
        const { ending } = await client.run({ kind, key, member, isPinned: true }, isWorth)
        if (ending !== 'ok') late.push(`key ${key} cannot be written at member ${member}`)
      }
    }
    return late
  }

  /** Reads every key on every member that runs, and judges it all. */
  async judged(searchesAll = false): Promise<Judged> {
    const { nodes } = this.#options
    const [reader] = this.#clients as [RecordingClient]
    this.#worthUntilMs = performance.now() + LATE_MS_MAX
    const isWorth = () => performance.now() < this.#worthUntilMs
    for (let key = 0; key < this.#keys; key++) {
      for (const member of MEMBERS) {
        if (nodes.portOf(member) > 0)
          await reader.run({ kind: 'get', key, member, isPinned: true, isFinal: true }, isWorth)
      }
    }
    for (const client of this.#clients) client.close()
    return this.history.judged(searchesAll)
  }

  /** What there is to say against it, by key; empty: all is right. */
  async problems(searchesAll = false): Promise<string[]> {
    const { violations, undecided } = await this.judged(searchesAll)
    const problems = violations.map(({ judge, key, why }) => `${judge}, key ${key}: ${why}`)
    if (problems.length > SHOWN_VIOLATIONS) problems.splice(SHOWN_VIOLATIONS)
    if (undecided > 0) problems.push(`${undecided} keys are undecided`)
    const silent = this.history.operations.find(({ start, ending }) => start.isFinal && ending !== 'ok')
    if (silent !== undefined) problems.push(`in the end key ${silent.start.key} cannot be read`)
    const isAnswered = this.history.operations.some(({ ending }) => ending === 'ok')
    if (!isAnswered) problems.push('nothing was answered')
    return problems
  }

  async #work(client: RecordingClient, number: number): Promise<void> {
    const random = seededRandom(this.#options.seed * 1000 + number)
    while (!this.#isOver) {
      await client.run(this.#draw(client, random), () => performance.now() < this.#worthUntilMs)
      await sleep(random() * PAUSE_MS_MAX)
    }
  }

  #draw(client: RecordingClient, random: () => number): Wanted {
    const { members = MEMBERS } = this.#options
    const key = Math.floor(random() * this.#keys)
    const member = members[Math.floor(random() * members.length)]!
    if (isCounter(key)) return { kind: random() < 0.6 ? 'increment' : 'get', key, member }
    const kind = KINDS_DRAWN[Math.floor(random() * KINDS_DRAWN.length)]!
    const seen = client.lastSeen(key)
    if (kind === 'cas')
      return seen === undefined ? { kind: 'get', key, member } : { kind, key, member, expected: seen }
    const isExact = kind === 'deleteIf' && seen !== undefined && random() < 0.5
    return { kind, key, member, expected: isExact ? seen : null }
  }
}

const KINDS_DRAWN: readonly Kind[] = ['get', 'get', 'get', 'put', 'put', 'cas', 'cas', 'create', 'deleteIf']
