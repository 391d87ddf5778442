/**
 * From the operations of a batch to its records: everything is checked before anything is written, values
 * with files of their own are staged, and of several operations on one key the last one stays.
 */

import type { HybridLogicalClock } from '@minivault/clock'
import { cloneBytes, type hashKey } from '@minivault/codec'
import type { Durability } from '@minivault/wal'
import { BatchRecord } from './batch.ts'
import type { Engine } from './engine.ts'
import { checkKey, closedError, valueTooLarge } from './hot-door.ts'
import { BATCH_OPERATIONS_MAX, VALUE_BYTES_MAX } from './limits.ts'
import type { ValueType } from './mutation.ts'
import { fromLog, StorageError } from './storage-error.ts'
import type { Waiters } from './waiters.ts'
import { bytesOf, type ExpiryOptions, expiryOf, typeOf } from './write-options.ts'

export type BatchOperation =
  | ({
      type: 'set'
      key: string | Uint8Array
      value: string | Uint8Array
      valueType?: ValueType
    } & ExpiryOptions)
  | { type: 'delete'; key: string | Uint8Array }

/** A version for each operation. */
export interface BatchResult {
  versions: string[]
}

/** Checked, values staged and packed: ready for `Engine.applyBatch`, once each record has its ballot. */
export interface ReadyBatch {
  /** One for each operation. */
  readonly all: readonly BatchRecord[]
  /** The last of each key. */
  readonly last: readonly BatchRecord[]
}

export interface BatchParts {
  engine: Engine
  clock: HybridLogicalClock
  waiters: Waiters
  hash: typeof hashKey
  now: () => number
}

export class BatchOperations {
  readonly #parts: BatchParts

  constructor(parts: BatchParts) {
    this.#parts = parts
  }

  async write(operations: readonly BatchOperation[], durability: Durability): Promise<BatchResult> {
    return this.run(operations, durability, (batch) => this.#apply(batch))
  }

  /**
   * Has `apply` called, which gives the records their ballots and hands `last` to `Engine.applyBatch`: inside
   * this call where no value has a file of its own, else when the files are durable. Throws or rejects, and
   * nothing is left behind, with what `apply` throws, STORAGE_BATCH, and what a `set` would.
   */
  run<T>(
    operations: readonly BatchOperation[],
    durability: Durability,
    apply: (batch: ReadyBatch) => Promise<T> | T,
  ): Promise<T> | T {
    const { engine } = this.#parts
    if (engine.closed) throw closedError()
    if (!Array.isArray(operations)) throw batchError('a batch is a list of operations')
    if (operations.length > BATCH_OPERATIONS_MAX) {
      throw batchError(`a batch has at most ${BATCH_OPERATIONS_MAX} operations, not ${operations.length}`)
    }
    const all = operations.map((operation, index) => this.#record(operation, index, durability))
    const last = lastOfEachKey(all)
    const large = last.filter(({ mutation }) => engine.packer.isLarge(mutation))
    const ready = () => {
      for (const record of last) if (record.blob === null) engine.packer.pack(record)
      return apply({ all, last })
    }
    return large.length === 0 ? ready() : this.#stageLarge(last, large, ready)
  }

  /** All in one turn, up to who waits for it. */
  #apply({ all, last }: ReadyBatch): Promise<BatchResult> | BatchResult {
    const { engine, clock, waiters } = this.#parts
    for (const { mutation } of all) clock.next(mutation.ballot)
    const token = waiters.token()
    engine.applyBatch(last, token)
    for (const { mutation } of last) clock.raised(mutation.ballot)
    const result = { versions: all.map(({ mutation }) => mutation.ballot.toString()) }
    return engine.waiting ? waiters.applied(token, result) : result
  }

  /** The files first: when their records are written they are durable. */
  async #stageLarge<T>(
    last: readonly BatchRecord[],
    large: readonly BatchRecord[],
    ready: () => Promise<T> | T,
  ): Promise<T> {
    const { engine } = this.#parts
    // The caller's bytes are its own again when the first file is waited for.
    for (const record of last) detach(record)
    engine.began()
    try {
      for (const record of large) await this.#stage(record)
      // Not awaited here: once the records are written the files are theirs.
      return ready()
    } catch (error) {
      for (const { blob } of large) if (blob !== null) engine.blobs.remove(blob)
      throw engine.error ?? fromLog(error)
    } finally {
      engine.ended()
    }
  }

  async #stage(record: BatchRecord): Promise<void> {
    const { mutation } = record
    const { name, size, checksums } = await this.#parts.engine.large.stage(mutation.hash, mutation.value)
    record.blob = name
    record.rawBytes = size
    mutation.value = Buffer.from(checksums, 'hex')
    mutation.valueEnd = mutation.value.length
  }

  #record(operation: BatchOperation, index: number, durability: Durability): BatchRecord {
    const isSet = operation?.type === 'set'
    if (!isSet && operation?.type !== 'delete') {
      throw batchError(`operation ${index} of the batch is neither a set nor a delete`)
    }
    const record = new BatchRecord()
    const { mutation } = record
    mutation.key = this.#bytes('key', operation.key)
    mutation.keyEnd = mutation.key.length
    checkKey(mutation.keyEnd)
    this.#parts.hash(mutation.key, 0, mutation.keyEnd, mutation.hash)
    mutation.durability = durability
    mutation.tombstone = !isSet
    if (!isSet) return record
    mutation.value = this.#bytes('value', operation.value)
    mutation.valueEnd = mutation.value.length
    if (mutation.valueEnd > VALUE_BYTES_MAX) throw valueTooLarge(mutation.valueEnd)
    mutation.valueType = typeOf(operation.valueType)
    mutation.expiresAtMs = expiryOf(operation, this.#parts.now)
    return record
  }

  #bytes(name: 'key' | 'value', given: string | Uint8Array): Uint8Array {
    const bytes = bytesOf(name, given)
    return this.#parts.engine.isOwn(bytes) ? cloneBytes(bytes, 0, bytes.length) : bytes
  }
}

/** In the order of the operations that stay. */
function lastOfEachKey(records: readonly BatchRecord[]): BatchRecord[] {
  const seen = new Map<number, BatchRecord>()
  const last: BatchRecord[] = []
  for (let i = records.length - 1; i >= 0; i--) {
    const record = records[i]!
    const { low } = record.mutation.hash
    const others = seen.get(low) ?? null
    if (isAmong(others, record)) continue
    record.sameHash = others
    seen.set(low, record)
    last.push(record)
  }
  return last.reverse()
}

function isAmong(others: BatchRecord | null, { mutation }: BatchRecord): boolean {
  for (let other = others; other !== null; other = other.sameHash) {
    if (Buffer.compare(other.mutation.key, mutation.key) === 0) return true
  }
  return false
}

function detach({ mutation }: BatchRecord): void {
  mutation.key = cloneBytes(mutation.key, 0, mutation.keyEnd)
  mutation.value = cloneBytes(mutation.value, 0, mutation.valueEnd)
}

function batchError(message: string): StorageError {
  return new StorageError('STORAGE_BATCH', message)
}
