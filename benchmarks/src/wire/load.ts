/**
 * The load: a fixed number of connections, each with one batch of `pipeline` requests on its way. When the
 * last reply of a batch has come, its time is noted and the next batch is written. At the end of the time
 * nothing new is sent and what is on its way is awaited, so that operations, seconds and server CPU belong
 * together.
 *
 * Invariant: every reply is compared with the head it must have, and its length is known from it. A wrong
 * one ends the load at once with the reason: the run is then invalid, never slightly faster.
 *
 * All sockets read into one buffer (the documented `onread` of net.connect): a read is counted before the
 * next happens.
 */
import { connect, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { LANGUAGES } from './language.ts'
import type { RequestBatches, RequestShape } from './request-batches.ts'
import { readCpuSeconds } from './server-cpu.ts'

export interface LoadOptions extends RequestShape {
  readonly host: string
  readonly port: number
  readonly connections: number
  /** How long to send; 'once' sends every batch exactly once (to fill the keyspace). */
  readonly seconds: number | 'once'
  /** Whose CPU time is taken. */
  readonly serverPid: number
}

export interface LoadFigures {
  readonly operations: number
  readonly seconds: number
  readonly opsPerSecond: number
  readonly serverCpuMicrosPerOp: number
  /** Of the generator itself: near 1 means that it, and not the server, sets the ops/s. */
  readonly clientCpuShare: number
  /** Microseconds from writing a batch to its last reply. */
  readonly p50Micros: number
  readonly p99Micros: number
  /** Why the run does not count, or null. */
  readonly invalid: string | null
}

const READ_BYTES = 256 * 1024
const SAMPLES_MAX = 1 << 22
const STALL_MS = 10_000

export async function runLoad(options: LoadOptions, requests: RequestBatches): Promise<LoadFigures> {
  const load = new Load(options, requests)
  await load.connect()
  const cpuBefore = readCpuSeconds(options.serverPid)
  const ownBefore = process.cpuUsage()
  const started = performance.now()
  const invalid = await load.run(started)
  const seconds = (performance.now() - started) / 1000
  const cpuSeconds = readCpuSeconds(options.serverPid) - cpuBefore
  const own = process.cpuUsage(ownBefore)
  const samples = load.samples.subarray(0, Math.min(load.sampleCount, SAMPLES_MAX)).sort()
  return {
    operations: load.operations,
    seconds,
    opsPerSecond: load.operations / seconds,
    serverCpuMicrosPerOp: (cpuSeconds * 1e6) / load.operations,
    clientCpuShare: (own.user + own.system) / 1e6 / seconds,
    p50Micros: percentile(samples, 0.5),
    p99Micros: percentile(samples, 0.99),
    invalid,
  }
}

function percentile(sorted: Float32Array, share: number): number {
  return sorted.length === 0
    ? 0
    : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]! * 1000
}

class Load {
  operations = 0
  sampleCount = 0
  readonly samples = new Float32Array(SAMPLES_MAX)
  readonly head: Buffer
  readonly replyBytes: number
  private readonly options: LoadOptions
  private readonly requests: RequestBatches
  private readonly connections: Connection[] = []
  private readonly readBuffer = Buffer.allocUnsafeSlow(READ_BYTES)
  private nextBatch = 0
  private batchesLeft: number
  private active = 0
  private endMs = Number.POSITIVE_INFINITY
  private finish: (invalid: string | null) => void = () => {}

  constructor(options: LoadOptions, requests: RequestBatches) {
    const language = LANGUAGES[options.language]
    this.options = options
    this.requests = requests
    this.head = language.replyHead(options.operation, options.valueBytes)
    this.replyBytes = this.head.length + language.replyBodyBytes(options.operation, options.valueBytes)
    this.batchesLeft = options.seconds === 'once' ? requests.batches.length : Number.POSITIVE_INFINITY
  }

  async connect(): Promise<void> {
    const { host, port, connections } = this.options
    for (let index = 0; index < connections; index++) {
      this.connections.push(await Connection.open(this, host, port, this.readBuffer))
    }
  }

  /** Resolves to the reason why the run is invalid, or null. */
  async run(startedMs: number): Promise<string | null> {
    if (this.options.seconds !== 'once') this.endMs = startedMs + this.options.seconds * 1000
    let stalled: NodeJS.Timeout | undefined
    const invalid = await new Promise<string | null>((resolve) => {
      this.finish = resolve
      this.active = this.connections.length
      let operationsSeen = -1
      stalled = setInterval(() => {
        if (this.operations === operationsSeen) resolve(`no reply for ${STALL_MS / 1000} s`)
        operationsSeen = this.operations
      }, STALL_MS)
      for (const connection of this.connections) this.sendNext(connection, startedMs)
    })
    clearInterval(stalled)
    this.finish = () => {}
    for (const connection of this.connections) connection.socket.destroy()
    return invalid
  }

  onBatchDone(connection: Connection): void {
    const nowMs = performance.now()
    if (this.sampleCount < SAMPLES_MAX) this.samples[this.sampleCount] = nowMs - connection.sentMs
    this.sampleCount++
    this.operations += connection.requestCount
    this.sendNext(connection, nowMs)
  }

  private sendNext(connection: Connection, nowMs: number): void {
    if (nowMs >= this.endMs || this.batchesLeft === 0) {
      if (--this.active === 0) this.finish(null)
      return
    }
    this.batchesLeft--
    const batch = this.nextBatch
    this.nextBatch = batch + 1 === this.requests.batches.length ? 0 : batch + 1
    connection.send(this.requests.batches[batch]!, this.requests.counts[batch]!, nowMs)
  }

  fail(reason: string): void {
    this.finish(reason)
  }

  failByReply(reply: Buffer): void {
    this.finish(
      `${this.options.operation} was answered with ${LANGUAGES[this.options.language].explain(reply)}`,
    )
  }
}

class Connection {
  socket!: Socket
  sentMs = 0
  requestCount = 0
  private waiting = 0
  /** How many bytes of the current reply have come. */
  private replyAt = 0
  private readonly load: Load

  private constructor(load: Load) {
    this.load = load
  }

  static open(load: Load, host: string, port: number, buffer: Buffer): Promise<Connection> {
    const connection = new Connection(load)
    return new Promise((resolve, reject) => {
      const onread = {
        buffer,
        callback: (length: number) => {
          connection.count(buffer, length)
          return true
        },
      }
      const socket = connect({ host, port, noDelay: true, onread })
      connection.socket = socket
      socket.once('connect', () => resolve(connection))
      socket.on('error', (error) => {
        load.fail(`a connection failed: ${error.message}`)
        reject(error)
      })
      socket.on('close', () => load.fail('the server closed a connection'))
    })
  }

  send(batch: Buffer, requestCount: number, nowMs: number): void {
    this.requestCount = requestCount
    this.waiting = requestCount
    this.sentMs = nowMs
    this.socket.write(batch)
  }

  private count(bytes: Buffer, length: number): void {
    const { head, replyBytes } = this.load
    const headBytes = head.length
    let at = 0
    while (at < length) {
      let replyAt = this.replyAt
      while (replyAt < headBytes && at < length) {
        if (bytes[at] !== head[replyAt]) {
          this.load.failByReply(Buffer.concat([head.subarray(0, replyAt), bytes.subarray(at, length)]))
          return
        }
        at++
        replyAt++
      }
      const step = Math.min(replyBytes - replyAt, length - at)
      at += step
      replyAt += step
      if (replyAt < replyBytes) {
        this.replyAt = replyAt
        return
      }
      this.replyAt = 0
      if (--this.waiting > 0) continue
      if (this.waiting < 0 || at < length) {
        this.load.fail('more replies came than requests were sent')
        return
      }
      this.load.onBatchDone(this)
    }
  }
}
