export { crc32 } from './crc32.ts'
export { DURABILITY, type Durability } from './durability.ts'
export {
  type Done,
  type DoneCount,
  type FileSystem,
  linkWherePossible,
  type OpenMode,
  promised,
  writeAll,
} from './file-system.ts'
export { SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN } from './limits.ts'
export { Log } from './log.ts'
export type { LogOptions } from './log-options.ts'
export { nodeFileSystem } from './node-file-system.ts'
export { nodeRandom, nodeScheduler } from './node-scheduler.ts'
export type { OutputSegment } from './output-segment.ts'
export type { RecoveryReport } from './recovery.ts'
export type { Replayer } from './replayer.ts'
export type { Scheduler } from './scheduler.ts'
export { ENTRY_HEADER_BYTES } from './segment-format.ts'
export type { OnBad, OnEntry } from './segment-reader.ts'
export type { EntryReader, SegmentInfo } from './segment-table.ts'
export type { SnapshotOptions, SnapshotReport } from './snapshot.ts'
export { WalError, type WalErrorCode, type WalErrorDetail } from './wal-error.ts'
