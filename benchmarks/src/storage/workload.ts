/**
 * The keys and values of one row. Keys are `key:` and twelve digits. Values are random bytes (nobody's
 * compression gets a chance) out of a pool of 64, told apart by their first byte; `written` remembers which
 * of them each key was given last, so that everything read can be checked.
 */
import { createHash } from 'node:crypto'
import { shuffled } from '../shuffled.ts'

export const POOL_SIZE = 64

export interface WorkloadShape {
  readonly keyCount: number
  readonly valueBytes: number
  /** Reads and writes go to so many keys, scattered over all; to every key if left out. */
  readonly hotCount?: number
}

export function keyBytes(index: number): Buffer {
  return Buffer.from(`key:${String(index).padStart(12, '0')}`)
}

export function valuePool(valueBytes: number): Buffer[] {
  return Array.from({ length: POOL_SIZE }, (_, slot) => {
    const value = Buffer.alloc(valueBytes)
    for (let at = 0, part = 0; at < valueBytes; at += 64, part++) {
      createHash('sha512').update(`${slot} ${part}`).digest().copy(value, at)
    }
    value[0] = slot
    return value
  })
}

export class Workload {
  readonly shape: WorkloadShape
  readonly pool: readonly Buffer[]
  /** Which value of the pool each key was given last; before the first write, the one it is loaded with. */
  readonly written: Uint8Array
  readonly #order: Int32Array
  #random = 0x2545f491
  #turn = 0

  constructor(shape: WorkloadShape) {
    this.shape = shape
    this.pool = valuePool(shape.valueBytes)
    this.written = new Uint8Array(shape.keyCount).map((_, index) => index % POOL_SIZE)
    this.#order = shuffled(shape.keyCount).subarray(0, shape.hotCount ?? shape.keyCount)
  }

  /** A key, each as likely as any other. */
  next(): number {
    return this.#order[this.#draw() % this.#order.length]!
  }

  /**
   * A key out of the `part`th of so many equal parts: writes on their way at the same time take different
   * parts, so that it is certain which of two comes last.
   */
  nextOf(part: number, parts: number): number {
    const rows = (this.#order.length / parts) | 0
    return this.#order[(this.#draw() % rows) * parts + part]!
  }

  /** The value for the next write of that key; from now on it is what the key must hold. */
  nextValue(index: number): Buffer {
    const slot = (index + ++this.#turn) & (POOL_SIZE - 1)
    this.written[index] = slot
    return this.pool[slot]!
  }

  valueOf(index: number): Buffer {
    return this.pool[this.written[index]!]!
  }

  #draw(): number {
    let state = this.#random
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.#random = state
    return state >>> 1
  }
}
