/**
 * `bytes[start, end)`: what `spareBytes` asked for, right behind the log's window and in one array with it.
 * It stays the caller's, also where a full disk has made the store begin anew with another window; only the
 * copies are dearer then.
 */

import type { Log } from '@minivault/wal'

export interface SpareBytes {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

export function spareBytesOf({ window, windowBytes }: Log): SpareBytes {
  return { bytes: window, start: windowBytes, end: window.length }
}
