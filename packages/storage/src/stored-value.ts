/**
 * The value that a `locate` saw, for a write that makes the new value from it: good until the next call into
 * the store.
 */

import { type Codec, decompress } from '@minivault/codec'
import { DECIMAL_BYTES_MAX, readDecimal } from './decimal.ts'
import type { Engine } from './engine.ts'
import { EMPTY_BYTES } from './mutation.ts'
import { RecordView } from './record.ts'

export interface StoredValue {
  /** Where they lie, and as they are stored; of a value in a file of its own, its checksums. */
  bytes: Uint8Array
  codec: Codec
  /** Uncompressed. */
  rawBytes: number
}

const view = new RecordView()

/** Only where `locate` found a record. */
export function storedValue({ lookup }: Engine): StoredValue {
  const { bytes, at, length } = lookup
  view.read(bytes, at, at + length)
  return { bytes: bytes.subarray(view.keyEnd, view.end), codec: view.codec, rawBytes: view.rawBytes }
}

/** The number that `increment` counts on from. Throws STORAGE_NOT_A_NUMBER. */
export function storedDecimal(engine: Engine): bigint {
  const { bytes, codec, rawBytes } = storedValue(engine)
  // A long value is no number, whatever its bytes are: it need not be read.
  const isShort = engine.previous.blob === null && rawBytes <= DECIMAL_BYTES_MAX
  return readDecimal(isShort ? decompress(codec, bytes, rawBytes) : EMPTY_BYTES)
}
