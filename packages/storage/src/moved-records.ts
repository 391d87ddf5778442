/**
 * Where merge copied records to, in columns: a merge moves as many records as its sources hold, and an object
 * for each would be all the garbage a store makes.
 */

const WORDS = 7
const GROWTH = 2

export class MovedRecords {
  count = 0
  #words = new Int32Array(1024 * WORDS)

  add(
    shardIndex: number,
    fingerprint: number,
    lengthWord: number,
    segment: number,
    offset: number,
    newSegment: number,
    newOffset: number,
  ): void {
    const at = this.count * WORDS
    if (at === this.#words.length) {
      const grown = new Int32Array(at * GROWTH)
      grown.set(this.#words)
      this.#words = grown
    }
    const words = this.#words
    words[at] = shardIndex
    words[at + 1] = fingerprint
    words[at + 2] = lengthWord
    words[at + 3] = segment
    words[at + 4] = offset
    words[at + 5] = newSegment
    words[at + 6] = newOffset
    this.count += 1
  }

  shardIndex(row: number): number {
    return this.#words[row * WORDS]!
  }
  fingerprint(row: number): number {
    return this.#words[row * WORDS + 1]!
  }
  lengthWord(row: number): number {
    return this.#words[row * WORDS + 2]!
  }
  segment(row: number): number {
    return this.#words[row * WORDS + 3]!
  }
  offset(row: number): number {
    return this.#words[row * WORDS + 4]!
  }
  /** 0: it leaves. */
  newSegment(row: number): number {
    return this.#words[row * WORDS + 5]!
  }
  newOffset(row: number): number {
    return this.#words[row * WORDS + 6]!
  }
}
