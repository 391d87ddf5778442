/**
 * Goes through the newest records of a range of keys, in their order, as the hints and runs know them.
 * Synchronous; nothing may be written before it is through.
 */

import { copyBytes } from '@minivault/codec'
import type { KeyRange } from '../hint/entry-list.ts'
import { HintDamaged } from '../hint/hint-block.ts'
import { MergedCursor } from '../hint/key-cursor.ts'
import type { KeyEntry } from '../hint/key-entry.ts'
import type { KeyIndex } from './key-index.ts'

export class KeyWalk {
  readonly #keys: KeyIndex
  readonly #range: KeyRange
  #cursor: MergedCursor
  /** The key handed out last: where to go on when a hint turns out to be damaged. */
  #last = new Uint8Array(64)
  #lastBytes = 0
  #lastSpace = 0

  constructor(keys: KeyIndex, range: KeyRange = {}) {
    this.#keys = keys
    this.#range = range
    this.#cursor = new MergedCursor(keys.cursors(range).cursors)
  }

  /** Valid until the next call; null: that was all. */
  next(): KeyEntry | null {
    for (;;) {
      try {
        if (!this.#cursor.next()) return null
      } catch (error) {
        if (!(error instanceof HintDamaged)) throw error
        this.#goOnWithout(error)
        continue
      }
      const { entry } = this.#cursor
      this.#keepLast(entry)
      return entry
    }
  }

  #keepLast({ space, bytes, keyStart, keyEnd }: KeyEntry): void {
    const length = keyEnd - keyStart
    if (this.#last.length < length) this.#last = new Uint8Array(length * 2)
    copyBytes(bytes, keyStart, keyEnd, this.#last, 0)
    this.#lastBytes = length
    this.#lastSpace = space
  }

  /** The hint's segment is read instead. */
  #goOnWithout(damage: HintDamaged): void {
    this.#cursor.close()
    this.#keys.repair(damage)
    const key = this.#last.subarray(0, this.#lastBytes)
    const from = { space: this.#lastSpace, key, isInclusive: false }
    const range = this.#lastBytes === 0 ? this.#range : { ...this.#range, from }
    this.#cursor = new MergedCursor(this.#keys.cursors(range).cursors)
  }
}
