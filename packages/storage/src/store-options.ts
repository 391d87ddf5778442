/**
 * What a store is opened with, and the check of it.
 */

import type { Version } from '@minivault/clock'
import type { hashKey, KeyHash } from '@minivault/codec'
import { type FileSystem, type Scheduler, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN } from '@minivault/wal'
import { badOption, mustBeFunctionIfAny, mustBeObject, mustBePath } from './bad-option.ts'
import type { StoreListener } from './hot-door.ts'
import {
  CACHE_BYTES_DEFAULT,
  CACHE_BYTES_MAX,
  CACHE_BYTES_MIN,
  KEYDIR_BYTES_MIN,
  WINDOW_BYTES_MAX,
  WINDOW_BYTES_MIN,
} from './limits.ts'
import type { ProcessTable } from './node-ports.ts'

export type DurabilityName = 'memory' | 'os' | 'fsync'
export const LEVEL_OF_NAME = { memory: 0, os: 1, fsync: 2 } as const

export interface Logger {
  info(message: string): void
  warn(message: string): void
}

export interface StoreOptions {
  /** The data folder; made where it is missing. */
  directory: string
  /** Level of the simple door's writes; default 'fsync'. */
  durability?: DurabilityName
  /**
   * Memory for the log's window and the cache together, in bytes: 1 MiB to 1 TiB, default 512 MiB. The window
   * takes at most 256 MiB of it, the cache 16 GiB.
   */
  cacheBytes?: number
  /**
   * Memory for the index's slots; default unbounded (about 50 bytes a key). Keys beyond it are found through
   * the hint files: a bloom in memory (about 2 bytes a key) and a read of 4 KiB.
   */
  keydirBytes?: number
  compression?: 'zstd' | 'lz4' | 'none'
  /** A log segment is sealed before it would pass this; default 64 MiB. */
  segmentBytes?: number
  /** Overrides the window's size that follows from `cacheBytes`: a power of two. */
  windowBytes?: number
  /**
   * Memory right behind the log's window, in bytes, for the caller's own buffers (`spareBytesOf`): what is
   * copied from there into the log, or back, is copied at the least price. Default 0.
   */
  spareBytes?: number
  /** Merge in the background when it pays; default true. */
  autoMerge?: boolean
  /**
   * May this tombstone leave at a merge, once no older record of its key is left here? The owner of replicas
   * says no while another replica may still have one. `space` is one of `SPACE`. Default: always.
   */
  mayRelease?: (hash: KeyHash, ballot: Version, space: number) => boolean
  /**
   * A damaged or missing segment: 'refuse' (default) the folder, or 'skip' what is bad and open with the
   * rest, counted in `stats().recovery.corruptPlaces`. For rescue: what is missing may have been newer.
   */
  onCorrupt?: 'refuse' | 'skip'
  maxOffsetMs?: number
  listener?: StoreListener
  logger?: Logger
  // Ports.
  fileSystem?: FileSystem
  scheduler?: Scheduler
  random?: (n: number) => Uint8Array
  now?: () => number
  /** For the lock. Default: this machine's, and none on another file system than the real one. */
  processes?: ProcessTable | null
  /** For tests only: a folder must always be opened with the same. */
  hash?: typeof hashKey
}

/** The window's share of `cacheBytes`. */
export function windowBytesOf(options: StoreOptions): number {
  if (options.windowBytes !== undefined) return options.windowBytes
  const cacheBytes = options.cacheBytes ?? CACHE_BYTES_DEFAULT
  const half = 2 ** Math.floor(Math.log2(Math.max(1, cacheBytes / 2)))
  return Math.max(WINDOW_BYTES_MIN, Math.min(WINDOW_BYTES_MAX, half))
}

/** Throws STORAGE_OPTION, which names the option and its range. */
export function checkOptions(options: StoreOptions): void {
  mustBeObject('options', options)
  const { directory, durability, compression, autoMerge, maxOffsetMs, onCorrupt } = options
  mustBePath('directory', directory)
  if (durability !== undefined && !Object.hasOwn(LEVEL_OF_NAME, durability)) {
    badOption('durability', 'memory, os or fsync')
  }
  if (compression !== undefined && !['zstd', 'lz4', 'none'].includes(compression)) {
    badOption('compression', 'zstd, lz4 or none')
  }
  if (onCorrupt !== undefined && onCorrupt !== 'refuse' && onCorrupt !== 'skip') {
    badOption('onCorrupt', 'refuse or skip')
  }
  if (autoMerge !== undefined && typeof autoMerge !== 'boolean') badOption('autoMerge', 'true or false')
  if (maxOffsetMs !== undefined && !(maxOffsetMs >= 0 && maxOffsetMs < Number.POSITIVE_INFINITY)) {
    badOption('maxOffsetMs', 'a number of at least 0')
  }
  checkSizes(options)
  checkPorts(options)
}

function checkSizes(options: StoreOptions): void {
  const { cacheBytes, keydirBytes, segmentBytes, windowBytes, spareBytes } = options
  checkInteger('cacheBytes', cacheBytes, CACHE_BYTES_MIN, CACHE_BYTES_MAX)
  checkInteger('keydirBytes', keydirBytes, KEYDIR_BYTES_MIN, Number.MAX_SAFE_INTEGER)
  checkInteger('segmentBytes', segmentBytes, SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX, 8)
  checkInteger('windowBytes', windowBytes, SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX)
  checkInteger('spareBytes', spareBytes, 0, SEGMENT_BYTES_MAX)
  if (windowBytes !== undefined && (windowBytes & (windowBytes - 1)) !== 0) {
    badOption('windowBytes', 'a power of two in bytes')
  }
}

/** Whether they are there, not what they do. */
function checkPorts({ mayRelease, random, now, hash, processes, ...others }: StoreOptions): void {
  for (const [name, port] of Object.entries({ mayRelease, random, now, hash })) {
    mustBeFunctionIfAny(name, port)
  }
  const { listener, logger, fileSystem, scheduler } = others
  for (const [name, port] of Object.entries({ listener, logger, fileSystem, scheduler })) {
    if (port !== undefined) mustBeObject(name, port)
  }
  if (processes !== undefined && processes !== null) mustBeObject('processes', processes)
}

function checkInteger(option: string, value: number | undefined, min: number, max: number, step = 1): void {
  if (value === undefined) return
  if (Number.isSafeInteger(value) && value >= min && value <= max && value % step === 0) return
  const range = max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `${min} to ${max}`
  badOption(option, `an integer of ${range} bytes${step > 1 ? `, a multiple of ${step}` : ''}`)
}
