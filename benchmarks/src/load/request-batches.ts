/**
 * All requests of a run, encoded before the clock starts, in one buffer; a batch is a slice of `pipeline`
 * neighbours, and the connections take one slice after the other. Each key comes up equally often, and
 * sending costs the generator one write of a ready slice.
 *
 * A keyspace is filled in ascending order and then asked in two random orders by turns. Were it asked in the
 * order in which it was last written, records would lie in memory as they are asked for, and a store's
 * cache misses, half of redis's time for a GET, would be missing from the figures.
 *
 * `mix` asks nine keys of ten and sets the tenth; which ones is drawn once and the same in every run.
 *
 * Values are random bytes: what a server might save by compressing them is not part of this benchmark.
 */
import { randomFillSync } from 'node:crypto'
import { shuffled } from '../shuffled.ts'
import { keyName, type Language, type Operation } from './language.ts'
import { LANGUAGES, type LanguageName } from './languages.ts'

export const WORKLOADS = ['set', 'get', 'mix'] as const
export type Workload = (typeof WORKLOADS)[number]

export interface RequestShape {
  readonly language: LanguageName
  readonly operation: Workload
  readonly valueBytes: number
  readonly keyspace: number
  readonly pipeline: number
  /** `ascending`: every key once. `random`: twice, each time in another order. */
  readonly order: 'ascending' | 'random'
}

/** A request's operation as a number: the index of its expected reply. */
export const OPERATIONS = ['get', 'set'] as const satisfies readonly Operation[]

export interface RequestBatches {
  readonly batches: readonly Buffer[]
  /** Requests in each batch; the last one may be shorter. */
  readonly counts: Int32Array
  /** Of each request, in order: an index of OPERATIONS. */
  readonly operations: Uint8Array
}

const SETS_OF_TEN = 1
/** Of the two orders, and of what the mix asks. */
const SEEDS = { first: 0x2545f491, second: 0x1b873593, operations: 0x6c8e9cf5 }

export function buildRequestBatches(shape: RequestShape): RequestBatches {
  const { operation, valueBytes, pipeline } = shape
  const order = orderOf(shape)
  const language: Language = LANGUAGES[shape.language]
  const operations = operationsOf(operation, order.length)
  const sizes = OPERATIONS.map((one) => language.requestBytes(one, valueBytes))
  const bytes = Buffer.allocUnsafeSlow(operations.reduce((sum, one) => sum + sizes[one]!, 0))
  if (operation !== 'get') fillRandom(bytes)
  const batchCount = Math.ceil(order.length / pipeline)
  const counts = new Int32Array(batchCount)
  const batches: Buffer[] = []
  let at = 0
  for (let batch = 0; batch < batchCount; batch++) {
    const first = batch * pipeline
    const last = Math.min(first + pipeline, order.length)
    const start = at
    for (let index = first; index < last; index++) {
      const one = OPERATIONS[operations[index]!]!
      at = language.writeRequest(one, bytes, at, keyName(order[index]!), valueBytes)
    }
    counts[batch] = last - first
    batches.push(bytes.subarray(start, at))
  }
  return { batches, counts, operations }
}

function orderOf({ keyspace, order }: RequestShape): Int32Array {
  if (order === 'ascending') return Int32Array.from({ length: keyspace }, (_, index) => index)
  const both = new Int32Array(2 * keyspace)
  both.set(shuffled(keyspace, SEEDS.first))
  both.set(shuffled(keyspace, SEEDS.second), keyspace)
  return both
}

function operationsOf(workload: Workload, count: number): Uint8Array {
  const get = OPERATIONS.indexOf('get')
  const set = OPERATIONS.indexOf('set')
  if (workload !== 'mix') return new Uint8Array(count).fill(workload === 'get' ? get : set)
  return Uint8Array.from(shuffled(count, SEEDS.operations), (drawn) => (drawn % 10 < SETS_OF_TEN ? set : get))
}

function fillRandom(bytes: Buffer): void {
  const stride = 1 << 30 // randomFillSync takes less than 2 GiB at once
  for (let at = 0; at < bytes.length; at += stride) {
    randomFillSync(bytes, at, Math.min(stride, bytes.length - at))
  }
}
