/**
 * Keeps the runs of a segment few. A run is made early whenever a scan begins, so many could be tiny; the
 * newest two become one while the older one is not at least twice as long, so that of runs below the full
 * length there are about as many as it has bits, and each entry is copied about as often (the logarithmic
 * method of Bentley and Saxe, 1980).
 */

import { copyBytes } from '@minivault/codec'
import { EntryList } from './entry-list.ts'
import { MergedCursor } from './key-cursor.ts'
import { KeyRun } from './key-run.ts'

/** Changes the list, never a run. No merged run is longer than `entriesMax`. */
export function compactRuns(runs: KeyRun[], entriesMax: number): void {
  while (runs.length > 1) {
    const newest = runs.at(-1)!
    const before = runs.at(-2)!
    if (before.count >= 2 * newest.count || before.count + newest.count > entriesMax) return
    runs.splice(-2, 2, mergeRuns(before, newest))
  }
}

/** Of entries with one key the newer one. */
function mergeRuns(a: KeyRun, b: KeyRun): KeyRun {
  const list = new EntryList(new Int32Array(a.count + b.count))
  const bytes = new Uint8Array(a.list.bytes.length + b.list.bytes.length)
  const cursor = new MergedCursor([a.cursor(), b.cursor()])
  let next = 0
  while (cursor.next()) {
    const { entry } = cursor
    copyBytes(entry.bytes, entry.start, entry.end, bytes, next)
    list.starts[list.count++] = next
    next += entry.end - entry.start
  }
  list.bytes = bytes.slice(0, next)
  return new KeyRun(a.segment, list)
}
