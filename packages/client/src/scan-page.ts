/*
 * A page of a scan, whatever way it came.
 */

import type { ScanEntry } from './options.ts'

export interface Listed {
  entry: ScanEntry
  /** its value did not come with the page */
  isBare: boolean
}

export interface Page {
  listed: Listed[]
  /** where the next page begins; null: there is none */
  cursor: Uint8Array | null
}
