/**
 * From a record in the log to its entry among the sorted keys.
 */

import { VERSION_BYTES } from '@minivault/clock'
import { BLOB_ID_BYTES } from '../blob/blob-name.ts'
import { ENTRY_FLAG } from '../hint/key-entry.ts'
import type { RunBuilder } from '../hint/key-run.ts'
import { lengthWordOf, type RecordView, TAG } from '../record.ts'

/** Adds the record in `bytes[start, end)`, read into `view`. False: there is none. */
export function addRecord(
  builder: RunBuilder,
  view: RecordView,
  offset: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  if (!view.read(bytes, start, end)) return false
  const blobAt = view.isBlob ? view.field(bytes, TAG.blob, BLOB_ID_BYTES) : -1
  const traits =
    (view.valueType === 1 ? ENTRY_FLAG.json : 0) |
    (view.field(bytes, TAG.version, VERSION_BYTES) >= 0 ? ENTRY_FLAG.ownVersion : 0)
  builder.add(
    view.space,
    bytes,
    view.keyStart,
    view.keyEnd,
    offset,
    lengthWordOf(view, end - start),
    view.ballot,
    view.expiresAtMs,
    blobAt < 0 ? null : bytes,
    blobAt,
    traits,
  )
  return true
}
