/**
 * From a key to its slot and its record's bytes. The keydir gives slots with the key's fingerprint; the
 * record behind a slot is in the log's window, in the cache, or on disk, and its whole key is compared before
 * it counts as found. A key without a slot is looked for in the cold segments; what is found there gets one.
 *
 * The result stands in fields (`shardIndex`, `slot`, `bytes`, `at`, `length`), valid until the next call.
 */

import type { KeyHash } from '@minivault/codec'
import { ENTRY_HEADER_BYTES, type Log } from '@minivault/wal'
import { Cache } from './cache.ts'
import { fingerprintOf, shardOf } from './fingerprint.ts'
import type { KeyEntry } from './hint/key-entry.ts'
import {
  Keydir,
  LENGTH_MASK,
  SLOT_BALLOT,
  SLOT_CACHE,
  SLOT_LENGTH,
  SLOT_OFFSET,
  SLOT_SEGMENT,
  SLOT_WORDS,
} from './keydir.ts'
import { type KeyIndex, SEARCH } from './keys/key-index.ts'
import { KEY_BYTES_MAX } from './limits.ts'
import { copyKey, hasBallot, isPlain, RECORD_HEADER_BYTES, recordHasKey } from './record.ts'

/**
 * `cold`: the record behind `slot` lies on disk; whether it is the key's may be unknown. `missing`: a block
 * of a hint file must be read before anything can be said.
 */
export const LOOKUP = { absent: 0, found: 1, cold: 2, missing: 3 } as const
export type LookupResult = (typeof LOOKUP)[keyof typeof LOOKUP]

/** Where a key stood: see `Lookup.keep`. */
export class KeyPlace {
  key: KeyHash | null = null
  high = 0
  low = 0
  keydir: Keydir | null = null
  /** Of the keydir, by then. */
  changes = 0
  shardIndex = 0
  /** -1: there was none. */
  slot = -1
}

/** What a lookup may read from disk. */
const READ = { nothing: 0, head: 1, record: 2 } as const
type Read = (typeof READ)[keyof typeof READ]

export class Lookup {
  readonly keydir: Keydir
  readonly cache: Cache
  shardIndex = 0
  slot = -1
  bytes: Uint8Array
  at = 0
  length = 0
  readonly log: Log
  readonly #keys: KeyIndex
  #scratch = new Uint8Array(4096)
  readonly #key = new Uint8Array(KEY_BYTES_MAX)

  constructor(log: Log, keydir: Keydir, keys: KeyIndex, cacheBytes: number) {
    this.log = log
    this.keydir = keydir
    this.#keys = keys
    this.cache = new Cache(cacheBytes, keydir)
    keydir.evictor = keys
    keys.onEvicted = (reference) => this.cache.forget(reference)
    keys.onHinted = (shardIndex) => keydir.trim(shardIndex)
    this.bytes = log.window
  }

  /** Finds the key; what is cold is read from disk at once. Throws WalError. */
  findSync(space: number, key: Uint8Array, keyStart: number, keyEnd: number, hash: KeyHash): boolean {
    return this.#find(space, key, keyStart, keyEnd, hash, READ.record) === LOOKUP.found
  }

  /**
   * Finds the key for a write: of a plain record on disk only header and key are read, and nothing is kept.
   * No checksum covers them alone, but they hold the very key and the very ballot that the slot has.
   */
  findHeadSync(space: number, key: Uint8Array, keyStart: number, keyEnd: number, hash: KeyHash): boolean {
    return this.#find(space, key, keyStart, keyEnd, hash, READ.head) === LOOKUP.found
  }

  /** Finds the key without touching the disk; `cold` stops at the first slot that would need it. */
  find(space: number, key: Uint8Array, keyStart: number, keyEnd: number, hash: KeyHash): LookupResult {
    return this.#find(space, key, keyStart, keyEnd, hash, READ.nothing)
  }

  /** Keeps where it stands. `key` is an object that stands for this key alone, and is never changed. */
  keep(place: KeyPlace, key: KeyHash): void {
    place.key = key
    place.high = key.high
    place.low = key.low
    place.keydir = this.keydir
    place.changes = this.keydir.changes
    place.shardIndex = this.shardIndex
    place.slot = this.slot
  }

  /** Stands there again without looking for the key; false: it has to be looked for. */
  returnTo(place: KeyPlace, key: KeyHash): boolean {
    if (place.key !== key || place.high !== key.high || place.low !== key.low) return false
    const { keydir } = this
    if (place.keydir !== keydir || place.changes !== keydir.changes) return false
    const { shardIndex, slot } = place
    if (slot >= 0 && !this.resolve(keydir.shards[shardIndex]!, slot)) return false
    this.shardIndex = shardIndex
    this.slot = slot
    return true
  }

  #find(
    space: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    hash: KeyHash,
    read: Read,
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
          if (read === READ.nothing) return LOOKUP.cold
          // A key that is itself a view of the record read last would be read over.
          copyKey(key, keyStart, keyEnd, this.#key, 0)
          key = this.#key
          keyEnd -= keyStart
          keyStart = 0
          if (read === READ.head) this.#readForKey(shard, slot, space, key, keyStart, keyEnd)
          else this.#readSync(shard, slot, true)
        }
        if (recordHasKey(this.bytes, this.at, space, key, keyStart, keyEnd)) return LOOKUP.found
      }
      slot += SLOT_WORDS
      if (slot === shard.length) slot = 0
    }
    this.slot = -1
    if (!this.#keys.hasCold) return LOOKUP.absent
    const result = this.#keys.search(space, key, keyStart, keyEnd, hash, read !== READ.nothing)
    if (result === SEARCH.absent) return LOOKUP.absent
    if (result === SEARCH.missing) return LOOKUP.missing
    return this.#promote(fingerprint, read)
  }

  /** Gives a slot to the key that was found in a cold segment. */
  #promote(fingerprint: number, read: Read): LookupResult {
    const { segment, offset, lengthWord, ballot } = this.#keys.found
    const slot = this.keydir.insert(this.shardIndex, fingerprint)
    this.keydir.point(this.shardIndex, slot, segment, offset, lengthWord, ballot)
    this.slot = slot
    const shard = this.keydir.shards[this.shardIndex]!
    if (!this.resolve(shard, slot)) {
      if (read === READ.nothing) return LOOKUP.cold
      this.#readSync(shard, slot, read === READ.record)
    }
    return LOOKUP.found
  }

  /** Gives the newest of a key's records that an open found its slot, unless the key has one. */
  load(entry: KeyEntry, hash: KeyHash): void {
    const { space, segment, offset, lengthWord, ballot, bytes, keyStart, keyEnd } = entry
    const fingerprint = fingerprintOf(space, hash)
    this.shardIndex = shardOf(hash)
    const shard = this.keydir.shards[this.shardIndex]!
    let slot = Keydir.home(fingerprint, shard)
    while (shard[slot + SLOT_SEGMENT] !== 0) {
      if (shard[slot] === fingerprint) {
        if (shard[slot + SLOT_SEGMENT] === segment && shard[slot + SLOT_OFFSET] === offset) return
        this.#readForKey(shard, slot, space, bytes, keyStart, keyEnd)
        if (recordHasKey(this.bytes, this.at, space, bytes, keyStart, keyEnd)) return
      }
      slot += SLOT_WORDS
      if (slot === shard.length) slot = 0
    }
    const added = this.keydir.insert(this.shardIndex, fingerprint)
    this.keydir.point(this.shardIndex, added, segment, offset, lengthWord, ballot)
  }

  /**
   * Whether the record at this position is its key's newest, whatever has a slot; gives none. For merge, of a
   * cold segment. Throws WalError.
   */
  isNewest(
    space: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    hash: KeyHash,
    segment: number,
    offset: number,
  ): boolean {
    const fingerprint = fingerprintOf(space, hash)
    this.shardIndex = shardOf(hash)
    const shard = this.keydir.shards[this.shardIndex]!
    let slot = Keydir.home(fingerprint, shard)
    while (shard[slot + SLOT_SEGMENT] !== 0) {
      if (shard[slot] === fingerprint) {
        this.#readForKey(shard, slot, space, key, keyStart, keyEnd)
        if (recordHasKey(this.bytes, this.at, space, key, keyStart, keyEnd)) {
          return shard[slot + SLOT_SEGMENT] === segment && shard[slot + SLOT_OFFSET] === offset
        }
      }
      slot += SLOT_WORDS
      if (slot === shard.length) slot = 0
    }
    const result = this.#keys.search(space, key, keyStart, keyEnd, hash, true)
    const { found } = this.#keys
    return result === SEARCH.found && found.segment === segment && found.offset === offset
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
    const at = this.log.windowOffset(shard[slot + SLOT_SEGMENT]!, shard[slot + SLOT_OFFSET]!)
    if (at < 0) return false
    this.bytes = this.log.window
    this.at = at
    return true
  }

  /** Points to the slot's record after reading it from disk; keeps it in the cache if asked to. */
  #readSync(shard: Int32Array, slot: number, keep: boolean): void {
    const segment = shard[slot + SLOT_SEGMENT]!
    const offset = shard[slot + SLOT_OFFSET]!
    const length = shard[slot + SLOT_LENGTH]! & LENGTH_MASK
    const { cache, shardIndex } = this
    const isKept = keep && cache.reserve(shardIndex, slot, length)
    const bytes = isKept ? cache.bytes : this.#scratchOf(ENTRY_HEADER_BYTES + length)
    const at = isKept ? cache.at : ENTRY_HEADER_BYTES
    this.log.entries.readEntrySync(segment, offset, length, bytes, at - ENTRY_HEADER_BYTES)
    if (isKept) cache.commit(shardIndex, slot, length)
    this.bytes = bytes
    this.at = at
    this.length = length
  }

  /**
   * Points to the slot's record for a compare of its key. Of one on disk only header and key are read where
   * that says enough, and nothing is kept.
   */
  #readForKey(
    shard: Int32Array,
    slot: number,
    space: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
  ): void {
    if (this.resolve(shard, slot)) return
    const headBytes = RECORD_HEADER_BYTES + keyEnd - keyStart
    if (headBytes <= this.length) {
      const bytes = this.#scratchOf(headBytes)
      const segment = shard[slot + SLOT_SEGMENT]!
      this.log.entries.readUnverifiedSync(segment, shard[slot + SLOT_OFFSET]!, headBytes, bytes, 0)
      this.bytes = bytes
      this.at = 0
      const isTheOne = isPlain(bytes, 0) && hasBallot(bytes, 0, shard, slot + SLOT_BALLOT)
      if (isTheOne && recordHasKey(bytes, 0, space, key, keyStart, keyEnd)) return
    }
    this.#readSync(shard, slot, false)
  }

  #scratchOf(length: number): Uint8Array {
    if (this.#scratch.length < length) this.#scratch = new Uint8Array(length * 2)
    return this.#scratch
  }
}
