/**
 * What a replica holds, in short: two replicas with the same digest of a leaf hold the same records in it. A
 * partition has 256 leaves by its keys' hashes. The digest of a leaf is the XOR of a 64-bit hash of (key,
 * ballot) over its records, tombstones too; that of a partition is the XOR of its leaves. A record that takes
 * the place of another changes both in a few operations.
 */
import type { Version } from '@minivault/clock'
import type { Key } from './ports.ts'
import type { Placed } from './record.ts'

export const LEAVES = 256
/** A digest is two words. */
const WORDS = 2
const ROOT = LEAVES * WORDS

export class Trees {
  /** Leaves of a partition, and behind them its root. */
  readonly #partitions = new Map<number, Int32Array>()
  readonly #digest = new Int32Array(WORDS)

  replace(key: Key, before: Placed | null, after: Placed | null): void {
    const words = this.#wordsOf(key.partition)
    if (before !== null) this.#toggle(words, key, before.ballot)
    if (after !== null) this.#toggle(words, key, after.ballot)
  }

  /** A copy: leaf by leaf two words, then the root. */
  digests(partition: number): Int32Array {
    return this.#wordsOf(partition).slice()
  }

  /** The digest of a partition, into two words from `at` on. */
  rootInto(roots: Int32Array, at: number, partition: number): void {
    const words = this.#wordsOf(partition)
    roots[at] = words[ROOT]!
    roots[at + 1] = words[ROOT + 1]!
  }

  /** The leaves in which these digests differ from ours. */
  differing(partition: number, digests: Int32Array): number[] {
    const words = this.#wordsOf(partition)
    const leaves: number[] = []
    for (let leaf = 0; leaf < LEAVES; leaf++) {
      const at = leaf * WORDS
      if (words[at] !== digests[at] || words[at + 1] !== digests[at + 1]) leaves.push(leaf)
    }
    return leaves
  }

  hasRoot(partition: number, digests: Int32Array): boolean {
    const words = this.#wordsOf(partition)
    return words[ROOT] === digests.at(-2) && words[ROOT + 1] === digests.at(-1)
  }

  /** Those of which something is held. */
  partitions(): number[] {
    return [...this.#partitions.keys()].filter((partition) => {
      return this.#wordsOf(partition).some((word) => word !== 0)
    })
  }

  /** Nothing of it is held any more. */
  drop(partition: number): void {
    this.#partitions.delete(partition)
  }

  #wordsOf(partition: number): Int32Array {
    let words = this.#partitions.get(partition)
    if (words === undefined) {
      words = new Int32Array((LEAVES + 1) * WORDS)
      this.#partitions.set(partition, words)
    }
    return words
  }

  #toggle(words: Int32Array, key: Key, ballot: Version): void {
    const digest = this.#digest
    digestInto(digest, key, ballot)
    xorInto(words, key.leaf * WORDS, digest)
    xorInto(words, ROOT, digest)
  }
}

/** Of digests as they are sent: nothing is held there. */
export function isEmptyLeaf(digests: Int32Array, leaf: number): boolean {
  return digests[leaf * WORDS] === 0 && digests[leaf * WORDS + 1] === 0
}

function xorInto(words: Int32Array, at: number, digest: Int32Array): void {
  words[at]! ^= digest[0]!
  words[at + 1]! ^= digest[1]!
}

/** Of one record. Every bit of it depends on every bit of the key's hash and of the ballot. */
export function digestInto(into: Int32Array, { high, low }: Key, ballot: Version): void {
  let one = Math.imul(high ^ 0x2545f491, 0x85ebca6b)
  let other = Math.imul(low ^ 0x4f6cdd1d, 0xc2b2ae35)
  for (let index = 0; index < 3; index++) {
    const word = index === 0 ? ballot.high : index === 1 ? ballot.middle : ballot.low
    one = Math.imul(one ^ (one >>> 15) ^ word, 0x27d4eb2f) + other
    other = Math.imul(other ^ (other >>> 13) ^ Math.imul(word, 0x9e3779b1), 0x165667b1) ^ one
  }
  one = Math.imul(one ^ (one >>> 16), 0x85ebca6b)
  other = Math.imul(other ^ (other >>> 15), 0xc2b2ae35)
  into[0] = one ^ (one >>> 13) ^ other
  into[1] = other ^ (other >>> 16)
}
