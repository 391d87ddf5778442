/**
 * How a record names the file that holds its value.
 *
 *     0         8          12        16         24
 *     ┌─────────┬──────────┬─────────┬──────────┐
 *     │ keyHash │ writerId │ counter │ checksum │   all big-endian: they read as the file name does
 *     └─────────┴──────────┴─────────┴──────────┘
 *
 * The file is `blobs/ab/cd/abcd0123…-<writerId><counter>`: first the key's hash, by which a person finds it,
 * then what makes the name unique for ever. A file is written once and never again, so a name stands for one
 * content. The checksum is over the value's plain bytes; the value's length is the record's rawLen.
 */

import type { KeyHash } from '@minivault/codec'

export const BLOB_REFERENCE_BYTES = 24

export interface BlobReference {
  /** 16 hex digits of the key's hash, `-`, 16 hex digits of writerId and counter. */
  readonly name: string
  /** 16 hex digits. */
  readonly checksum: string
}

/** Matches every name this store gives, and nothing else. */
export const BLOB_NAME = /^[0-9a-f]{16}-[0-9a-f]{16}$/

export function blobName(hash: KeyHash, writerId: number, counter: number): string {
  return `${hex(hash.high)}${hex(hash.low)}-${hex(writerId)}${hex(counter)}`
}

export function writeBlobReference(reference: BlobReference, target: Uint8Array, at: number): void {
  const digits = reference.name.replace('-', '') + reference.checksum
  for (let i = 0; i < BLOB_REFERENCE_BYTES; i++) {
    target[at + i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16)
  }
}

export function readBlobReference(bytes: Uint8Array, at: number): BlobReference {
  let digits = ''
  for (let i = 0; i < BLOB_REFERENCE_BYTES; i++) digits += bytes[at + i]!.toString(16).padStart(2, '0')
  return { name: `${digits.slice(0, 16)}-${digits.slice(16, 32)}`, checksum: digits.slice(32) }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}
