/**
 * Is a key perhaps in a segment? A split-block Bloom filter (Putze, Sanders and Singler 2007, in the form of
 * Apache Parquet): each key sets one bit in each of the eight words of one 256-bit block, so a probe touches
 * one cache line and a fill never more.
 *
 *     block = floor(high × blocks / 2^32)        bit in word i = (fingerprint × SALT[i]) >>> 27
 *
 * `high` is the upper half of the key's hash, `fingerprint` the lower one with the space mixed in, as the
 * keydir has it. Ten to eleven bits a key give about one false answer in a hundred.
 */

const BITS_A_KEY = 10.5
const BLOCK_WORDS = 8
const BLOCK_BITS = 256
const TWO_POW_MINUS_32 = 1 / 4294967296

/** Odd constants, those of Parquet. */
const SALT_0 = 0x47b6137b
const SALT_1 = 0x44974d91
const SALT_2 = 0x8824ad5b
const SALT_3 = 0xa2b7289d
const SALT_4 = 0x705495c7
const SALT_5 = 0x2df1424b
const SALT_6 = 0x9efc4947
const SALT_7 = 0x5c6bfb31

export class Bloom {
  /** Little-endian in the file, and in memory on every machine that Node runs on. */
  readonly words: Int32Array
  readonly #blocks: number

  /** Over words that a filter of this class had. */
  constructor(words: Int32Array) {
    this.words = words
    this.#blocks = words.length / BLOCK_WORDS
  }

  static sized(keyCount: number): Bloom {
    const blocks = Math.max(1, Math.ceil((keyCount * BITS_A_KEY) / BLOCK_BITS))
    return new Bloom(new Int32Array(blocks * BLOCK_WORDS))
  }

  add(high: number, fingerprint: number): void {
    const { words } = this
    const at = this.#blockAt(high)
    words[at]! |= 1 << (Math.imul(fingerprint, SALT_0) >>> 27)
    words[at + 1]! |= 1 << (Math.imul(fingerprint, SALT_1) >>> 27)
    words[at + 2]! |= 1 << (Math.imul(fingerprint, SALT_2) >>> 27)
    words[at + 3]! |= 1 << (Math.imul(fingerprint, SALT_3) >>> 27)
    words[at + 4]! |= 1 << (Math.imul(fingerprint, SALT_4) >>> 27)
    words[at + 5]! |= 1 << (Math.imul(fingerprint, SALT_5) >>> 27)
    words[at + 6]! |= 1 << (Math.imul(fingerprint, SALT_6) >>> 27)
    words[at + 7]! |= 1 << (Math.imul(fingerprint, SALT_7) >>> 27)
  }

  /** False: certainly not added. */
  mayHave(high: number, fingerprint: number): boolean {
    const { words } = this
    const at = this.#blockAt(high)
    return (
      ((words[at]! >>> (Math.imul(fingerprint, SALT_0) >>> 27)) & 1) !== 0 &&
      ((words[at + 1]! >>> (Math.imul(fingerprint, SALT_1) >>> 27)) & 1) !== 0 &&
      ((words[at + 2]! >>> (Math.imul(fingerprint, SALT_2) >>> 27)) & 1) !== 0 &&
      ((words[at + 3]! >>> (Math.imul(fingerprint, SALT_3) >>> 27)) & 1) !== 0 &&
      ((words[at + 4]! >>> (Math.imul(fingerprint, SALT_4) >>> 27)) & 1) !== 0 &&
      ((words[at + 5]! >>> (Math.imul(fingerprint, SALT_5) >>> 27)) & 1) !== 0 &&
      ((words[at + 6]! >>> (Math.imul(fingerprint, SALT_6) >>> 27)) & 1) !== 0 &&
      ((words[at + 7]! >>> (Math.imul(fingerprint, SALT_7) >>> 27)) & 1) !== 0
    )
  }

  #blockAt(high: number): number {
    return (((high >>> 0) * this.#blocks * TWO_POW_MINUS_32) | 0) << 3
  }
}
