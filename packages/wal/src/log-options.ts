/**
 * What a log is opened with, and the check of it.
 */
import type { FileSystem } from './file-system.ts'
import {
  FLUSH_AFTER_MS_DEFAULT,
  SEGMENT_BYTES_DEFAULT,
  SEGMENT_BYTES_MAX,
  SEGMENT_BYTES_MIN,
  WINDOW_BYTES_DEFAULT,
  WINDOW_BYTES_MAX,
  WINDOW_BYTES_MIN,
} from './limits.ts'
import { nodeFileSystem } from './node-file-system.ts'
import { nodeRandom, nodeScheduler } from './node-scheduler.ts'
import type { Scheduler } from './scheduler.ts'
import { WalError } from './wal-error.ts'

export interface LogOptions {
  /** The folder of the log, made where it is missing. */
  directory: string
  fileSystem?: FileSystem
  scheduler?: Scheduler
  random?: (n: number) => Uint8Array
  /** A segment is sealed before it would pass this: 4 KiB to 1 GiB, multiple of 8; default 64 MiB. */
  segmentBytes?: number
  /** Ring of recent entries: a power of two, 4 KiB to 1 GiB; default 32 MiB. */
  windowBytes?: number
  /** Bytes behind the ring, in the same memory, for the owner's own use; default 0. */
  spareBytes?: number
  /** 32 bits about the layout of payloads; a log of another layout is refused (WAL_FORMAT). */
  layoutHash: number
  /** Entries nobody asked a level for are written by then; default 10. */
  flushAfterMs?: number
  /**
   * Default 'refuse'. 'skip' opens with what is good and counts the bad places: for rescue, the owner must
   * compare with others.
   */
  onCorrupt?: 'refuse' | 'skip'
  /** Nothing on disk is made, mended or removed; whatever would append throws WAL_READ_ONLY. */
  readOnly?: boolean
  /** Called after marks moved or the log was poisoned; never from inside another call. */
  onProgress: () => void
}

export type CheckedOptions = Required<LogOptions>

export function checkOptions(options: LogOptions): CheckedOptions {
  const { segmentBytes = SEGMENT_BYTES_DEFAULT, windowBytes = WINDOW_BYTES_DEFAULT } = options
  if (!(segmentBytes >= SEGMENT_BYTES_MIN && segmentBytes <= SEGMENT_BYTES_MAX && segmentBytes % 8 === 0)) {
    throw new WalError(
      'WAL_OPTIONS',
      `segmentBytes is ${segmentBytes}: it must be 4 KiB to 1 GiB, a multiple of 8`,
    )
  }
  const isPower = (windowBytes & (windowBytes - 1)) === 0
  if (!(windowBytes >= WINDOW_BYTES_MIN && windowBytes <= WINDOW_BYTES_MAX && isPower)) {
    throw new WalError(
      'WAL_OPTIONS',
      `windowBytes is ${windowBytes}: it must be a power of two, 4 KiB to 1 GiB`,
    )
  }
  return {
    directory: options.directory,
    fileSystem: options.fileSystem ?? nodeFileSystem,
    scheduler: options.scheduler ?? nodeScheduler,
    random: options.random ?? nodeRandom,
    segmentBytes,
    windowBytes,
    spareBytes: options.spareBytes ?? 0,
    layoutHash: options.layoutHash | 0,
    onProgress: options.onProgress,
    onCorrupt: options.onCorrupt ?? 'refuse',
    readOnly: options.readOnly ?? false,
    flushAfterMs: options.flushAfterMs ?? FLUSH_AFTER_MS_DEFAULT,
  }
}
