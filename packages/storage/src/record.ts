/**
 * The record: what one log entry carries. The log adds length and checksum around it, so neither is here.
 *
 *     0     1     2      4      8      20        21 22        24
 *     ┌─────┬─────┬──────┬──────┬──────┬─────────┬──┬─────────┬──────┬─────────────┬───┬─────┐
 *     │flags│space│keyLen│rawLen│ballot│valueType│0 │taggedLen│expiry│tagged fields│key│value│
 *     │u8   │u8   │u16   │u32   │12    │u8       │u8│u16      │0 or 8│taggedLen    │   │     │
 *     └─────┴─────┴──────┴──────┴──────┴─────────┴──┴─────────┴──────┴─────────────┴───┴─────┘
 *     flags: bit 0 tombstone · 1 blob · 2 has expiry · 3 has tagged fields · 4-5 durability · 6-7 codec
 *
 * Integers are little-endian as in the log; versions are big-endian everywhere. A tagged field is tag u8,
 * length u8, bytes; a reader skips tags it does not know, and merge copies records whole, so they are kept.
 * The value runs to the payload's end; rawLen is its length uncompressed. A tombstone has no value. A blob's
 * value lies in a file of its own; in its place stand the checksums of the file's pieces, 8 bytes each.
 *
 * The fixed part is a multiple of eight and comes first, so that the key of a plain record always starts at
 * byte 24: the compare in a lookup needs two loads and no parsing.
 */

import { readVersion, VERSION_BYTES, Version, writeVersion } from '@minivault/clock'
import { type Codec, copyBytes } from '@minivault/codec'
import { BLOB_ID_BYTES, type BlobValue, readBlobId, writeBlobId } from './blob/blob-name.ts'
import { BLOB_BIT, LEVEL_SHIFT, OTHER_SPACE_BIT, TOMBSTONE_BIT } from './keydir.ts'
import { type Mutation, SPACE } from './mutation.ts'

export const RECORD_HEADER_BYTES = 24
export const FLAG = { tombstone: 1, blob: 2, expiry: 4, tagged: 8 } as const
export const LEVEL_FLAG_SHIFT = 4
export const CODEC_FLAG_SHIFT = 6
export const TAG = { version: 1, requestId: 2, attempt: 3, blob: 4 } as const

const KEY_LOOP_BYTES_MAX = 32

const ballotView = new Version()

/** Hashed into the layout hash: change anything above, and folders of the other layout are refused. */
export const RECORD_LAYOUT =
  'record 1: spaces user0 promise1 meta2 segment3 | ' +
  'flags1 space1 key2 raw4 ballot12be type1 zero1 tagged2 | expiry8? tagged key value | ' +
  'flags tombstone1 blob2 expiry4 tagged8 level<<4 codec<<6 | tags version1 request2 attempt3 blob4 | ' +
  'blob: tag hash8 writer4 counter4, value xxhash64be8 per 1 MiB'

/**
 * Bytes of the payload for this mutation with a value of `valueBytes` stored bytes (of a blob: its
 * checksums).
 */
export function recordBytes(mutation: Mutation, valueBytes: number, isBlob: boolean): number {
  return (
    RECORD_HEADER_BYTES +
    (mutation.expiresAtMs > 0 ? 8 : 0) +
    taggedBytes(mutation, isBlob) +
    (mutation.keyEnd - mutation.keyStart) +
    valueBytes
  )
}

function taggedBytes(mutation: Mutation, isBlob: boolean): number {
  return (
    (hasOwnVersion(mutation) ? 2 + VERSION_BYTES : 0) +
    (hasOwnRequest(mutation) ? 2 + VERSION_BYTES : 0) +
    (mutation.attempt > 0 ? 3 : 0) +
    (isBlob ? 2 + BLOB_ID_BYTES : 0)
  )
}

function hasOwnVersion(mutation: Mutation): boolean {
  if (mutation.isAbsence) return true
  return !mutation.version.isZero() && !sameVersion(mutation.version, mutation.ballot)
}

function hasOwnRequest(mutation: Mutation): boolean {
  if (mutation.requestId.isZero()) return false
  return !sameVersion(mutation.requestId, mutation.version.isZero() ? mutation.ballot : mutation.version)
}

/**
 * Writes the record to `target[at, …)`. The value is `value[start, end)` as it is to be stored (`codec`,
 * `rawBytes`); of a `blob`, named here, its checksums. Allocates nothing. Returns the index behind the
 * record.
 */
export function writeRecord(
  mutation: Mutation,
  target: Uint8Array,
  at: number,
  value: Uint8Array,
  start: number,
  end: number,
  codec: Codec,
  rawBytes: number,
  blob: string | null,
): number {
  const keyBytes = mutation.keyEnd - mutation.keyStart
  const tagged = taggedBytes(mutation, blob !== null)
  target[at] =
    (mutation.tombstone ? FLAG.tombstone : 0) |
    (blob !== null ? FLAG.blob : 0) |
    (mutation.expiresAtMs > 0 ? FLAG.expiry : 0) |
    (tagged > 0 ? FLAG.tagged : 0) |
    (mutation.durability << LEVEL_FLAG_SHIFT) |
    (codec << CODEC_FLAG_SHIFT)
  target[at + 1] = mutation.space
  target[at + 2] = keyBytes
  target[at + 3] = keyBytes >>> 8
  writeU32(target, at + 4, rawBytes)
  writeVersion(mutation.ballot, target, at + 8)
  target[at + 20] = mutation.valueType
  target[at + 21] = 0
  target[at + 22] = tagged
  target[at + 23] = tagged >>> 8
  let next = at + RECORD_HEADER_BYTES
  if (mutation.expiresAtMs > 0) {
    writeU32(target, next, mutation.expiresAtMs % 0x100000000)
    writeU32(target, next + 4, Math.floor(mutation.expiresAtMs / 0x100000000))
    next += 8
  }
  if (tagged > 0) next = writeTagged(mutation, target, next, blob)
  copyKey(mutation.key, mutation.keyStart, mutation.keyEnd, target, next)
  next += keyBytes
  if (end > start) copyBytes(value, start, end, target, next)
  return next + (end - start)
}

/**
 * A short key goes byte by byte: looking whether two arrays share their memory would cost more than the copy.
 */
export function copyKey(key: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void {
  if (end - start > KEY_LOOP_BYTES_MAX) copyBytes(key, start, end, target, at)
  else for (let i = start; i < end; i++) target[at + i - start] = key[i]!
}

function writeTagged(mutation: Mutation, target: Uint8Array, at: number, blob: string | null): number {
  let next = at
  if (hasOwnVersion(mutation)) next = writeVersionField(TAG.version, mutation.version, target, next)
  if (hasOwnRequest(mutation)) next = writeVersionField(TAG.requestId, mutation.requestId, target, next)
  if (mutation.attempt > 0) {
    target[next] = TAG.attempt
    target[next + 1] = 1
    target[next + 2] = mutation.attempt
    next += 3
  }
  if (blob !== null) {
    target[next] = TAG.blob
    target[next + 1] = BLOB_ID_BYTES
    writeBlobId(blob, target, next + 2)
    next += 2 + BLOB_ID_BYTES
  }
  return next
}

function writeVersionField(tag: number, version: Version, target: Uint8Array, at: number): number {
  target[at] = tag
  target[at + 1] = VERSION_BYTES
  writeVersion(version, target, at + 2)
  return at + 2 + VERSION_BYTES
}

/** A record read in place: where its parts lie in the bytes it was read from. Reused. */
export class RecordView {
  flags = 0
  space = 0
  valueType = 0
  rawBytes = 0
  keyStart = 0
  /** The value's start, too. */
  keyEnd = 0
  end = 0
  taggedStart = 0
  taggedEnd = 0
  expiresAtMs = 0
  readonly ballot = new Version()

  get tombstone(): boolean {
    return (this.flags & FLAG.tombstone) !== 0
  }

  get isBlob(): boolean {
    return (this.flags & FLAG.blob) !== 0
  }

  get level(): number {
    return (this.flags >>> LEVEL_FLAG_SHIFT) & 3
  }

  get codec(): Codec {
    return (this.flags >>> CODEC_FLAG_SHIFT) as Codec
  }

  /** Reads the record in `bytes[start, end)`. False: no record of this layout, whatever the checksum says. */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < RECORD_HEADER_BYTES) return false
    const flags = bytes[start]!
    this.flags = flags
    this.space = bytes[start + 1]!
    const keyBytes = bytes[start + 2]! | (bytes[start + 3]! << 8)
    this.rawBytes = readU32(bytes, start + 4)
    readVersion(bytes, start + 8, this.ballot)
    this.valueType = bytes[start + 20]!
    const tagged = bytes[start + 22]! | (bytes[start + 23]! << 8)
    let next = start + RECORD_HEADER_BYTES
    this.expiresAtMs = 0
    if ((flags & FLAG.expiry) !== 0) {
      if (end - next < 8) return false
      this.expiresAtMs = readU32(bytes, next) + readU32(bytes, next + 4) * 0x100000000
      next += 8
    }
    this.taggedStart = next
    this.taggedEnd = next += tagged
    this.keyStart = next
    this.keyEnd = next + keyBytes
    this.end = end
    return this.keyEnd <= end && keyBytes > 0 && tagged > 0 === ((flags & FLAG.tagged) !== 0)
  }

  /** Where the bytes of a tagged field start, or -1: absent, or not of this length. */
  field(bytes: Uint8Array, tag: number, length: number): number {
    let at = this.taggedStart
    while (at + 2 <= this.taggedEnd) {
      const fieldBytes = bytes[at + 1]!
      if (bytes[at] === tag && fieldBytes === length && at + 2 + length <= this.taggedEnd) return at + 2
      at += 2 + fieldBytes
    }
    return -1
  }
}

/** Word 3 of the slot of the record in `view`, `length` bytes long. */
export function lengthWordOf(view: RecordView, length: number): number {
  return (
    length |
    (view.space === SPACE.user ? 0 : OTHER_SPACE_BIT) |
    (view.tombstone ? TOMBSTONE_BIT : 0) |
    (view.isBlob ? BLOB_BIT : 0) |
    (view.level << LEVEL_SHIFT)
  )
}

const blobView = new RecordView()

/** The name of the file that holds this record's value, if one does. */
export function blobNameOf(bytes: Uint8Array, at: number, length: number): string | null {
  if ((bytes[at]! & FLAG.blob) === 0) return null
  if (!blobView.read(bytes, at, at + length)) return null
  const field = blobView.field(bytes, TAG.blob, BLOB_ID_BYTES)
  return field < 0 ? null : readBlobId(bytes, field)
}

/** What the record read last into `view` says of its file. Null: it names none. */
export function blobValueOf(view: RecordView, bytes: Uint8Array): BlobValue | null {
  const field = view.field(bytes, TAG.blob, BLOB_ID_BYTES)
  if (field < 0) return null
  const checksums = Buffer.from(bytes.buffer, bytes.byteOffset + view.keyEnd, view.end - view.keyEnd)
  return { name: readBlobId(bytes, field), size: view.rawBytes, checksums: checksums.toString('hex') }
}

/** Where the key of the record at `start` begins, without reading the rest. */
export function keyStartOf(bytes: Uint8Array, start: number): number {
  const tagged = bytes[start + 22]! | (bytes[start + 23]! << 8)
  return start + RECORD_HEADER_BYTES + ((bytes[start]! & FLAG.expiry) !== 0 ? 8 : 0) + tagged
}

/** Header, key and value, and nothing else: no tombstone, no blob, no expiry, no tagged field. */
export function isPlain(bytes: Uint8Array, start: number): boolean {
  return (bytes[start]! & (FLAG.tombstone | FLAG.blob | FLAG.expiry | FLAG.tagged)) === 0
}

/** Plain, and its value as it is. */
export function isPlainValue(bytes: Uint8Array, start: number): boolean {
  return isPlain(bytes, start) && bytes[start]! >>> CODEC_FLAG_SHIFT === 0
}

/** Whether the record's ballot is the one in words[at, at + 3). */
export function hasBallot(bytes: Uint8Array, start: number, words: Int32Array, at: number): boolean {
  readVersion(bytes, start + 8, ballotView)
  return (
    words[at] === ballotView.high && words[at + 1] === ballotView.middle && words[at + 2] === ballotView.low
  )
}

/** Is this the record of exactly that key in exactly that space? */
export function recordHasKey(
  bytes: Uint8Array,
  start: number,
  space: number,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
): boolean {
  const keyBytes = keyEnd - keyStart
  if (bytes[start + 1] !== space) return false
  if ((bytes[start + 2]! | (bytes[start + 3]! << 8)) !== keyBytes) return false
  const at = keyStartOf(bytes, start)
  for (let i = 0; i < keyBytes; i++) if (bytes[at + i] !== key[keyStart + i]) return false
  return true
}

function sameVersion(a: Version, b: Version): boolean {
  return a.low === b.low && a.middle === b.middle && a.high === b.high
}

function writeU32(target: Uint8Array, at: number, value: number): void {
  target[at] = value
  target[at + 1] = value >>> 8
  target[at + 2] = value >>> 16
  target[at + 3] = value >>> 24
}

function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}
