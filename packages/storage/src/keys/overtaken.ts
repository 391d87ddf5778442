/**
 * Which records of a segment were overtaken by later ones of the same segment: a bit for each place where a
 * record may begin. Their keys need no entry in the segment's hint, and most of a log of hot keys is such.
 *
 * Only of the same segment: a segment is sealed as a whole, so what overtook them is as durable as they are.
 */

/** Records begin at multiples of 8. */
const STEP_SHIFT = 3
const BITS_MIN = 1 << 12

export class Overtaken {
  #bits = new Uint32Array(BITS_MIN >>> 5)

  /** The record at this offset of the segment was overtaken. */
  add(offset: number): void {
    const bit = offset >>> STEP_SHIFT
    if (bit >>> 5 >= this.#bits.length) this.#grow(bit)
    this.#bits[bit >>> 5]! |= 1 << (bit & 31)
  }

  has(offset: number): boolean {
    const bit = offset >>> STEP_SHIFT
    const word = bit >>> 5
    return word < this.#bits.length && (this.#bits[word]! & (1 << (bit & 31))) !== 0
  }

  get memoryBytes(): number {
    return this.#bits.byteLength
  }

  #grow(bit: number): void {
    const grown = new Uint32Array(Math.max((bit >>> 5) + 1, this.#bits.length * 2))
    grown.set(this.#bits)
    this.#bits = grown
  }
}
