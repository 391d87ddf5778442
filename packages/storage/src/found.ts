/**
 * What a read, or an `apply`, saw of a key. One object a door, filled anew each time: it is valid until the
 * next call into the store. The value is always uncompressed.
 */

import { Version } from '@minivault/clock'
import type { BlobValue } from './blob/blob-name.ts'
import { EMPTY_BYTES, VALUE_TYPE, type ValueType } from './mutation.ts'
import { copyValue } from './value-slab.ts'

export class Found {
  /** A live value: not absent, not a tombstone, not expired. */
  exists = false
  /** Zero when the key has no record at all. */
  readonly ballot = new Version()
  readonly version = new Version()
  /** The first version of the request that wrote it; the version itself unless the record says otherwise. */
  readonly requestId = new Version()
  attempt = 0
  tombstone = false
  /** The value is `value[valueStart, valueEnd)`. */
  value: Uint8Array = EMPTY_BYTES
  valueStart = 0
  valueEnd = 0
  valueType: ValueType = VALUE_TYPE.raw
  expiresAtMs = 0
  /**
   * The file that holds the value, where one does. `Engine.describe` and `previous` leave the value there.
   */
  blob: BlobValue | null = null

  clear(): this {
    this.exists = false
    this.ballot.clear()
    this.version.clear()
    this.requestId.clear()
    this.attempt = 0
    this.tombstone = false
    this.value = EMPTY_BYTES
    this.valueStart = 0
    this.valueEnd = 0
    this.valueType = VALUE_TYPE.raw
    this.expiresAtMs = 0
    this.blob = null
    return this
  }

  /** A copy of the value that its receiver may keep; it may share its ArrayBuffer with others. */
  copyValue(): Uint8Array {
    // It was read from its file for this answer alone.
    if (this.blob !== null) return this.value
    return copyValue(this.value, this.valueStart, this.valueEnd)
  }
}
