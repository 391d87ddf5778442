/**
 * Records as they lie in the log, for an owner who keeps their order himself: of any space, shown before they
 * have reached their mark, with the place behind them, and the value as it is stored. What it fills is valid
 * until the next call into the store.
 *
 * A *place* is a number that rises with the log: segment · 2^32 + offset, one behind the record. A record is
 * as safe as `reached` says once its place is not above that; the place of one that is durable is 0.
 */

import type { KeyHash } from '@minivault/codec'
import { DURABILITY, type Durability } from '@minivault/wal'
import type { BlobValue } from './blob/blob-name.ts'
import type { Engine } from './engine.ts'
import { Found } from './found.ts'
import { type ApplyOutcome, checkKey, closedError, NO_TOKEN } from './hot-door.ts'
import { LEVEL_SHIFT, SLOT_CACHE, SLOT_LENGTH, SLOT_OFFSET, SLOT_SEGMENT } from './keydir.ts'
import { KeyWalk } from './keys/key-walk.ts'
import { LOOKUP } from './lookup.ts'
import { EMPTY_BYTES, type Mutation } from './mutation.ts'
import { RecordFetch } from './record-fetch.ts'
import type { RecordsOwner } from './records-owner.ts'
import { fromLog } from './storage-error.ts'
import type { StoredValue } from './stored-value.ts'

const TWO_POW_32 = 0x100000000

export class RecordDoor {
  /** Without the value: `value` has it, of a `read`, unless it has a file of its own (`found.blob`). */
  readonly found = new Found()
  place = 0
  wasAbsent = false
  durability: Durability = DURABILITY.memory
  readonly value: StoredValue = { bytes: EMPTY_BYTES, codec: 0, rawBytes: 0 }
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Finds the newest record, a tombstone too; false: there is none. Reads the disk where it must. */
  look(space: number, key: Uint8Array, keyStart: number, keyEnd: number, hash: KeyHash): boolean {
    return this.#find(space, key, keyStart, keyEnd, hash, false)
  }

  /** The same with the value. */
  read(space: number, key: Uint8Array, keyStart: number, keyEnd: number, hash: KeyHash): boolean {
    return this.#find(space, key, keyStart, keyEnd, hash, true)
  }

  /**
   * `Engine.applyAsIs`. Where the outcome is `applied`, `place` is behind the record, and `wasAbsent`
   * whether the key had none before.
   */
  apply(mutation: Mutation): ApplyOutcome {
    const { log, keys } = this.#engine
    if (!keys.dropped.isEmpty) this.#letGo(mutation)
    const outcome = this.#engine.applyAsIs(mutation, NO_TOKEN)
    this.wasAbsent = this.#engine.previous.ballot.isZero()
    this.place = placeBehind(log.reservedSegment, log.reservedOffset)
    return outcome
  }

  /** The same with a value in a durable file, which belongs to the record from then on. */
  applyBlob(mutation: Mutation, blob: BlobValue): ApplyOutcome {
    const { log } = this.#engine
    const outcome = this.#engine.applyBlob(mutation, blob, NO_TOKEN)
    this.wasAbsent = this.#engine.previous.ballot.isZero()
    this.place = placeBehind(log.reservedSegment, log.reservedOffset)
    return outcome
  }

  /** Whether `look` and `read` would find the key, or that there is none, without the disk. */
  isInMemory(space: number, key: Uint8Array, keyStart: number, keyEnd: number, hash: KeyHash): boolean {
    const result = this.#engine.lookup.find(space, key, keyStart, keyEnd, hash)
    return result === LOOKUP.found || result === LOOKUP.absent
  }

  /** Brings it there without holding up the loop. Where that fails, `look` and `read` will say why. */
  fetch(space: number, key: Uint8Array, hash: KeyHash, done: () => void): void {
    new RecordFetch(this.#engine, space, key, hash, done).start()
  }

  /** The newest record of every key from this space on, in their order, as of now: from hints alone. */
  walk(space: number): KeyWalk {
    return new KeyWalk(this.#engine.keys, { from: { space, key: EMPTY_BYTES, isInclusive: true } })
  }

  set owner(owner: RecordsOwner) {
    this.#engine.owner = owner
  }

  /** The segment in which the newest record lies. */
  get segment(): number {
    return this.#engine.log.reservedSegment
  }

  /** Place of the newest record. */
  get end(): number {
    const { reservedSegment, reservedOffset } = this.#engine.log
    return placeBehind(reservedSegment, reservedOffset)
  }

  /** The next record begins a segment, numbered above all there are. */
  roll(): void {
    this.#engine.log.roll()
  }

  /**
   * All records of a range of keys (`DroppedRanges`) in segments below this one are gone from now on; that is
   * written down already. `forget` follows for each of the keys.
   */
  drop(range: number, below: number): void {
    this.#engine.keys.dropped.set(range, below)
  }

  /** A slot that still points to what is gone must not decide about what comes. */
  #letGo({ space, key, keyStart, keyEnd, hash }: Mutation): void {
    const below = this.#engine.keys.dropped.goneBelow(space, hash)
    if (below === 0) return
    const { lookup } = this.#engine
    if (!lookup.findHeadSync(space, key, keyStart, keyEnd, hash)) return
    const segment = lookup.keydir.shards[lookup.shardIndex]![lookup.slot + SLOT_SEGMENT]!
    if (segment < below) this.forget(space, key, keyStart, keyEnd, hash)
  }

  /**
   * The key's record is gone: see `drop`. It is not found in any case, but as long as nobody says so it
   * counts as live, and its segment as worth keeping.
   */
  forget(space: number, key: Uint8Array, keyStart: number, keyEnd: number, hash: KeyHash): void {
    const { lookup, ledger } = this.#engine
    if (!lookup.findHeadSync(space, key, keyStart, keyEnd, hash)) return
    const { keydir, cache, shardIndex, slot } = lookup
    const shard = keydir.shards[shardIndex]!
    if (shard[slot + SLOT_CACHE] !== 0) cache.forget(shard[slot + SLOT_CACHE]!)
    ledger.subtract(shard[slot + SLOT_SEGMENT]!, shard[slot + SLOT_LENGTH]!)
    keydir.remove(shardIndex, slot)
  }

  /** All that is written is wanted at this level. */
  demand(durability: Durability): void {
    this.#engine.log.demand(durability)
  }

  reached(durability: Durability): number {
    if (durability === DURABILITY.memory) return Number.POSITIVE_INFINITY
    return this.#engine.log.reached(durability)
  }

  #find(
    space: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    hash: KeyHash,
    wantsValue: boolean,
  ): boolean {
    const { lookup, log, keys, closed } = this.#engine
    if (closed) throw closedError()
    checkKey(keyEnd - keyStart)
    try {
      const isThere = wantsValue
        ? lookup.findSync(space, key, keyStart, keyEnd, hash)
        : lookup.findHeadSync(space, key, keyStart, keyEnd, hash)
      if (!isThere) return false
    } catch (error) {
      throw fromLog(error)
    }
    const { slot, bytes, at, length } = lookup
    const shard = lookup.keydir.shards[lookup.shardIndex]!
    const segment = shard[slot + SLOT_SEGMENT]!
    const offset = shard[slot + SLOT_OFFSET]!
    if (!keys.dropped.isEmpty && segment < keys.dropped.goneBelow(space, hash)) return false
    this.durability = (shard[slot + SLOT_LENGTH]! >>> LEVEL_SHIFT) as Durability
    this.place = log.isDurable(segment, offset) ? 0 : placeBehind(segment, offset)
    const view = this.#engine.reader.describe(this.found, bytes, at, length)
    if (!wantsValue) return true
    const { value } = this
    value.codec = view.codec
    value.rawBytes = view.rawBytes
    value.bytes = view.isBlob ? EMPTY_BYTES : bytes.subarray(view.keyEnd, view.end)
    return true
  }
}

function placeBehind(segment: number, offset: number): number {
  return segment * TWO_POW_32 + offset + 1
}
