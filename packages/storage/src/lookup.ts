/**
 * From a key to its slot and its record's bytes. The keydir gives slots with the key's fingerprint; the
 * record behind a slot is in the log's window, in the cache, or on disk, and its whole key is compared before
 * it counts as found.
 *
 * The result stands in fields (`shardIndex`, `slot`, `bytes`, `at`, `length`), valid until the next call.
 */

import { cloneBytes, type KeyHash } from '@minivault/codec'
import type { Log } from '@minivault/wal'
import { Cache } from './cache.ts'
import {
  Keydir,
  LENGTH_MASK,
  SLOT_CACHE,
  SLOT_LENGTH,
  SLOT_OFFSET,
  SLOT_SEGMENT,
  SLOT_WORDS,
} from './keydir.ts'
import { recordHasKey } from './record.ts'

/** `cold`: a record with this fingerprint lies on disk and has not been compared. */
export const LOOKUP = { absent: 0, found: 1, cold: 2 } as const
export type LookupResult = (typeof LOOKUP)[keyof typeof LOOKUP]

/** Seeds the fingerprint with the space, so that a key's records in two spaces rarely meet. */
export function fingerprintOf(space: number, hash: KeyHash): number {
  return hash.low ^ Math.imul(space, 0x9e3779b1)
}

export function shardOf(hash: KeyHash): number {
  return hash.high >>> 24
}

export class Lookup {
  readonly keydir: Keydir
  readonly cache: Cache
  shardIndex = 0
  slot = -1
  bytes: Uint8Array
  at = 0
  length = 0
  readonly #log: Log
  #scratch = new Uint8Array(4096)

  constructor(log: Log, keydir: Keydir, cacheBytes: number) {
    this.#log = log
    this.keydir = keydir
    this.cache = new Cache(cacheBytes, keydir)
    this.bytes = log.window
  }

  /** Finds the key; what is cold is read from disk at once. Throws WalError. */
  findSync(space: number, key: Uint8Array, keyStart: number, keyEnd: number, hash: KeyHash): boolean {
    return this.#find(space, key, keyStart, keyEnd, hash, true) === LOOKUP.found
  }

  /** Finds the key without touching the disk; `cold` stops at the first slot that would need it. */
  find(space: number, key: Uint8Array, keyStart: number, keyEnd: number, hash: KeyHash): LookupResult {
    return this.#find(space, key, keyStart, keyEnd, hash, false)
  }

  #find(
    space: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    hash: KeyHash,
    readsDisk: boolean,
  ): LookupResult {
    const shardIndex = shardOf(hash)
    const fingerprint = fingerprintOf(space, hash)
    const shard = this.keydir.shards[shardIndex]!
    this.shardIndex = shardIndex
    let slot = Keydir.home(fingerprint, shard)
    while (shard[slot + SLOT_SEGMENT] !== 0) {
      if (shard[slot] === fingerprint) {
        this.slot = slot
        if (!this.resolve(shard, slot)) {
          if (!readsDisk) return LOOKUP.cold
          // A key that is itself a view of the record read last would be read over.
          key = cloneBytes(key, keyStart, keyEnd)
          keyEnd -= keyStart
          keyStart = 0
          this.readSync(shard, slot)
        }
        if (recordHasKey(this.bytes, this.at, space, key, keyStart, keyEnd)) return LOOKUP.found
      }
      slot += SLOT_WORDS
      if (slot === shard.length) slot = 0
    }
    this.slot = -1
    return LOOKUP.absent
  }

  /** Points to the slot's record if it is in memory. */
  resolve(shard: Int32Array, slot: number): boolean {
    this.length = shard[slot + SLOT_LENGTH]! & LENGTH_MASK
    const reference = shard[slot + SLOT_CACHE]!
    if (reference !== 0) {
      this.cache.use(reference)
      this.bytes = this.cache.bytes
      this.at = this.cache.at
      return true
    }
    const at = this.#log.windowOffset(shard[slot + SLOT_SEGMENT]!, shard[slot + SLOT_OFFSET]!)
    if (at < 0) return false
    this.bytes = this.#log.window
    this.at = at
    return true
  }

  /** Points to the slot's record after reading it from disk; keeps it in the cache where it fits. */
  readSync(shard: Int32Array, slot: number): void {
    const segment = shard[slot + SLOT_SEGMENT]!
    const offset = shard[slot + SLOT_OFFSET]!
    const length = shard[slot + SLOT_LENGTH]! & LENGTH_MASK
    const { cache, shardIndex } = this
    const isKept = cache.reserve(shardIndex, slot, length)
    const bytes = isKept ? cache.bytes : this.#scratchOf(length)
    const at = isKept ? cache.at : 0
    this.#log.readSync(segment, offset, length, bytes, at)
    if (isKept) cache.commit(shardIndex, slot, length)
    this.bytes = bytes
    this.at = at
    this.length = length
  }

  #scratchOf(length: number): Uint8Array {
    if (this.#scratch.length < length) this.#scratch = new Uint8Array(length * 2)
    return this.#scratch
  }
}
