/**
 * The port between scans and the engine: a view is all that was in the store at one moment, in order, for as
 * long as it is held. A scan asks for no more than this.
 */

import type { KeyRange } from '../hint/entry-list.ts'
import type { HintDamaged } from '../hint/hint-block.ts'
import type { KeyCursor } from '../hint/key-cursor.ts'
import type { KeyEntry } from '../hint/key-entry.ts'
import type { Entry } from '../reads.ts'

/** Its bytes are its receiver's own. With `keysOnly` the value is empty. */
export interface ScanEntry extends Entry {
  key: Uint8Array
  /** Bytes of a value that was left in its file (`leaveFiles`): `value` is empty. */
  leftBytes?: number
}

export interface ScanView {
  /** The newest entry of each key in the range, tombstones and expired ones too. May throw HintDamaged. */
  cursor(range: KeyRange): KeyCursor
  isExpired(expiresAtMs: number): boolean
  /** The record has the durability it was written for. */
  mayShow(entry: KeyEntry): boolean
  /**
   * What the entry stands for; a promise where the disk is needed, or the record may not be shown yet. Null:
   * it has expired meanwhile. Uses `entry` only during the call. With `leavesFile` a value in a file of its
   * own stays there.
   */
  read(entry: KeyEntry, leavesFile: boolean): ScanEntry | null | Promise<ScanEntry | null>
  /** Makes a damaged hint anew; cursors opened after that see what the view is to show. */
  repair(damage: HintDamaged): Promise<void>
  /** Lets go of all it holds. Called once. */
  release(): void
}

export interface ScanSource {
  view(): ScanView
}
