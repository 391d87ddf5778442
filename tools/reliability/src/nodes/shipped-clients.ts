/**
 * An application on the client that is shipped: reads and writes of many keys, some under way at once, each
 * with its time. What is refused, or comes too late, is a failure; so is an answer that is not the value.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '@minivault/client'

const CLIENTS = 8
const KEYS = 64
const PAUSE_MS = 4

export interface Suffered {
  readonly operations: number
  /** What went wrong, by its words. */
  readonly failed: readonly string[]
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export class ShippedClients {
  readonly #client: Client
  #times: number[] = []
  #failed: string[] = []
  #isOver = false

  /** @param members as `host:port` */
  constructor(members: readonly string[]) {
    this.#client = Client.open(`minivault://${members.join(',')}`)
  }

  /** What they suffered while `body` ran, since its last lap. */
  async during(body: () => Promise<void>): Promise<Suffered> {
    // What the first calls pay for connections and layouts is not what is measured.
    for (let key = 0; key < KEYS; key++) await this.#client.set(nameOf(0, key), 'v 0')
    this.#times = []
    const working = Array.from({ length: CLIENTS }, (_, number) => this.#work(number))
    try {
      await body()
    } finally {
      this.#isOver = true
      await Promise.all(working)
      await this.#client.close()
    }
    return this.lap()
  }

  /** Since the beginning, or the last lap. */
  lap(): Suffered {
    const times = this.#times.sort((a, b) => a - b)
    const failed = this.#failed
    this.#times = []
    this.#failed = []
    const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
    return { operations: times.length, failed, p50: at(0.5), p99: at(0.99), max: at(1) }
  }

  async #work(number: number): Promise<void> {
    for (let n = 1; !this.#isOver; n++) {
      const name = nameOf(number, n % KEYS)
      const value = `v ${n}`
      await this.#timed('set', () => this.#client.set(name, value))
      await this.#timed('get', async () => {
        const read = await this.#client.get(name)
        const text = read === undefined ? 'nothing' : Buffer.from(read).toString()
        if (text !== value) throw new Error(`${name} was ${value} and is ${text}`)
      })
      await sleep(PAUSE_MS)
    }
  }

  async #timed(what: string, call: () => Promise<unknown>): Promise<void> {
    const startedMs = performance.now()
    try {
      await call()
    } catch (error) {
      const { code = '', message } = error as { code?: string; message: string }
      this.#failed.push(`${what}: ${code} ${message}`)
    }
    this.#times.push(performance.now() - startedMs)
  }
}

function nameOf(number: number, key: number): string {
  return `client ${number} key ${key}`
}
