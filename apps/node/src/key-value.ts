/**
 * The port that every request passes: doors (binary, frames, HTTP) speak to a `KeyValue`, and never learn
 * whether one store or a quorum of three stands behind it. `submit` takes an operation and a token; the
 * answer comes to the listener under that token, inside `submit` or later, in any order. No promise and no
 * object per operation: the caller reuses its `Operation`, the implementation its `Answer`.
 */
import { Version } from '@minivault/clock'
import { CODEC, type Codec, KeyHash } from '@minivault/codec'
import {
  CONSISTENCY,
  type Consistency,
  ERROR,
  type ErrorNumber,
  errorKind,
  OUTCOME,
  type Outcome,
} from '@minivault/protocol'
import {
  DURABILITY,
  type Durability,
  type Foresight,
  type ScanEntry,
  type StagedValue,
  VALUE_TYPE,
  type ValueStream,
  type ValueType,
} from '@minivault/storage'

export const KIND = {
  get: 0,
  set: 1,
  create: 2,
  delete: 3,
  touch: 4,
  increment: 5,
  scan: 6,
  batch: 7,
} as const
export type Kind = (typeof KIND)[keyof typeof KIND]

const NOTHING = new Uint8Array(0)

/** A page of a range of keys. Bounds are copies of the asker's bytes. */
export interface ScanQuery {
  prefix: Uint8Array
  from: Uint8Array | null
  fromExclusive: boolean
  to: Uint8Array | null
  toInclusive: boolean
  reverse: boolean
  keysOnly: boolean
  /** As the page before gave it; empty: from the beginning. */
  cursor: string
  entriesMax: number
  /** Asked when its turn comes: it may be too late by then. */
  mayBegin: () => boolean
  /** Asked before each entry: whether anybody still wants the page. */
  isWanted: () => boolean
  /** Takes an entry, or says that the page is full; then the entry is the first of the next page. */
  take: (entry: ScanEntry) => boolean
}

/** A set, or (value null) a delete. Keys and values are copies of the asker's bytes. */
export interface BatchItem {
  key: Uint8Array
  value: Uint8Array | null
  valueType: ValueType
  ttlMs: number
}

/** What must hold of a key in the moment in which a batch is applied. The key is a copy. */
export interface BatchCondition {
  key: Uint8Array
  /** Zero: that there is nothing. */
  version: Version
}

/** What is asked. Key and value are spans of the caller's memory, valid only during `submit`. */
export class Operation {
  kind: Kind = KIND.get
  key: Uint8Array = NOTHING
  keyStart = 0
  keyEnd = 0
  readonly hash = new KeyHash()
  value: Uint8Array = NOTHING
  valueStart = 0
  valueEnd = 0
  valueType: ValueType = 0
  /** How the handed value is compressed; its length before that. */
  codec: Codec = 0
  rawBytes = 0
  /** The same value as it came compressed, where it did, unpacked for checking; `none`: it did not. */
  packedCodec: Codec = 0
  packed: Uint8Array = NOTHING
  packedStart = 0
  packedEnd = 0
  /** Zero: the coordinator stamps it, and nobody will retry elsewhere. */
  readonly requestId = new Version()
  attempt = 0
  durability: Durability = DURABILITY.fsync
  /** How many replicas stand behind the answer; without a cluster there is one. */
  consistency: Consistency = CONSISTENCY.server
  /** Milliseconds from `submit` on after which nobody waits for the answer; 0: what the node allows. */
  deadlineMs = 0
  /** Delete: whether there was a value is to be told. A cluster takes longer to know. */
  wantsExists = true
  /** Set, delete, touch: only if the value has this version. Zero: whatever is there. */
  readonly expectedVersion = new Version()
  /** Set, touch, and where increment makes the key: milliseconds until the value ends; 0: never. */
  ttlMs = 0
  /** Get: the bytes wanted of the value, `rangeBytes` 0 for all behind `rangeStart`. */
  rangeStart = 0
  rangeBytes = 0
  /** Get: no value wanted, only what is known of it. */
  noValue = false
  /** Get: the value of a file of its own is wanted as `Answer.stream`, not in one piece. */
  wantsStream = false
  /** Increment: what to add, 64 bits. */
  delta = 0n
  /** Set: the value has arrived in pieces and lies in `staged` instead of `value`. */
  staged: StagedValue | null = null
  scan: ScanQuery | null = null
  batch: readonly BatchItem[] | null = null
  /** Batch: where one does not hold, nothing is done, VERSION_MISMATCH. Also of keys it does not write. */
  conditions: readonly BatchCondition[] | null = null

  /** Starts a new operation on this object: everything but kind and key is back at its default. */
  begin(kind: Kind, key: Uint8Array, keyStart: number, keyEnd: number, durability: Durability): void {
    this.kind = kind
    this.key = key
    this.keyStart = keyStart
    this.keyEnd = keyEnd
    this.requestId.clear()
    this.attempt = 0
    this.durability = durability
    this.consistency = CONSISTENCY.server
    this.deadlineMs = 0
    this.wantsExists = true
    this.expectedVersion.clear()
    this.ttlMs = 0
    this.rangeStart = 0
    this.rangeBytes = 0
    this.noValue = false
    this.wantsStream = false
    this.staged = null
    this.scan = null
    this.batch = null
    this.conditions = null
    this.setValue(NOTHING, 0, 0, VALUE_TYPE.raw)
  }

  setValue(value: Uint8Array, start: number, end: number, type: ValueType): void {
    this.value = value
    this.valueStart = start
    this.valueEnd = end
    this.valueType = type
    this.codec = CODEC.none
    this.rawBytes = end - start
    this.packedCodec = CODEC.none
    this.packed = NOTHING
  }

  /** Behind `setValue`. */
  setPacked(packed: Uint8Array, start: number, end: number, codec: Codec): void {
    this.packed = packed
    this.packedStart = start
    this.packedEnd = end
    this.packedCodec = codec
  }
}

/**
 * What came of it. A `no` is a condition that did not hold; `failed` left nothing behind; `inDoubt` may yet
 * appear.
 */
export class Answer {
  outcome: Outcome = OUTCOME.ok
  /** 0 when there is none. */
  error: ErrorNumber = ERROR.NONE
  /** More than the error's own sentence, for the person who reads it. */
  message: string | null = null
  readonly version = new Version()
  /** Whether there was a value before a delete. A get of nothing is `no`, KEY_NOT_FOUND. */
  exists = false
  value: Uint8Array = NOTHING
  valueStart = 0
  valueEnd = 0
  valueType: ValueType = 0
  /** Of the whole value, where only a range of it or nothing is given; and where the range begins. */
  size = 0
  valueOffset = 0
  expiresAtMs = 0
  /** The value in pieces, from `valueOffset` on, where that was asked for: to be read or cancelled. */
  stream: ValueStream | null = null
  /** Of an increment. */
  sum = 0n
  /** Of a scan: how to go on; null: that was all. The entries went to `ScanQuery.take`. */
  cursor: string | null = null
  /** Of a batch: for each item, as 24 hex digits. */
  versions: readonly string[] | null = null

  ok(): this {
    this.outcome = OUTCOME.ok
    this.error = ERROR.NONE
    this.message = null
    this.version.clear()
    this.exists = false
    this.value = NOTHING
    this.valueStart = 0
    this.valueEnd = 0
    this.valueType = 0
    this.size = 0
    this.valueOffset = 0
    this.expiresAtMs = 0
    this.stream = null
    this.sum = 0n
    this.cursor = null
    this.versions = null
    return this
  }

  /** The outcome follows from the error's row in the protocol's table. */
  fail(error: ErrorNumber, message: string | null = null): this {
    this.ok()
    this.outcome = errorKind(error).outcome
    this.error = error
    this.message = message
    return this
  }
}

/** Answers, each under the token of its operation. The answer object is valid only during the call. */
export type Complete = (token: number, answer: Answer) => void

export interface KeyValue {
  /**
   * Several keys do not change in one moment (batches are refused), and what was submitted first does not
   * take effect first, but for operations of one connection on one key.
   */
  readonly isCluster: boolean
  submit(operation: Operation, token: number): void
  /** These keys will be asked for in the next calls of `submit`. Only speed depends on it. */
  foresee(keys: Foresight): void
}
