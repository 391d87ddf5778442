/**
 * What `apply` is asked to do. Mutable and reused by its owner: a connection or the cluster's core keeps a
 * few and fills them anew for each operation, so that a write allocates nothing.
 */

import { Version } from '@minivault/clock'
import { type Codec, KeyHash } from '@minivault/codec'
import type { Durability } from '@minivault/wal'

/** Key spaces: the same key bytes in two spaces are two keys. */
export const SPACE = { user: 0, promise: 1, meta: 2, segment: 3 } as const
export type Space = (typeof SPACE)[keyof typeof SPACE]

/** What the value's bytes are: any bytes, or one JSON text. */
export const VALUE_TYPE = { raw: 0, json: 1 } as const
export type ValueType = (typeof VALUE_TYPE)[keyof typeof VALUE_TYPE]

export const EMPTY_BYTES = new Uint8Array(0)

export class Mutation {
  space: number = SPACE.user
  /**
   * The key is `key[keyStart, keyEnd)`; `hash` is its `hashKey`, computed once by whoever received the
   * request.
   */
  key: Uint8Array = EMPTY_BYTES
  keyStart = 0
  keyEnd = 0
  readonly hash = new KeyHash()
  /** Place in the key's order. */
  readonly ballot = new Version()
  /** What a client compares: the ballot, unless someone finished another's work. Zero: the ballot. */
  readonly version = new Version()
  /** Zero: none. */
  readonly requestId = new Version()
  attempt = 0
  tombstone = false
  /** A tombstone of nothing: its version is zero, and zero it is written down. */
  isAbsence = false
  /** The value is `value[valueStart, valueEnd)`. */
  value: Uint8Array = EMPTY_BYTES
  valueStart = 0
  valueEnd = 0
  valueType: ValueType = VALUE_TYPE.raw
  /** Of the bytes handed in: 0 lets the store compress, else they came compressed and are checked. */
  codec: Codec = 0
  /** With a codec: announced length uncompressed, 0 when unknown. */
  rawBytes = 0
  durability: Durability = 2
  /** Wall milliseconds from which on the value no longer exists; 0: never. */
  expiresAtMs = 0
}
