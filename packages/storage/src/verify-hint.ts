/**
 * Holds a hint file against its segment: every block must pass its checksum, every entry must lead to the
 * record it stands for, and every key of the segment must be one that the hint knows. What a missing hint
 * says is made anew from the segment, so that is nothing bad.
 */

import { join } from 'node:path'
import { compareVersions } from '@minivault/clock'
import type { KeyHash } from '@minivault/codec'
import type { FileSystem, SegmentInfo } from '@minivault/wal'
import type { Engine } from './engine.ts'
import { LAYOUT_HASH } from './folder.ts'
import { HintBlock } from './hint/hint-block.ts'
import { HintFile } from './hint/hint-file.ts'
import { hintName } from './hint/hint-format.ts'
import { KeyEntry } from './hint/key-entry.ts'
import { LENGTH_MASK } from './keydir.ts'
import { HINT_BLOCKS_A_TURN } from './limits.ts'
import { RecordView, recordHasKey } from './record.ts'

export class HintCheck {
  readonly #engine: Engine
  readonly #segment: number
  readonly #path: string
  readonly #hint: HintFile | null
  readonly #bad: (path: string, offset: number, reason: string) => void
  readonly #entry = new KeyEntry()
  readonly #view = new RecordView()
  #record = new Uint8Array(4096)
  #misses = 0

  constructor(
    engine: Engine,
    fileSystem: FileSystem,
    directory: string,
    { id, seed, bytes }: SegmentInfo,
    bad: (path: string, offset: number, reason: string) => void,
  ) {
    this.#engine = engine
    this.#segment = id
    this.#bad = bad
    const path = join(directory, hintName(id))
    this.#path = path
    const isThere = fileSystem.exists(path)
    this.#hint = isThere
      ? HintFile.open(fileSystem, path, { number: id, seed, bytes, layoutHash: LAYOUT_HASH })
      : null
    if (isThere && this.#hint === null) bad(path, 0, 'the file is damaged, or belongs to another segment')
  }

  /** Each record of the segment comes by here. */
  takeKey(space: number, hash: KeyHash, offset: number): void {
    if (this.#hint === null || this.#hint.mayHave(space, hash)) return
    if (this.#misses++ > 0) return
    this.#bad(this.#path, 0, `the key of the record at ${offset} of the segment is unknown to it`)
  }

  /** When the segment has been read; `isSegmentGood`: nothing in it was bad. */
  async run(turn: () => Promise<void>, isSegmentGood: boolean): Promise<void> {
    const hint = this.#hint
    if (hint === null) return
    const block = new HintBlock()
    for (let number = 0; number < hint.blockCount; number++) {
      if (number % HINT_BLOCKS_A_TURN === HINT_BLOCKS_A_TURN - 1) await turn()
      const position = hint.positionOf(number)
      try {
        hint.readBlockSync(number, block)
      } catch (error) {
        this.#bad(this.#path, position, (error as Error).message)
        continue
      }
      for (let i = 0; i < block.list.count; i++) {
        block.list.read(i, this.#segment, this.#entry)
        if (this.#leads(this.#entry, !isSegmentGood)) continue
        const { start } = this.#entry
        this.#bad(this.#path, position + start, 'the entry does not lead to its record')
      }
    }
  }

  close(): void {
    this.#hint?.close()
  }

  /** To its record, or, where that `mayBeBad`, to what cannot be read. */
  #leads(entry: KeyEntry, mayBeBad: boolean): boolean {
    const { space, bytes, keyStart, keyEnd, offset, lengthWord, ballot } = entry
    const length = lengthWord & LENGTH_MASK
    if (this.#record.length < length) this.#record = new Uint8Array(length * 2)
    const record = this.#record
    try {
      this.#engine.log.readSync(this.#segment, offset, length, record, 0)
    } catch {
      return mayBeBad
    }
    const view = this.#view
    if (!view.read(record, 0, length) || !recordHasKey(record, 0, space, bytes, keyStart, keyEnd))
      return false
    return compareVersions(view.ballot, ballot) === 0
  }
}
