/**
 * Facts the store keeps about itself in a space of their own: who wrote last, how far its clock has gone.
 * They are read and written at once, and durable when written: what follows rests on them.
 */

import { HybridLogicalClock, successor } from '@minivault/clock'
import { type hashKey, KeyHash } from '@minivault/codec'
import type { Engine } from './engine.ts'
import { NO_TOKEN } from './hot-door.ts'
import { Mutation, SPACE } from './mutation.ts'
import { fromLog } from './storage-error.ts'
import type { Waiters } from './waiters.ts'

const encoder = new TextEncoder()

export class Metadata {
  readonly #engine: Engine
  readonly #hash: typeof hashKey
  readonly #waiters: Waiters

  constructor(engine: Engine, hash: typeof hashKey, waiters: Waiters) {
    this.#engine = engine
    this.#hash = hash
    this.#waiters = waiters
  }

  /** Durable on return. For rare facts: it waits for the disk. */
  put(name: string, value: Uint8Array): void {
    const engine = this.#engine
    engine.apply(this.#mutation(name, value), NO_TOKEN)
    try {
      engine.log.syncNow()
    } catch (error) {
      throw engine.error ?? fromLog(error)
    }
  }

  /** Resolves when it is durable. */
  async putLater(name: string, value: Uint8Array): Promise<void> {
    const token = this.#waiters.token()
    this.#engine.apply(this.#mutation(name, value), token)
    if (this.#engine.waiting) await this.#waiters.applied(token, undefined)
  }

  #mutation(name: string, value: Uint8Array): Mutation {
    const engine = this.#engine
    const mutation = new Mutation()
    mutation.space = SPACE.meta
    mutation.key = encoder.encode(name)
    mutation.keyEnd = mutation.key.length
    this.#hash(mutation.key, 0, mutation.keyEnd, mutation.hash)
    const before = engine.readSync(SPACE.meta, mutation.key, 0, mutation.keyEnd, mutation.hash)
    successor(before.ballot, 0, mutation.ballot)
    mutation.value = value
    mutation.valueEnd = value.length
    mutation.durability = 2
    return mutation
  }

  get(name: string): Uint8Array | undefined {
    const key = encoder.encode(name)
    const hash = this.#hash(key, 0, key.length, new KeyHash())
    const found = this.#engine.readSync(SPACE.meta, key, 0, key.length, hash)
    return found.exists ? found.copyValue() : undefined
  }
}

/**
 * The clock of this open: its writerId is durable before a version is issued, its bound before it is passed.
 */
export function startClock(
  metadata: Metadata,
  writerId: number,
  now: () => number,
  maxOffsetMs: number | undefined,
): HybridLogicalClock {
  const writer = new Uint8Array(4)
  new DataView(writer.buffer).setUint32(0, writerId, true)
  metadata.put('writer', writer)
  const bound = metadata.get('clock-bound')
  return new HybridLogicalClock({
    writerId,
    now,
    ...(maxOffsetMs === undefined ? {} : { maxOffsetMs }),
    boundMs: bound === undefined ? 0 : new DataView(bound.buffer, bound.byteOffset, 8).getFloat64(0, true),
    persistBound: (boundMs) => metadata.put('clock-bound', bytesOfBound(boundMs)),
    extendBound: (boundMs, done) => {
      // Where that fails the store is read-only, and nothing is stamped any more.
      metadata.putLater('clock-bound', bytesOfBound(boundMs)).then(done, () => {})
    },
  })
}

function bytesOfBound(boundMs: number): Uint8Array {
  const value = new Uint8Array(8)
  new DataView(value.buffer).setFloat64(0, boundMs, true)
  return value
}
