/**
 * Which form a value takes on its way into the log: as it is, compressed where that pays, or, when it is long
 * or no block could hold it, a file of its own.
 */

import { type Codec, Compressor, cloneBytes } from '@minivault/codec'
import type { BatchRecord } from './batch.ts'
import { BLOB_ABOVE_BYTES, COMPRESS_ABOVE_BYTES } from './limits.ts'
import type { Mutation } from './mutation.ts'
import { recordBytes } from './record.ts'

export class Packer {
  readonly codec: Codec
  readonly #payloadBytesMax: number
  readonly #compressor: Compressor
  readonly #inlineBytesMax: number

  constructor(payloadBytesMax: number, compression: 'zstd' | 'lz4' | 'none') {
    this.#payloadBytesMax = payloadBytesMax
    this.#compressor = new Compressor({ codec: compression })
    this.codec = this.#compressor.codec
    this.#inlineBytesMax = Math.min(BLOB_ABOVE_BYTES, payloadBytesMax)
  }

  /** Null: it is to be stored as it is. The bytes are good until the next call. */
  compress(mutation: Mutation): Uint8Array | null {
    const { value, valueStart, valueEnd } = mutation
    const valueBytes = valueEnd - valueStart
    if (valueBytes <= COMPRESS_ABOVE_BYTES || valueBytes > this.#inlineBytesMax) return null
    return this.#compressor.compress(value, valueStart, valueEnd)
  }

  /** Whether a value of so many bytes, as stored, has its place in the record. */
  isInline(mutation: Mutation, valueBytes: number): boolean {
    return recordBytes(mutation, valueBytes, false) <= this.#payloadBytesMax
  }

  /** Whether the value, uncompressed, is to have a file of its own. */
  isLarge(mutation: Mutation): boolean {
    const valueBytes = mutation.valueEnd - mutation.valueStart
    return valueBytes > BLOB_ABOVE_BYTES || !this.isInline(mutation, valueBytes)
  }

  /** Makes the value of a record that is not large ready for the log. */
  pack(record: BatchRecord): void {
    const { mutation } = record
    record.rawBytes = mutation.valueEnd - mutation.valueStart
    const packed = this.compress(mutation)
    if (packed === null) return
    mutation.value = cloneBytes(packed, 0, packed.length)
    mutation.valueStart = 0
    mutation.valueEnd = packed.length
    record.codec = this.codec
  }
}
