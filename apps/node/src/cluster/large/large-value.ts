/**
 * A value with a file of its own. Between members only its *reference* crosses: how the sender's file is
 * named, how long it is, and the checksum of each MiB; whoever has use for it fetches the file from the
 * sender before the core sees the message (`LargeIntake`). What the core has seen is here.
 */
import { CODEC } from '@minivault/codec'
import type { ValueType } from '@minivault/storage'
import { BLOB_ID_BYTES, BLOB_PIECE_BYTES, type BlobValue, readBlobId, writeBlobId } from '@minivault/storage'
import type { MemberValue } from '../member-value.ts'

const CHECKSUM_BYTES = 8
const NOTHING = new Uint8Array(0)

export class LargeValue implements MemberValue {
  /** Of its reference: what a message takes. */
  readonly bytes: number
  readonly data = NOTHING
  readonly codec = CODEC.none
  readonly rawBytes: number
  readonly type: ValueType
  readonly blob: BlobValue
  /** The file is one of ours. */
  readonly isHere: boolean

  constructor(blob: BlobValue, type: ValueType, isHere: boolean) {
    this.bytes = referenceBytes(blob)
    this.rawBytes = blob.size
    this.type = type
    this.blob = blob
    this.isHere = isHere
  }
}

/** Without the size, which stands elsewhere. */
export function referenceBytes({ checksums }: BlobValue): number {
  return BLOB_ID_BYTES + checksums.length / 2
}

export function writeReference({ name, checksums }: BlobValue, into: Uint8Array, at: number): void {
  writeBlobId(name, into, at)
  into.set(Buffer.from(checksums, 'hex'), at + BLOB_ID_BYTES)
}

/** Of bytes[start, end); null: it is none of a file of so many bytes. */
export function readReference(size: number, bytes: Uint8Array, start: number, end: number): BlobValue | null {
  const pieces = Math.ceil(size / BLOB_PIECE_BYTES)
  if (size === 0 || end - start !== BLOB_ID_BYTES + pieces * CHECKSUM_BYTES) return null
  const checksums = Buffer.from(bytes.subarray(start + BLOB_ID_BYTES, end)).toString('hex')
  return { name: readBlobId(bytes, start), size, checksums }
}
