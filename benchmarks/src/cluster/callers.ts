/** An application on our client: sets and gets all along, each with its time; what fails is counted. */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@minivault/client'
import { Latencies } from '../latencies.ts'
import { keyName } from '../load/language.ts'

const VALUE_BYTES = 1024

export interface CallersOptions {
  /** Calls under way at once: one waits for its answer before the next. */
  readonly callers: number
  readonly keys: number
  /** Of each, between two calls. */
  readonly pauseMs: number
}

export interface CallTimes {
  readonly p50Micros: number
  readonly p99Micros: number
  readonly maxMicros: number
}

export class Callers {
  latencies = new Latencies()
  operations = 0
  failed = 0
  firstFailure: string | null = null
  readonly #client: Client
  readonly #options: CallersOptions
  readonly #running: Promise<void>[]
  readonly #value = Buffer.alloc(VALUE_BYTES, 'value ')
  #isOver = false
  #asked = 0

  constructor(client: Client, options: CallersOptions) {
    this.#client = client
    this.#options = options
    this.#running = Array.from({ length: options.callers }, () => this.#run())
  }

  /** Of all answers that were counted. */
  times(): CallTimes {
    const [p50Micros, p99Micros, maxMicros] = [0.5, 0.99, 1].map((part) => this.latencies.percentile(part))
    return { p50Micros: p50Micros!, p99Micros: p99Micros!, maxMicros: maxMicros! }
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
      if (this.#options.pauseMs > 0) await sleep(this.#options.pauseMs)
    }
  }

  /** Sets and gets by turns, of keys that lie half of all apart. */
  async #call(number: number): Promise<void> {
    const { keys } = this.#options
    if (number % 2 === 0) await this.#client.set(keyName(number % keys), this.#value)
    else await this.#client.get(keyName((number + keys / 2 - 1) % keys))
  }
}
