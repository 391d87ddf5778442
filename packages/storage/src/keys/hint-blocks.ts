/**
 * The blocks of hint files read last, so that a search which had to wait for one finds it when it is tried
 * again, and neighbouring keys cost one read.
 */

import { HintBlock } from '../hint/hint-block.ts'
import type { HintFile } from '../hint/hint-file.ts'
import { HINT_BLOCKS_KEPT } from '../limits.ts'

export class HintBlocks {
  readonly #files: (HintFile | null)[] = new Array(HINT_BLOCKS_KEPT).fill(null)
  readonly #numbers = new Int32Array(HINT_BLOCKS_KEPT)
  readonly #blocks: HintBlock[] = []
  #next = 0

  get(file: HintFile, number: number): HintBlock | null {
    for (let i = 0; i < HINT_BLOCKS_KEPT; i++) {
      if (this.#numbers[i] === number && this.#files[i] === file) return this.#blocks[i]!
    }
    return null
  }

  /** Reads it at once. Throws HintDamaged. */
  readSync(file: HintFile, number: number): HintBlock {
    const place = this.#next
    const block = this.#blocks[place] ?? new HintBlock()
    this.#files[place] = null
    file.readBlockSync(number, block)
    this.#keep(file, number, block)
    return block
  }

  /** Reads it without holding up the loop; `done` is called later. */
  read(file: HintFile, number: number, done: (error: unknown) => void): void {
    file.readBlock(number, (error, block) => {
      if (block !== null) this.#keep(file, number, block)
      done(error)
    })
  }

  forget(file: HintFile): void {
    for (let i = 0; i < HINT_BLOCKS_KEPT; i++) if (this.#files[i] === file) this.#files[i] = null
  }

  #keep(file: HintFile, number: number, block: HintBlock): void {
    this.#files[this.#next] = file
    this.#numbers[this.#next] = number
    this.#blocks[this.#next] = block
    this.#next = (this.#next + 1) % HINT_BLOCKS_KEPT
  }
}
