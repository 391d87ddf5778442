/**
 * Randomness that can be repeated. What belongs to one message, one sync or one start is hashed from its name
 * (`mix`) instead of taken from a stream, so that taking an item out of a plan leaves the luck of the others
 * as it was.
 */

/** 32 unsigned bits of up to four numbers. */
export function mix(a: number, b = 0, c = 0, d = 0): number {
  let hash = 0x811c9dc5
  hash = stir(hash, a)
  hash = stir(hash, b)
  hash = stir(hash, c)
  hash = stir(hash, d)
  return (hash ^ (hash >>> 15)) >>> 0
}

function stir(hash: number, word: number): number {
  const multiplied = Math.imul(hash ^ word, 0x01000193)
  return Math.imul(multiplied ^ (multiplied >>> 13), 0x5bd1e995)
}

/** 0 ≤ x < 1. */
export function unit(a: number, b = 0, c = 0, d = 0): number {
  return finish(mix(a, b, c, d)) / 0x1_0000_0000
}

function finish(hash: number): number {
  const first = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35)
  return (second ^ (second >>> 16)) >>> 0
}

/** A stream of its own. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** 0 ≤ x < 1. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0
    return finish(this.#state >>> 0) / 0x1_0000_0000
  }

  /** 0 ≤ n < count, whole. */
  below(count: number): number {
    return Math.floor(this.next() * count)
  }

  chance(share: number): boolean {
    return this.next() < share
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }
}
