/**
 * The load: a fixed number of connections, each with one batch of `pipeline` requests on its way. When the
 * last reply of a batch has come, its time is noted and the next batch is written. At the end of the time
 * nothing new is sent and what is on its way is awaited, so that operations, seconds and server CPU belong
 * together.
 *
 * Invariant: every reply is compared with the head it must have, and its length is known from it. A wrong
 * one ends the load at once with the reason: the run is then invalid, never slightly faster.
 */
import { performance } from 'node:perf_hooks'
import { Latencies } from '../latencies.ts'
import { readCpuSeconds } from '../servers/server-process.ts'
import type { ConnectionPool } from './connection-pool.ts'
import type { ExpectedReply, Language } from './language.ts'
import { LANGUAGES } from './languages.ts'
import type { ConnectionOwner, LoadConnection } from './load-connection.ts'
import type { LoadFigures } from './load-figures.ts'
import { OPERATIONS, type RequestBatches, type RequestShape } from './request-batches.ts'

export interface LoadOptions extends Omit<RequestShape, 'order'> {
  readonly host: string
  /** The connections are spread over them. */
  readonly ports: readonly number[]
  readonly connections: number
  /** How long to send; 'once' asks every key exactly once, in ascending order (to fill the keyspace). */
  readonly seconds: number | 'once'
  /** Whose CPU time is taken, together; not only of those that are asked. */
  readonly serverPids: readonly number[]
}

const STALL_MS = 10_000

export async function runLoad(
  pool: ConnectionPool,
  options: LoadOptions,
  requests: RequestBatches,
): Promise<LoadFigures> {
  const { host, ports, serverPids } = options
  const language: Language = LANGUAGES[options.language]
  const connections = await pool.take(language, host, ports, options.connections)
  const load = new Load(options, requests, connections)
  const cpuBefore = readCpuSeconds(...serverPids)
  const ownBefore = process.cpuUsage()
  const started = performance.now()
  const invalid = await load.run(started)
  const seconds = (performance.now() - started) / 1000
  const serverCpuSeconds = readCpuSeconds(...serverPids) - cpuBefore
  const own = process.cpuUsage(ownBefore)
  if (invalid === null) pool.giveBack(language, ports, connections)
  else pool.drop(language, ports, connections)
  const { completed: operations, latencies } = load
  return {
    operations,
    seconds,
    opsPerSecond: operations / seconds,
    serverCpuSeconds,
    serverCpuMicrosPerOp: (serverCpuSeconds * 1e6) / operations,
    clientCpuShare: (own.user + own.system) / 1e6 / seconds,
    p50Micros: latencies.percentile(0.5),
    p99Micros: latencies.percentile(0.99),
    p999Micros: latencies.percentile(0.999),
    invalid,
  }
}

class Load implements ConnectionOwner {
  completed = 0
  readonly latencies = new Latencies()
  readonly operations: Uint8Array
  readonly expected: readonly ExpectedReply[]
  readonly #options: LoadOptions
  readonly #language: Language
  readonly #requests: RequestBatches
  readonly #connections: readonly LoadConnection[]
  #nextBatch = 0
  #batchesLeft: number
  #active = 0
  #endMs = Number.POSITIVE_INFINITY
  #finish: (invalid: string | null) => void = () => {}

  constructor(options: LoadOptions, requests: RequestBatches, connections: readonly LoadConnection[]) {
    const language: Language = LANGUAGES[options.language]
    this.#options = options
    this.#language = language
    this.#requests = requests
    this.#connections = connections
    this.operations = requests.operations
    this.expected = OPERATIONS.map((operation) => language.expectedReply(operation, options.valueBytes))
    this.#batchesLeft = options.seconds === 'once' ? requests.batches.length : Number.POSITIVE_INFINITY
  }

  /** Resolves to the reason why the run is invalid, or null. */
  async run(startedMs: number): Promise<string | null> {
    if (this.#options.seconds !== 'once') this.#endMs = startedMs + this.#options.seconds * 1000
    let stalled: NodeJS.Timeout | undefined
    const invalid = await new Promise<string | null>((resolve) => {
      this.#finish = resolve
      this.#active = this.#connections.length
      let completedThen = -1
      stalled = setInterval(() => {
        if (this.completed === completedThen) resolve(`no reply for ${STALL_MS / 1000} s`)
        completedThen = this.completed
      }, STALL_MS)
      for (const connection of this.#connections) {
        connection.owner = this
        this.#sendNext(connection, startedMs)
      }
    })
    clearInterval(stalled)
    this.#finish = () => {}
    return invalid
  }

  onBatchDone(connection: LoadConnection): void {
    const nowMs = performance.now()
    this.latencies.add(nowMs - connection.sentMs)
    this.completed += connection.requestCount
    this.#sendNext(connection, nowMs)
  }

  #sendNext(connection: LoadConnection, nowMs: number): void {
    if (nowMs >= this.#endMs || this.#batchesLeft === 0) {
      if (--this.#active === 0) this.#finish(null)
      return
    }
    this.#batchesLeft--
    const { batches, counts } = this.#requests
    const batch = this.#nextBatch
    this.#nextBatch = batch + 1 === batches.length ? 0 : batch + 1
    connection.send(batches[batch]!, batch * this.#options.pipeline, counts[batch]!, nowMs)
  }

  fail(reason: string): void {
    this.#finish(reason)
  }

  failByReply(operation: number, reply: Buffer): void {
    this.#finish(`${OPERATIONS[operation]} was answered with ${this.#language.explain(reply)}`)
  }
}
