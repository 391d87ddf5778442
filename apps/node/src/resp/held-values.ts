/**
 * The bytes of values that one command has read into memory. What is small is not counted; of large ones all
 * connections together may hold so many.
 */
import { ProtocolError } from '@minivault/protocol'
import type { HeldBytes } from '../door/held-bytes.ts'
import { HELD_FREE_BYTES } from '../limits.ts'

export class HeldValues {
  readonly #held: HeldBytes
  #bytes = 0
  #counted = 0

  constructor(held: HeldBytes) {
    this.#held = held
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Throws OVERLOADED where there is no room for so many more. */
  take(bytes: number): void {
    const above = Math.max(0, this.#bytes + bytes - HELD_FREE_BYTES) - this.#counted
    if (above > 0 && !this.#held.take(above)) {
      throw new ProtocolError('OVERLOADED', 'there is no room for the values of this command')
    }
    this.#bytes += bytes
    if (above > 0) this.#counted += above
  }

  release(): void {
    this.#held.give(this.#counted)
    this.#bytes = 0
    this.#counted = 0
  }
}
