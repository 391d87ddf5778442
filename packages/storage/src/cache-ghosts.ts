/**
 * Ghosts: what left the cache's small ring without a hit, remembered by fingerprint until about as much has
 * left after it as the main ring holds. A second read within that time says that the record is worth keeping.
 *
 * A hash table of buckets of four words, the newest first; a bucket that is full forgets its oldest.
 *
 *     word   20 bits of the mixed fingerprint · 12 bits of its age (0: none)
 *
 * Time is counted in bytes that left: sixteen ages are a main ring's worth. A wrong match (one in some
 * thousand, or after 4,096 ages) costs a place in the main ring, no more.
 */

const WAYS = 4
const AGES_MAX = 16
const AGE_MASK = 0xfff

export class Ghosts {
  readonly #words: Int32Array
  readonly #ageUnits: number
  #age = 1
  /** Units that have left since the age began. */
  #left = 0

  constructor(bytes: number, mainUnits: number) {
    this.#words = new Int32Array(2 ** Math.floor(Math.log2(Math.max(WAYS, bytes / 4))))
    this.#ageUnits = mainUnits / AGES_MAX
  }

  add(shardIndex: number, fingerprint: number, units: number): void {
    const words = this.#words
    this.#left += units
    if (this.#left > this.#ageUnits) {
      this.#left = 0
      this.#age = (this.#age + 1) & AGE_MASK
    }
    const print = mix(shardIndex, fingerprint)
    const bucket = print & (words.length - WAYS)
    for (let at = bucket + WAYS - 1; at > bucket; at--) words[at] = words[at - 1]!
    words[bucket] = (print & ~AGE_MASK) | this.#age
  }

  /** Whether it is remembered; it no longer is then. */
  take(shardIndex: number, fingerprint: number): boolean {
    const words = this.#words
    const print = mix(shardIndex, fingerprint)
    const bucket = print & (words.length - WAYS)
    for (let at = bucket; at < bucket + WAYS; at++) {
      const word = words[at]!
      if (word === 0 || ((word ^ print) & ~AGE_MASK) !== 0) continue
      words[at] = 0
      return ((this.#age - word) & AGE_MASK) < AGES_MAX
    }
    return false
  }
}

/** Its low bits choose the bucket, its high ones are compared. */
function mix(shardIndex: number, fingerprint: number): number {
  const mixed = Math.imul(fingerprint ^ Math.imul(shardIndex + 1, 0x85ebca6b), 0x9e3779b1)
  return mixed ^ (mixed >>> 15)
}
