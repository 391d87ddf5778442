/**
 * L1: records that were read from disk, kept off the JS heap and bounded by bytes. (What was written lately
 * is in the log's window already and is read from there; it never enters this cache.)
 *
 * S3-FIFO (Yang et al., SOSP 2023) on two rings of bytes. A record enters the small ring. When it is the
 * oldest there it moves to the main ring if it was hit meanwhile; else it leaves, and its fingerprint is
 * remembered for a while (the ghosts): a record that comes back by then goes to the main ring at once. In the
 * main ring the oldest goes round again while it has hits left. So a sweep over all keys passes through a
 * tenth of the cache, a hit is one store, and no operation makes garbage or walks a list.
 *
 *     ┌────────────┬───────────────────────────┐  addressed in units of 8 bytes; the memory is in pieces
 *     │ small ring │ main ring                 │  of at most 1 GiB, touched only as a ring gets there
 *     └────────────┴───────────────────────────┘
 *     entry  length 22 bits, hits 2, shard 8 · fingerprint (two int32) · the record, padded to 8 bytes
 *            a first word of 0 instead: go on behind the end of the piece or ring
 *
 * Invariant: a slot's cache word names an entry with its shard and fingerprint that holds the slot's record.
 * An entry that no slot names is dead; its room comes back when it is its ring's oldest. In a full ring the
 * next entry goes where the oldest is: going round again is no copy, or a move by a few bytes. An
 * insertion moves a bounded number of bytes; behind that, hits no longer count.
 */

import { Ghosts } from './cache-ghosts.ts'
import { PIECE_MASK, PIECE_SHIFT, PIECE_UNITS, Ring } from './cache-ring.ts'
import { Keydir, SLOT_CACHE, SLOT_SEGMENT, SLOT_WORDS } from './keydir.ts'
import { CACHE_MOVE_BYTES_MAX } from './limits.ts'

export const ENTRY_HEADER_BYTES = 8
const LENGTH_BITS = 22
const LENGTH_MASK = (1 << LENGTH_BITS) - 1
const HIT = 1 << LENGTH_BITS
const HITS_MASK = 3 << LENGTH_BITS
const SHARD_SHIFT = 24
/** References are int32. */
const UNITS_MAX = 0x7ffffffe
const SMALL_SHARE = 10
const ENTRY_SHARE_MAX = 32
/** Charged for each move on top of its bytes. */
const MOVE_UNITS = 32
const GHOST_SHARE = 128

export class Cache {
  readonly limitBytes: number
  /** Where the entry last looked up, or put, lies: the record starts at `bytes[at]`. */
  bytes: Uint8Array = new Uint8Array(0)
  at = 0
  /** Entries that some slot names. */
  items = 0

  readonly #keydir: Keydir
  readonly #pieces: Uint8Array[] = []
  readonly #words: Int32Array[] = []
  readonly #small: Ring
  readonly #main: Ring
  readonly #entryUnitsMax: number
  readonly #ghosts: Ghosts
  #reserved: Ring
  /** Units that the running `reserve` may still move. */
  #patience = 0

  constructor(limitBytes: number, keydir: Keydir) {
    this.limitBytes = limitBytes
    this.#keydir = keydir
    const ghostBytes = Math.floor(limitBytes / GHOST_SHARE)
    const units = Math.min(UNITS_MAX, Math.floor((limitBytes - ghostBytes) / 8))
    for (let unit = 0; unit < units; unit += PIECE_UNITS) {
      const piece = new Uint8Array(Math.min(PIECE_UNITS, units - unit) * 8)
      this.#pieces.push(piece)
      this.#words.push(new Int32Array(piece.buffer))
    }
    const smallUnits = Math.floor(units / SMALL_SHARE)
    this.#small = new Ring(0, smallUnits)
    this.#main = new Ring(smallUnits, units)
    this.#reserved = this.#small
    this.#ghosts = new Ghosts(ghostBytes, this.#main.size)
    this.#entryUnitsMax = Math.min(Math.floor(units / ENTRY_SHARE_MAX), LENGTH_MASK >>> 3)
  }

  /** Bytes of the entries that some slot names, with headers and padding. */
  get usedBytes(): number {
    return (this.#small.used + this.#main.used) * 8
  }

  /** Points `bytes` and `at` to the record of an entry and counts the hit. */
  use(reference: number): void {
    const unit = reference - 1
    const piece = unit >>> PIECE_SHIFT
    const at = unit & PIECE_MASK
    const words = this.#words[piece]!
    const head = words[at * 2]!
    if ((head & HITS_MASK) !== HITS_MASK) words[at * 2] = head + HIT
    this.bytes = this.#pieces[piece]!
    this.at = at * 8 + ENTRY_HEADER_BYTES
  }

  /**
   * Makes room for a record, at `bytes` and `at`; the 8 bytes before it may be written to as well, until
   * `commit`. False when it is too large for this cache.
   */
  reserve(shardIndex: number, slot: number, length: number): boolean {
    const units = entryUnits(length)
    if (units > this.#entryUnitsMax) return false
    const fingerprint = this.#keydir.shards[shardIndex]![slot]!
    const ring = this.#ghosts.take(shardIndex, fingerprint) ? this.#main : this.#small
    this.#patience = CACHE_MOVE_BYTES_MAX / 8
    this.#makeRoom(ring, units)
    this.#reserved = ring
    this.bytes = this.#pieces[ring.head >>> PIECE_SHIFT]!
    this.at = (ring.head & PIECE_MASK) * 8 + ENTRY_HEADER_BYTES
    return true
  }

  /** The record is in the room that was reserved last: names it in its slot. */
  commit(shardIndex: number, slot: number, length: number): void {
    const ring = this.#reserved
    const shard = this.#keydir.shards[shardIndex]!
    const units = entryUnits(length)
    const unit = ring.head
    const words = this.#words[unit >>> PIECE_SHIFT]!
    const word = (unit & PIECE_MASK) * 2
    words[word] = length | (shardIndex << SHARD_SHIFT)
    words[word + 1] = shard[slot]!
    shard[slot + SLOT_CACHE] = unit + 1
    ring.take(units)
    ring.used += units
    this.items += 1
  }

  /** Copies a record in and names it in its slot. False when it is too large for this cache. */
  put(shardIndex: number, slot: number, record: Uint8Array): boolean {
    if (!this.reserve(shardIndex, slot, record.length)) return false
    this.bytes.set(record, this.at)
    this.commit(shardIndex, slot, record.length)
    return true
  }

  /** The slot no longer names this entry. The caller clears or overwrites the slot's cache word. */
  forget(reference: number): void {
    const unit = reference - 1
    const head = this.#words[unit >>> PIECE_SHIFT]![(unit & PIECE_MASK) * 2]!
    const ring = unit < this.#small.end ? this.#small : this.#main
    ring.used -= entryUnits(head & LENGTH_MASK)
    this.items -= 1
  }

  /** Until `units` are free at the ring's head in one piece. */
  #makeRoom(ring: Ring, units: number): void {
    for (;;) {
      const left = ring.left(ring.head)
      if (ring.free < Math.min(units, left)) this.#turn(ring)
      else if (units <= left) return
      else {
        this.#words[ring.head >>> PIECE_SHIFT]![(ring.head & PIECE_MASK) * 2] = 0
        ring.take(left)
      }
    }
  }

  /** The ring's oldest entry leaves it, or goes round again. */
  #turn(ring: Ring): void {
    const unit = ring.oldest
    const words = this.#words[unit >>> PIECE_SHIFT]!
    const word = (unit & PIECE_MASK) * 2
    const head = words[word]!
    if (head === 0) return ring.release(ring.left(unit))
    const units = entryUnits(head & LENGTH_MASK)
    const shardIndex = head >>> SHARD_SHIFT
    const fingerprint = words[word + 1]!
    const shard = this.#keydir.shards[shardIndex]!
    const slot = slotNaming(shard, fingerprint, unit + 1)
    if (slot < 0) return ring.release(units)
    ring.used -= units
    const hits = head & HITS_MASK
    const next = this.#nextRing(ring, hits)
    if (next === null) {
      if (ring === this.#small) this.#ghosts.add(shardIndex, fingerprint, units)
      ring.release(units)
      shard[slot + SLOT_CACHE] = 0
      this.items -= 1
      return
    }
    if (next !== ring) {
      words[word] = head ^ hits
      this.#makeRoom(next, units)
      ring.release(units)
    } else {
      if (hits > 0) words[word] = head - HIT
      // What is free now is less than what is left up to the end, so the entry fits where it goes.
      ring.release(units)
    }
    this.#move(next, unit, units, shard, slot)
  }

  /** Where a ring's oldest entry goes on living, or null. */
  #nextRing(ring: Ring, hits: number): Ring | null {
    const main = this.#main
    if (ring !== main && (hits > 0 || main.isSparse)) return main
    return this.#patience > 0 && (hits > 0 || ring.isSparse) ? ring : null
  }

  /** To the head of a ring that has room for it there. */
  #move(ring: Ring, unit: number, units: number, shard: Int32Array, slot: number): void {
    const to = ring.head
    if (to !== unit) {
      const source = this.#pieces[unit >>> PIECE_SHIFT]!
      const target = this.#pieces[to >>> PIECE_SHIFT]!
      const at = (unit & PIECE_MASK) * 8
      if (source === target) target.copyWithin((to & PIECE_MASK) * 8, at, at + units * 8)
      else target.set(source.subarray(at, at + units * 8), (to & PIECE_MASK) * 8)
      shard[slot + SLOT_CACHE] = to + 1
    }
    ring.take(units)
    ring.used += units
    this.#patience -= units + MOVE_UNITS
  }
}

/** The slot with this cache word, or -1. */
function slotNaming(shard: Int32Array, fingerprint: number, reference: number): number {
  let slot = Keydir.home(fingerprint, shard)
  while (shard[slot + SLOT_SEGMENT] !== 0) {
    if (shard[slot + SLOT_CACHE] === reference && shard[slot] === fingerprint) return slot
    slot += SLOT_WORDS
    if (slot === shard.length) slot = 0
  }
  return -1
}

function entryUnits(payloadBytes: number): number {
  return (ENTRY_HEADER_BYTES + payloadBytes + 7) >>> 3
}
