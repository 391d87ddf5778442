/**
 * What is known of the keys of one segment: sorted runs in memory while its hint file is not written, the
 * hint file from then on.
 *
 * A segment is *cold* when some of its records that are their keys' newest may have no slot in the keydir: a
 * key without a slot is then looked for here.
 */

import { Version } from '@minivault/clock'
import type { HintFile } from '../hint/hint-file.ts'
import type { KeyRun } from '../hint/key-run.ts'
import type { Overtaken } from './overtaken.ts'

export class SegmentKeys {
  readonly number: number
  /** Set when it is sealed: what binds the hint file to the segment. */
  seed = 0
  bytes = 0
  runs: KeyRun[] = []
  /** Entries of the runs that the hint can do without. */
  overtaken: Overtaken | null = null
  hint: HintFile | null = null
  isCold = false
  /** A slot that pointed here was dropped. */
  hasEvicted = false
  /** Ages of its records: see docs/DATA_FILE.md, "Notes on segments". */
  ageMin: number
  ageMax: number
  /** Of the user's space. */
  readonly highestBallot = new Version()

  constructor(number: number) {
    this.number = number
    this.ageMin = number
    this.ageMax = number
  }

  get memoryBytes(): number {
    const own = (this.hint?.memoryBytes ?? 0) + (this.overtaken?.memoryBytes ?? 0)
    return this.runs.reduce((sum, run) => sum + run.memoryBytes, own)
  }

  get entryCount(): number {
    return this.runs.reduce((sum, run) => sum + run.count, this.hint?.header.entries ?? 0)
  }
}

/** The sorted lists of a segment. They stay as they are while the segment is pinned. */
export type KeyLists = Readonly<Pick<SegmentKeys, 'hint' | 'runs'>> & { segment: number }
