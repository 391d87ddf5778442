/**
 * All requests of a run, encoded before the clock starts. The whole keyspace stands in one buffer in random
 * order; a batch is a slice of `pipeline` neighbours, and the connections take one slice after the other.
 * Each key comes up equally often, and sending costs the generator one write of a ready slice.
 *
 * Values are random bytes: what a server might save by compressing them is not part of this benchmark.
 */
import { randomFillSync } from 'node:crypto'
import { shuffled } from '../shuffled.ts'
import { keyName, LANGUAGES, type LanguageName, type Operation } from './language.ts'

export interface RequestShape {
  readonly language: LanguageName
  readonly operation: Operation
  readonly valueBytes: number
  readonly keyspace: number
  readonly pipeline: number
}

export interface RequestBatches {
  readonly batches: readonly Buffer[]
  /** Requests in each batch; the last one may be shorter. */
  readonly counts: Int32Array
}

export function buildRequestBatches(shape: RequestShape): RequestBatches {
  const { operation, valueBytes, keyspace, pipeline } = shape
  const language = LANGUAGES[shape.language]
  const requestBytes = language.requestBytes(operation, valueBytes)
  const bytes = Buffer.allocUnsafeSlow(requestBytes * keyspace)
  if (operation === 'set') fillRandom(bytes)
  let at = 0
  for (const index of shuffled(keyspace)) {
    at = language.writeRequest(operation, bytes, at, keyName(index), valueBytes)
  }
  const batchCount = Math.ceil(keyspace / pipeline)
  const counts = new Int32Array(batchCount)
  const batches: Buffer[] = []
  for (let batch = 0; batch < batchCount; batch++) {
    const first = batch * pipeline
    const count = Math.min(pipeline, keyspace - first)
    counts[batch] = count
    batches.push(bytes.subarray(first * requestBytes, (first + count) * requestBytes))
  }
  return { batches, counts }
}

function fillRandom(bytes: Buffer): void {
  const stride = 1 << 30 // randomFillSync takes less than 2 GiB at once
  for (let at = 0; at < bytes.length; at += stride) {
    randomFillSync(bytes, at, Math.min(stride, bytes.length - at))
  }
}
