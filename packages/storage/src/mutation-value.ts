/**
 * What is done with a mutation off the hot path: a copy that outlives the call, and the raw bytes of a value
 * that came compressed.
 */

import { CodecError, cloneBytes, decompress } from '@minivault/codec'
import type { Log } from '@minivault/wal'
import type { Found } from './found.ts'
import { VALUE_BYTES_MAX } from './limits.ts'
import { Mutation } from './mutation.ts'
import { StorageError } from './storage-error.ts'

/** Everything but value and hash. */
export function copyMutation(from: Mutation): Mutation {
  const copy = new Mutation()
  copy.space = from.space
  copy.key = cloneBytes(from.key, from.keyStart, from.keyEnd)
  copy.keyEnd = copy.key.length
  copy.ballot.copy(from.ballot)
  copy.version.copy(from.version)
  copy.requestId.copy(from.requestId)
  copy.attempt = from.attempt
  copy.tombstone = from.tombstone
  copy.isAbsence = from.isAbsence
  copy.valueType = from.valueType
  copy.durability = from.durability
  copy.expiresAtMs = from.expiresAtMs
  return copy
}

/** A copy in memory of its own, value and all. */
export function detachMutation(from: Mutation): Mutation {
  const copy = copyMutation(from)
  copy.hash.high = from.hash.high
  copy.hash.low = from.hash.low
  copy.value = cloneBytes(from.value, from.valueStart, from.valueEnd)
  copy.valueEnd = copy.value.length
  copy.codec = from.codec
  copy.rawBytes = from.rawBytes
  return copy
}

/**
 * Whether the value is a piece of the store's own memory, which the record may be written over. Spare bytes
 * (see `SpareBytes`) are the caller's.
 */
export function liesInStore({ value, valueStart }: Mutation, log: Log, found: Found): boolean {
  if (value === log.window) return valueStart < log.windowBytes
  return value === found.value && value.length > 0
}

/** Decompresses what was handed in compressed: nothing is stored that could not be read back. */
export function rawValue(mutation: Mutation): Uint8Array {
  const { codec, value, valueStart, valueEnd } = mutation
  try {
    return decompress(codec, value.subarray(valueStart, valueEnd), VALUE_BYTES_MAX)
  } catch (error) {
    if (error instanceof CodecError && error.code === 'CODEC_TOO_LARGE') {
      const message = `a value has at most ${VALUE_BYTES_MAX} bytes uncompressed`
      throw new StorageError('STORAGE_VALUE_TOO_LARGE', message, { cause: error })
    }
    throw new StorageError('STORAGE_VALUE_ENCODING', 'the compressed value cannot be decompressed', {
      cause: error,
    })
  }
}
