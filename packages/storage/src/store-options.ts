/**
 * What a store is opened with, and the check of it.
 */

import type { Version } from '@minivault/clock'
import type { hashKey, KeyHash } from '@minivault/codec'
import type { FileSystem, Scheduler } from '@minivault/wal'
import type { StoreListener } from './hot-door.ts'
import { CACHE_BYTES_DEFAULT, WINDOW_BYTES_MAX, WINDOW_BYTES_MIN } from './limits.ts'
import type { ProcessTable } from './node-ports.ts'
import { StorageError } from './storage-error.ts'

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
  /** Memory for the log's window and the cache together, in bytes; default 512 MiB, at least 1 MiB. */
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
  /** Merge in the background when it pays; default true. */
  autoMerge?: boolean
  /**
   * May this tombstone leave at a merge, once no older record of its key is left here? The owner of replicas
   * says no while another replica may still have one. Default: always.
   */
  mayRelease?: (hash: KeyHash, ballot: Version) => boolean
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

export function checkOptions(options: StoreOptions): void {
  const { directory, durability, compression, cacheBytes } = options
  if (typeof directory !== 'string' || directory === '') refuse('directory', 'the path of a folder')
  if (durability !== undefined && !(durability in LEVEL_OF_NAME)) refuse('durability', 'memory, os or fsync')
  if (compression !== undefined && !['zstd', 'lz4', 'none'].includes(compression))
    refuse('compression', 'zstd, lz4 or none')
  if (cacheBytes !== undefined && !(cacheBytes >= WINDOW_BYTES_MIN)) {
    refuse('cacheBytes', `at least ${WINDOW_BYTES_MIN} bytes`)
  }
}

function refuse(option: string, expected: string): never {
  throw new StorageError('STORAGE_OPTION', `${option} must be ${expected}`)
}
