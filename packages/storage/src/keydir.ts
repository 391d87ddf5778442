/**
 * The index in memory: where each key's newest record lies. One slot is eight int32, and 256 shards hold
 * their slots in one Int32Array each, so that the garbage collector never sees a key.
 *
 *     word   0 fingerprint    1 segment (0: slot empty)    2 offset of the payload in the segment file
 *            3 length (27 bits) | flags (5 bits)         4 5 6 ballot            7 cache reference (0: none)
 *
 * Open addressing, linear probing. A slot's home is derived from its *stored fingerprint* alone, so growth
 * and deletion (backward shift, no markers) never read a key. The table does not know keys at all: whoever
 * looks one up walks the slots with an equal fingerprint and compares the whole key in the record, because
 * two keys with one hash are two keys.
 *
 * Capacities are not powers of two: a shard grows by half at 80 % load and never costs more than 60 bytes a
 * key (once past its smallest size), where doubling would cost up to 80. The home is then a multiplication,
 * not a mask.
 *
 * With a bound the table is a cache of the segments' hint files: a shard that may not grow any more drops
 * slots whose key can be found in a hint. Invariant: a slot, if there is one, points to the key's newest
 * record.
 */

import type { Version } from '@minivault/clock'
import { SHARD_COUNT } from './limits.ts'

/** Word 0 of a slot is the fingerprint. */
export const SLOT_WORDS = 8
export const SLOT_SEGMENT = 1
export const SLOT_OFFSET = 2
export const SLOT_LENGTH = 3
export const SLOT_BALLOT = 4
export const SLOT_CACHE = 7

export const LENGTH_MASK = 0x07ffffff
/** The record is not of the user's space. */
export const OTHER_SPACE_BIT = 1 << 27
export const TOMBSTONE_BIT = 1 << 28
export const BLOB_BIT = 1 << 29
/** Durability level of the record, two bits. */
export const LEVEL_SHIFT = 30

const CAPACITY_MIN = 16
const TWO_POW_MINUS_32 = 1 / 4294967296

/** Says which slots a full shard may drop, and is told of each. */
export interface Evictor {
  /** `gently`: only what nobody is likely to ask for next. */
  mayEvict(shard: Int32Array, slot: number, gently: boolean): boolean
  evicted(shard: Int32Array, slot: number): void
}

export class Keydir {
  readonly shards: Int32Array[] = []
  /** Slots in use, by shard. */
  readonly counts = new Int32Array(SHARD_COUNT)
  /** Slots in use. */
  size = 0
  /** Rises whenever a key gets a slot or loses it, or slots are moved. */
  changes = 0
  evictor: Evictor | null = null
  readonly #capacityMax: number
  /** Where the next eviction of a shard begins. */
  readonly #hands = new Int32Array(SHARD_COUNT)

  /** `bytesMax` bounds the table as far as the evictor lets slots go. */
  constructor(bytesMax = Number.POSITIVE_INFINITY) {
    this.#capacityMax = Math.max(CAPACITY_MIN, Math.floor(bytesMax / (SHARD_COUNT * SLOT_WORDS * 4)))
    for (let i = 0; i < SHARD_COUNT; i++) this.shards.push(new Int32Array(CAPACITY_MIN * SLOT_WORDS))
  }

  get bytes(): number {
    let sum = 0
    for (const shard of this.shards) sum += shard.byteLength
    return sum
  }

  /** Word index of the home slot of this fingerprint. */
  static home(fingerprint: number, shard: Int32Array): number {
    const capacity = shard.length >>> 3
    return (((fingerprint >>> 0) * capacity * TWO_POW_MINUS_32) | 0) << 3
  }

  /** The slot that points at exactly this record, or -1. */
  findPosition(shardIndex: number, fingerprint: number, segment: number, offset: number): number {
    const shard = this.shards[shardIndex]!
    let slot = Keydir.home(fingerprint, shard)
    for (;;) {
      const slotSegment = shard[slot + SLOT_SEGMENT]!
      if (slotSegment === 0) return -1
      if (slotSegment === segment && shard[slot + SLOT_OFFSET] === offset && shard[slot] === fingerprint)
        return slot
      slot += SLOT_WORDS
      if (slot === shard.length) slot = 0
    }
  }

  /**
   * Points a slot to a record; `lengthWord` is its length with its flags. The slot may be new or point
   * elsewhere.
   */
  point(
    shardIndex: number,
    slot: number,
    segment: number,
    offset: number,
    lengthWord: number,
    ballot: Version,
  ): void {
    const shard = this.shards[shardIndex]!
    shard[slot + SLOT_SEGMENT] = segment
    shard[slot + SLOT_OFFSET] = offset
    shard[slot + SLOT_LENGTH] = lengthWord
    shard[slot + SLOT_BALLOT] = ballot.high
    shard[slot + SLOT_BALLOT + 1] = ballot.middle
    shard[slot + SLOT_BALLOT + 2] = ballot.low
  }

  /** Whether `insert` would neither evict nor pass the bound. */
  hasRoom(shardIndex: number): boolean {
    return (this.counts[shardIndex]! + 1) * 5 <= this.#capacityMax * 4
  }

  /**
   * Takes an empty slot for a fingerprint; the caller calls `point` at once. May replace `shards[shardIndex]`
   * and move its slots.
   */
  insert(shardIndex: number, fingerprint: number): number {
    let shard = this.shards[shardIndex]!
    if (isFull(shard, this.counts[shardIndex]! + 1)) {
      if (shard.length >= this.#capacityMax * SLOT_WORDS)
        this.#evict(shardIndex, (this.counts[shardIndex]! * 3) >>> 2)
      if (isFull(shard, this.counts[shardIndex]! + 1)) shard = this.#grow(shardIndex)
    }
    this.counts[shardIndex]! += 1
    this.size += 1
    this.changes += 1
    const slot = emptySlot(shard, fingerprint)
    shard[slot] = fingerprint
    return slot
  }

  /** Empties a slot and pulls later ones of its run back, so that no probe ever meets a hole. */
  remove(shardIndex: number, slot: number): void {
    const shard = this.shards[shardIndex]!
    this.counts[shardIndex]! -= 1
    this.size -= 1
    this.changes += 1
    let hole = slot
    let next = slot
    for (;;) {
      next += SLOT_WORDS
      if (next === shard.length) next = 0
      if (shard[next + SLOT_SEGMENT] === 0) break
      const home = Keydir.home(shard[next]!, shard)
      // The slot may move back unless its home lies cyclically behind the hole.
      const stays = hole < next ? home > hole && home <= next : home > hole || home <= next
      if (stays) continue
      shard.copyWithin(hole, next, next + SLOT_WORDS)
      hole = next
    }
    shard.fill(0, hole, hole + SLOT_WORDS)
  }

  /**
   * Brings a shard that had to grow past the bound back to it, as far as its slots may go by now. May replace
   * `shards[shardIndex]`.
   */
  trim(shardIndex: number): void {
    const shard = this.shards[shardIndex]!
    if (shard.length <= this.#capacityMax * SLOT_WORDS) return
    this.#evict(shardIndex, Math.floor(this.#capacityMax * 0.6))
    const capacity = Math.max(this.#capacityMax, Math.ceil(this.counts[shardIndex]! * 1.5))
    if (capacity * SLOT_WORDS < shard.length) this.#resize(shardIndex, capacity)
  }

  /** Drops slots, the unlikely ones first, until so many are left. */
  #evict(shardIndex: number, wanted: number): void {
    const { evictor } = this
    if (evictor === null) return
    const shard = this.shards[shardIndex]!
    for (const gently of [true, false]) {
      let slot = this.#hands[shardIndex]!
      for (let seen = shard.length; seen > 0 && this.counts[shardIndex]! > wanted; seen -= SLOT_WORDS) {
        // Removing pulls a later slot to this place: it is looked at next.
        while (shard[slot + SLOT_SEGMENT] !== 0 && evictor.mayEvict(shard, slot, gently)) {
          evictor.evicted(shard, slot)
          this.remove(shardIndex, slot)
        }
        slot += SLOT_WORDS
        if (slot === shard.length) slot = 0
      }
      this.#hands[shardIndex] = slot
    }
  }

  #grow(shardIndex: number): Int32Array {
    const places = this.shards[shardIndex]!.length >>> 3
    const grownPlaces = Math.ceil((places * 3) / 2)
    const capacity = places < this.#capacityMax ? Math.min(grownPlaces, this.#capacityMax) : grownPlaces
    return this.#resize(shardIndex, capacity)
  }

  #resize(shardIndex: number, capacity: number): Int32Array {
    const old = this.shards[shardIndex]!
    this.changes += 1
    this.#hands[shardIndex] = 0
    const grown = new Int32Array(capacity * SLOT_WORDS)
    for (let slot = 0; slot < old.length; slot += SLOT_WORDS) {
      if (old[slot + SLOT_SEGMENT] === 0) continue
      const target = emptySlot(grown, old[slot]!)
      for (let word = 0; word < SLOT_WORDS; word++) grown[target + word] = old[slot + word]!
    }
    this.shards[shardIndex] = grown
    return grown
  }
}

/** More than 80 % of a shard's places would be in use. */
function isFull(shard: Int32Array, count: number): boolean {
  return count * SLOT_WORDS * 5 > shard.length * 4
}

function emptySlot(shard: Int32Array, fingerprint: number): number {
  let slot = Keydir.home(fingerprint, shard)
  while (shard[slot + SLOT_SEGMENT] !== 0) {
    slot += SLOT_WORDS
    if (slot === shard.length) slot = 0
  }
  return slot
}
