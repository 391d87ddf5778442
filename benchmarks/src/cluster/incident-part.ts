/**
 * What an application notices when a member is killed, frozen, or all are restarted one after another: our
 * client asks all along, with all members in its address, and every call that fails is counted.
 */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '@minivault/client'
import { Latencies } from '../latencies.ts'
import { keyName } from '../load/language.ts'
import { DATA_PARENT } from '../machine.ts'
import { minivaultTrioPlans } from '../servers/minivault-trio.ts'
import { HOST } from '../servers/server.ts'
import { Trio } from '../servers/trio.ts'
import { INCIDENTS, type Incident, type IncidentResult } from './figures.ts'

const DURABILITY = 'os'
const VALUE_BYTES = 1024
const KEYS = 10_000
/** Calls under way at once: one waits for its answer before the next. */
const CALLERS = 50
/** Before the incident, for compiled code and open connections; what comes then is not counted. */
const WARM_MS = 3000

export async function measureIncidents(
  seconds: number,
  onResult: (result: IncidentResult) => void,
  from: 'build' | 'source' = 'build',
): Promise<void> {
  for (const incident of INCIDENTS) {
    await using trio = await Trio.start(await minivaultTrioPlans(DURABILITY, from), DATA_PARENT)
    await using client = Client.open(`minivault://${trio.ports.map((port) => `${HOST}:${port}`).join(',')}`)
    const callers = new Callers(client)
    await sleep(WARM_MS)
    callers.count()
    const over = sleep(seconds * 1000)
    await happen(incident, trio)
    await over
    await callers.stop()
    const { latencies, failed, firstFailure } = callers
    const [p50Micros, p99Micros, maxMicros] = [0.5, 0.99, 1].map((part) => latencies.percentile(part))
    const figures = { p50Micros: p50Micros!, p99Micros: p99Micros!, maxMicros: maxMicros! }
    const { operations } = callers
    onResult({
      part: 'incident',
      incident,
      durability: DURABILITY,
      operations,
      failed,
      firstFailure,
      ...figures,
    })
  }
}

async function happen(incident: Incident, trio: Trio): Promise<void> {
  const last = trio.members.at(-1)!
  if (incident === 'killed') return last.stop('SIGKILL')
  if (incident === 'frozen') return last.freeze()
  for (const member of trio.members) {
    await member.stop()
    await member.start()
  }
}

class Callers {
  latencies = new Latencies()
  operations = 0
  failed = 0
  firstFailure: string | null = null
  readonly #client: Client
  readonly #running: Promise<void>[]
  readonly #value = Buffer.alloc(VALUE_BYTES, 'value ')
  #isOver = false
  #asked = 0

  constructor(client: Client) {
    this.#client = client
    this.#running = Array.from({ length: CALLERS }, () => this.#run())
  }

  /** From here on. */
  count(): void {
    this.latencies = new Latencies()
    this.operations = 0
    this.failed = 0
    this.firstFailure = null
  }

  stop(): Promise<unknown> {
    this.#isOver = true
    return Promise.all(this.#running)
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const startedMs = performance.now()
      try {
        await this.#call(this.#asked++)
      } catch (error) {
        this.failed++
        this.firstFailure ??= (error as Error).message
      }
      this.operations++
      this.latencies.add(performance.now() - startedMs)
    }
  }

  /** Sets and gets by turns, of keys that lie half of all apart. */
  async #call(number: number): Promise<void> {
    if (number % 2 === 0) await this.#client.set(keyName(number % KEYS), this.#value)
    else await this.#client.get(keyName((number + KEYS / 2 - 1) % KEYS))
  }
}
