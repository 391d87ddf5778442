/**
 * Records as they lie in the log, for an owner who keeps their order himself: of any space, shown before they
 * have reached their mark, with the place behind them, and the value as it is stored. What it fills is valid
 * until the next call into the store.
 *
 * The hash of a key is handed in as an object that stands for this key alone and is never changed: whoever
 * comes back with the same one has been looked for already.
 *
 * A *place* is a number that rises with the log: segment · 2^32 + offset, one behind the record. A record is
 * as safe as `reached` says once its place is not above that; the place of one that is durable is 0.
 */

import { Version } from '@minivault/clock'
import type { KeyHash } from '@minivault/codec'
import { DURABILITY, type Durability } from '@minivault/wal'
import type { BlobValue } from './blob/blob-name.ts'
import type { Engine } from './engine.ts'
import { Found } from './found.ts'
import { type ApplyOutcome, checkKey, closedError, compareToSlot, NO_TOKEN } from './hot-door.ts'
import {
  LEVEL_SHIFT,
  SLOT_BALLOT,
  SLOT_CACHE,
  SLOT_LENGTH,
  SLOT_OFFSET,
  SLOT_SEGMENT,
  TOMBSTONE_BIT,
} from './keydir.ts'
import { KeyWalk } from './keys/key-walk.ts'
import { KeyPlace, LOOKUP } from './lookup.ts'
import { EMPTY_BYTES, type Mutation, SPACE } from './mutation.ts'
import { RecordFetch } from './record-fetch.ts'
import type { RecordsOwner } from './records-owner.ts'
import { fromLog } from './storage-error.ts'
import type { StoredValue } from './stored-value.ts'

const TWO_POW_32 = 0x100000000

export class RecordDoor {
  /** Without the value: `value` has it, of a `read`, unless it has a file of its own (`found.blob`). */
  readonly found = new Found()
  /** Of a `glance`. */
  readonly ballot = new Version()
  isTombstone = false
  place = 0
  wasAbsent = false
  durability: Durability = DURABILITY.memory
  readonly value: StoredValue = { bytes: EMPTY_BYTES, codec: 0, rawBytes: 0 }
  readonly #engine: Engine
  /** Where the last key of each space stood. */
  readonly #last = Array.from({ length: SPACE.segment + 1 }, () => new KeyPlace())

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
   * Finds the newest record, and tells of it only `ballot`, `isTombstone`, `place` and `durability`.
   */
  glance(space: number, key: Uint8Array, keyStart: number, keyEnd: number, hash: KeyHash): boolean {
    if (!this.#stand(space, key, keyStart, keyEnd, hash, false)) return false
    const { keydir, shardIndex, slot } = this.#engine.lookup
    const shard = keydir.shards[shardIndex]!
    this.ballot.set(
      shard[slot + SLOT_BALLOT]!,
      shard[slot + SLOT_BALLOT + 1]!,
      shard[slot + SLOT_BALLOT + 2]!,
    )
    this.isTombstone = (shard[slot + SLOT_LENGTH]! & TOMBSTONE_BIT) !== 0
    return true
  }

  /**
   * `Engine.applyAsIs`. Where the outcome is `applied`, `place` is behind the record, and `wasAbsent`
   * whether the key had none before.
   *
   * @param hash of the mutation's key
   */
  apply(mutation: Mutation, hash: KeyHash): ApplyOutcome {
    const { log, keys, lookup } = this.#engine
    const isNews = keys.dropped.isEmpty ? this.#isNews(mutation, hash) : this.#letGo(mutation)
    const isNew = isNews && lookup.slot < 0
    const outcome = this.#engine.applyAsIs(mutation, isNews)
    this.wasAbsent = isNews ? isNew : this.#engine.previous.ballot.isZero()
    this.place = placeBehind(log.reservedSegment, log.reservedOffset)
    return outcome
  }

  /** Whether nothing need be looked for to know that it is above what is there. */
  #isNews({ space, ballot }: Mutation, hash: KeyHash): boolean {
    const { lookup } = this.#engine
    if (!lookup.returnTo(this.#last[space]!, hash)) return false
    const { keydir, shardIndex, slot } = lookup
    return slot < 0 || compareToSlot(ballot, keydir.shards[shardIndex]!, slot) > 0
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
    const { lookup } = this.#engine
    const last = this.#last[space]!
    if (lookup.returnTo(last, hash)) return true
    const result = lookup.find(space, key, keyStart, keyEnd, hash)
    if (result !== LOOKUP.found && result !== LOOKUP.absent) return false
    lookup.keep(last, hash)
    return true
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
   * written down already. `forget` follows for each of the keys, some time.
   */
  drop(range: number, below: number): void {
    this.#engine.keys.dropped.set(range, below)
  }

  /** A slot that still points to what is gone must not decide about what comes. */
  #letGo({ space, key, keyStart, keyEnd, hash }: Mutation): false {
    this.forget(space, key, keyStart, keyEnd, hash)
    return false
  }

  /**
   * The key's record, unless it is a newer one, is gone: see `drop`. It is not found in any case, but as long
   * as nobody says so it counts as live, and its segment as worth keeping.
   */
  forget(space: number, key: Uint8Array, keyStart: number, keyEnd: number, hash: KeyHash): void {
    const { lookup, ledger, keys } = this.#engine
    const below = keys.dropped.goneBelow(space, hash)
    if (below === 0 || !lookup.findHeadSync(space, key, keyStart, keyEnd, hash)) return
    const { keydir, cache, shardIndex, slot } = lookup
    const shard = keydir.shards[shardIndex]!
    if (shard[slot + SLOT_SEGMENT]! >= below) return
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
    if (!this.#stand(space, key, keyStart, keyEnd, hash, wantsValue)) return false
    const { bytes, at, length } = this.#engine.lookup
    const view = this.#engine.reader.describe(this.found, bytes, at, length)
    if (!wantsValue) return true
    const { value } = this
    value.codec = view.codec
    value.rawBytes = view.rawBytes
    value.bytes = view.isBlob ? EMPTY_BYTES : bytes.subarray(view.keyEnd, view.end)
    return true
  }

  /** Brings the lookup to the key's record, and says how safe that is; false: there is none. */
  #stand(
    space: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    hash: KeyHash,
    wantsValue: boolean,
  ): boolean {
    const { lookup, log, keys, closed } = this.#engine
    if (closed) throw closedError()
    const last = this.#last[space]!
    if (!lookup.returnTo(last, hash)) {
      checkKey(keyEnd - keyStart)
      try {
        if (wantsValue) lookup.findSync(space, key, keyStart, keyEnd, hash)
        else lookup.findHeadSync(space, key, keyStart, keyEnd, hash)
      } catch (error) {
        throw fromLog(error)
      }
      lookup.keep(last, hash)
    }
    const { slot } = lookup
    if (slot < 0) return false
    const shard = lookup.keydir.shards[lookup.shardIndex]!
    const segment = shard[slot + SLOT_SEGMENT]!
    const offset = shard[slot + SLOT_OFFSET]!
    if (!keys.dropped.isEmpty && segment < keys.dropped.goneBelow(space, hash)) return false
    this.durability = (shard[slot + SLOT_LENGTH]! >>> LEVEL_SHIFT) as Durability
    this.place = log.isDurable(segment, offset) ? 0 : placeBehind(segment, offset)
    return true
  }
}

function placeBehind(segment: number, offset: number): number {
  return segment * TWO_POW_32 + offset + 1
}
