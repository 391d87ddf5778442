export { DURABILITY, type Durability } from '@minivault/wal'
export type { BatchOperation, ReadyBatch } from './batch-operations.ts'
export { BLOB_ID_BYTES, type BlobValue, readBlobId, writeBlobId } from './blob/blob-name.ts'
export type { BlobReader } from './blob/blob-reader.ts'
export type { StagedValue } from './blob/large-values.ts'
export { PieceBuffers, type PieceHolder } from './blob/piece-buffers.ts'
export type { IntakeListener, ValueIntake } from './blob/value-intake.ts'
export { addDecimal, DECIMAL_BYTES_MAX, readDecimal, TOO_MANY_BITS } from './decimal.ts'
export { Foresight } from './foresight.ts'
export { Found } from './found.ts'
export { APPLY, type ApplyOutcome, NO_TOKEN, type RecordHook, type StoreListener } from './hot-door.ts'
export { BLOB_ABOVE_BYTES, BLOB_PIECE_BYTES, FORESEEN_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX } from './limits.ts'
export { type MergePolicy, pickMergeCandidates } from './merge-policy.ts'
export type { MergeReport } from './merge-run.ts'
export { Mutation, SPACE, type Space, VALUE_TYPE, type ValueType } from './mutation.ts'
export { detachMutation } from './mutation-value.ts'
export { nodeBoot } from './node-ports.ts'
export type { Entry } from './reads.ts'
export { RecordDoor } from './record-door.ts'
export type { RecordsOwner } from './records-owner.ts'
export type { Scan } from './scan/scan.ts'
export { cursorBytesOf, cursorOf, type ScanOptions } from './scan/scan-range.ts'
export type { ScanEntry } from './scan/scan-source.ts'
export type { SegmentStats } from './segment-ledger.ts'
export type { SnapshotOptions, SnapshotReport } from './snapshot.ts'
export { type SpareBytes, spareBytesOf } from './spare-bytes.ts'
export { fromLog, StorageError, type StorageErrorCode } from './storage-error.ts'
export { Store } from './store.ts'
export type { DurabilityName, Logger, StoreOptions } from './store-options.ts'
export type { StoreStats } from './store-stats.ts'
export { type StoredValue, storedDecimal, storedValue } from './stored-value.ts'
export type { StreamDoor } from './stream-door.ts'
export type { StreamRange, ValueStream } from './value-stream.ts'
export type { BadPlace, VerifyOptions, VerifyReport } from './verify.ts'
export type {
  ConditionOptions,
  DeleteOptions,
  ExpiryOptions,
  IncrementOptions,
  SetOptions,
  TouchOptions,
  WriteOptions,
} from './write-options.ts'
