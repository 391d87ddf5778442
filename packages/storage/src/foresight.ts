/**
 * Lets several lookups wait for memory together. A lookup reads a slot of the keydir and then the record it
 * points to, two places at random in memory larger than the processor's caches; one after another, their
 * waits add up to a third of a GET. Whoever has several requests at hand names their keys first: their slots
 * are read in a row, then their records, and the processor has many of these reads under way at once.
 */

import type { KeyHash } from '@minivault/codec'
import { Keydir, SLOT_OFFSET, SLOT_SEGMENT, SLOT_WORDS } from './keydir.ts'
import { FORESEEN_MAX } from './limits.ts'
import type { Lookup } from './lookup.ts'

/** Slots looked at for one key; longer searches are rare, and cheap once they are there. */
const PROBES_MAX = 8
const CACHE_LINE_BYTES = 64

/** Hashes of keys of the user's space that are about to be asked for. */
export class Foresight {
  count = 0
  readonly high = new Int32Array(FORESEEN_MAX)
  readonly low = new Int32Array(FORESEEN_MAX)
  readonly #slots = new Int32Array(FORESEEN_MAX)
  /** What was read, so that the compiler does not take the reads for useless. */
  sum = 0

  get isFull(): boolean {
    return this.count === FORESEEN_MAX
  }

  add(hash: KeyHash): void {
    this.high[this.count] = hash.high
    this.low[this.count] = hash.low
    this.count += 1
  }

  /** Reads what lookups of these keys will read. Finds nothing out, and changes nothing. */
  touch(lookup: Lookup): void {
    const { count, high, low } = this
    const slots = this.#slots
    const { shards } = lookup.keydir
    let sum = 0
    for (let i = 0; i < count; i++) {
      const shard = shards[high[i]! >>> 24]!
      const slot = Keydir.home(low[i]!, shard)
      slots[i] = slot
      sum ^= shard[slot]!
    }
    for (let i = 0; i < count; i++) {
      const shard = shards[high[i]! >>> 24]!
      const fingerprint = low[i]!
      let slot = slots[i]!
      for (let probes = 0; probes < PROBES_MAX && shard[slot] !== fingerprint; probes++) {
        slot += SLOT_WORDS
        if (slot === shard.length) slot = 0
      }
      const at = lookup.log.windowOffset(shard[slot + SLOT_SEGMENT]!, shard[slot + SLOT_OFFSET]!)
      if (at < 0) continue
      const { window } = lookup.log
      sum ^= window[at]! ^ window[at + CACHE_LINE_BYTES]!
    }
    this.sum = sum
  }
}
