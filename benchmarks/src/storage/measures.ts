/**
 * One round of each kind of load against one engine. Every round checks what it was given: reads by the
 * first byte and the length of each value, against what the workload says the key holds.
 *
 * Writes go out in batches of so many in flight, and after each batch the event loop takes a turn, as in a
 * program that has other work: a store that answers from memory must be able to write meanwhile. The round
 * ends when everything has really been written (`flush`), inside the measured time.
 */
import { BenchmarkError } from '../benchmark-error.ts'
import { Latencies } from '../latencies.ts'
import { digestOf, type Engine } from './engines/engine.ts'
import type { Workload } from './workload.ts'

export interface RoundFigures {
  readonly operations: number
  readonly seconds: number
  readonly cpuSeconds: number
  readonly p50Micros: number
  readonly p99Micros: number
}

export interface Load {
  readonly engine: Engine
  readonly keys: readonly unknown[]
  readonly absentKeys: readonly unknown[]
  readonly work: Workload
  readonly inFlight: number
  readonly seconds: number
}

const SAMPLE_EVERY = 16
const READS_A_CHUNK = 256
const BATCH_SETS = 100
const SCAN_ENTRIES = 1000

export const MEASURES = { set, setConcurrently, view, copy, get, miss, batch, scan }
export type MeasureName = keyof typeof MEASURES

/** Lets everything else in the event loop have its turn. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** The clock and the processor time since `start`. */
export class Stopwatch {
  readonly #cpu = process.cpuUsage()
  readonly start = performance.now()

  figures(operations: number, latencies: Latencies): RoundFigures {
    const seconds = (performance.now() - this.start) / 1000
    const { user, system } = process.cpuUsage(this.#cpu)
    const p50Micros = latencies.percentile(0.5)
    const p99Micros = latencies.percentile(0.99)
    return { operations, seconds, cpuSeconds: (user + system) / 1e6, p50Micros, p99Micros }
  }
}

/** Runs `chunk` (it returns how many operations it did) until the time is over. */
async function repeat(
  load: Load,
  latencies: Latencies,
  chunk: () => Promise<number> | number,
): Promise<RoundFigures> {
  const watch = new Stopwatch()
  const end = watch.start + load.seconds * 1000
  let operations = 0
  while (performance.now() < end) {
    const done = chunk()
    operations += typeof done === 'number' ? done : await done
  }
  await load.engine.flush()
  return watch.figures(operations, latencies)
}

function set(load: Load): Promise<RoundFigures> {
  const { engine, keys, work, inFlight } = load
  const latencies = new Latencies()
  const pending: unknown[] = []
  return repeat(load, latencies, async () => {
    pending.length = 0
    for (let count = 0; count < inFlight; count++) {
      const index = work.nextOf(count, inFlight)
      const value = work.nextValue(index)
      if (count % SAMPLE_EVERY !== 0) {
        const done = engine.set(keys[index], value)
        if (done !== undefined) pending.push(done)
        continue
      }
      const start = performance.now()
      const done = engine.set(keys[index], value)
      if (done === undefined) latencies.add(performance.now() - start)
      else pending.push(done.then(() => latencies.add(performance.now() - start)))
    }
    await Promise.all(pending)
    await turn()
    return inFlight
  })
}

/** Writers that each wait for their own write before the next one: what a group commit lives on. */
async function setConcurrently(load: Load): Promise<RoundFigures> {
  const { engine, keys, work, inFlight, seconds } = load
  const latencies = new Latencies()
  const watch = new Stopwatch()
  const end = watch.start + seconds * 1000
  let operations = 0
  const writer = async (_: unknown, part: number) => {
    for (let now = performance.now(); now < end; ) {
      const index = work.nextOf(part, inFlight)
      await engine.set(keys[index], work.nextValue(index))
      const after = performance.now()
      latencies.add(after - now)
      now = after
      operations++
    }
  }
  await Promise.all(Array.from({ length: inFlight }, writer))
  return watch.figures(operations, latencies)
}

/** Single reads are too short for a clock: percentiles are those of the mean of 256 neighbours. */
function repeatReads(load: Load, chunk: () => void): Promise<RoundFigures> {
  const latencies = new Latencies()
  return repeat(load, latencies, () => {
    const start = performance.now()
    chunk()
    latencies.add((performance.now() - start) / READS_A_CHUNK)
    return READS_A_CHUNK
  })
}

function view(load: Load): Promise<RoundFigures> {
  const { engine, keys, work } = load
  return repeatReads(load, () => {
    let sum = 0
    for (let count = 0; count < READS_A_CHUNK; count++) {
      const index = work.next()
      sum += digestOf(engine.view!(keys[index])!) - work.written[index]!
    }
    checkSum(sum, load)
  })
}

function copy(load: Load): Promise<RoundFigures> {
  const { engine, keys, work } = load
  return repeatReads(load, () => {
    let sum = 0
    for (let count = 0; count < READS_A_CHUNK; count++) {
      const index = work.next()
      sum += digestOf(engine.copy!(keys[index])!) - work.written[index]!
    }
    checkSum(sum, load)
  })
}

function get(load: Load): Promise<RoundFigures> {
  const { engine, keys, work, inFlight } = load
  const latencies = new Latencies()
  return repeat(load, latencies, async () => {
    const start = performance.now()
    let sum = 0
    const pending: Promise<void>[] = []
    for (let count = 0; count < inFlight; count++) {
      const index = work.next()
      const answer = engine.get!(keys[index])
      pending.push(answer.then((value) => void (sum += digestOf(value!) - work.written[index]!)))
    }
    await Promise.all(pending)
    latencies.add(performance.now() - start)
    checkSum(sum, load, inFlight)
    return inFlight
  })
}

function miss(load: Load): Promise<RoundFigures> {
  const { engine, absentKeys, work } = load
  return repeatReads(load, () => {
    let found = 0
    for (let count = 0; count < READS_A_CHUNK; count++) {
      if (engine.copy!(absentKeys[work.next()]) !== undefined) found++
    }
    if (found > 0) throw invalid('keys that were never set have values')
  })
}

function batch(load: Load): Promise<RoundFigures> {
  const { engine, keys, work } = load
  const latencies = new Latencies()
  return repeat(load, latencies, async () => {
    const indexes = Array.from({ length: BATCH_SETS }, (_, part) => work.nextOf(part, BATCH_SETS))
    const batchKeys = indexes.map((index) => keys[index])
    const values = indexes.map((index) => work.nextValue(index))
    const start = performance.now()
    await engine.batch!(batchKeys, values)
    latencies.add(performance.now() - start)
    return 1
  })
}

function scan(load: Load): Promise<RoundFigures> {
  const { engine, keys, work } = load
  const latencies = new Latencies()
  const entries = Math.min(SCAN_ENTRIES, work.shape.keyCount >> 1)
  return repeat(load, latencies, async () => {
    const from = work.next() % (work.shape.keyCount - entries)
    const start = performance.now()
    let sum = await engine.scan!(keys[from], entries)
    latencies.add(performance.now() - start)
    for (let index = from; index < from + entries; index++) sum -= work.written[index]!
    checkSum(sum, load, entries)
    return 1
  })
}

function checkSum(sum: number, { work }: Load, count = READS_A_CHUNK): void {
  if (sum !== count * work.shape.valueBytes) throw invalid('values read are not those written')
}

export function invalid(what: string): BenchmarkError {
  return new BenchmarkError('BENCH_INVALID', what)
}
