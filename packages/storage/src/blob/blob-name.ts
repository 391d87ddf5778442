/**
 * How a record names the file that holds its value, in 16 bytes of a tagged field.
 *
 *     0         8          12        16
 *     ┌─────────┬──────────┬─────────┐
 *     │ keyHash │ writerId │ counter │   all big-endian: they read as the file name does
 *     └─────────┴──────────┴─────────┘
 *
 * The file is `blobs/ab/cd/abcd0123…-<writerId><counter>`: first the key's hash, by which a person finds it,
 * then what makes the name unique for ever, since a writerId is drawn at each open: two keys with one hash
 * have two names. A file is written once and never again, so a name stands for one content.
 */

import type { KeyHash } from '@minivault/codec'

export const BLOB_ID_BYTES = 16

/** Matches every name this store gives, and nothing else. */
export const BLOB_NAME = /^[0-9a-f]{16}-[0-9a-f]{16}$/

/** A value in a file of its own. */
export interface BlobValue {
  /** 16 hex digits of the key's hash, `-`, 16 hex digits of writerId and counter. */
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** 16 hex digits for each piece of the file, the last one included. */
  readonly checksums: string
}

export function blobName(hash: KeyHash, writerId: number, counter: number): string {
  return `${hex(hash.high)}${hex(hash.low)}-${hex(writerId)}${hex(counter)}`
}

/** The open that wrote the file. */
export function writerIdOf(name: string): number {
  return Number.parseInt(name.slice(17, 25), 16)
}

export function writeBlobId(name: string, target: Uint8Array, at: number): void {
  const digits = name.replace('-', '')
  for (let i = 0; i < BLOB_ID_BYTES; i++) {
    target[at + i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16)
  }
}

export function readBlobId(bytes: Uint8Array, at: number): string {
  let digits = ''
  for (let i = 0; i < BLOB_ID_BYTES; i++) digits += bytes[at + i]!.toString(16).padStart(2, '0')
  return `${digits.slice(0, 16)}-${digits.slice(16)}`
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}
