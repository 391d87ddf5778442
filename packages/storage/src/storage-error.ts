/**
 * The one error class of this package. `code` is the stable part: it decides what a caller does and which
 * wire status it becomes; the message is for a person; the error of the level below is the `cause`.
 */

import { WalError } from '@minivault/wal'

export type StorageErrorCode =
  | 'STORAGE_BATCH'
  | 'STORAGE_CLOSED'
  | 'STORAGE_CONDITION'
  | 'STORAGE_CORRUPT'
  | 'STORAGE_DISK_FULL'
  | 'STORAGE_FOLDER'
  | 'STORAGE_FORMAT'
  | 'STORAGE_IO'
  | 'STORAGE_KEY_LENGTH'
  | 'STORAGE_LOCKED'
  | 'STORAGE_NOT_A_NUMBER'
  | 'STORAGE_OPTION'
  | 'STORAGE_READ_ONLY'
  | 'STORAGE_SCAN'
  | 'STORAGE_SCAN_EXPIRED'
  | 'STORAGE_SCANS_MAX'
  | 'STORAGE_STREAM_EXPIRED'
  | 'STORAGE_VALUE_ENCODING'
  | 'STORAGE_VALUE_TOO_LARGE'

export interface StorageErrorDetail {
  path?: string | undefined
  version?: string | undefined
  cause?: unknown
}

export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly code: StorageErrorCode
  /** The file or folder it is about, where there is one. */
  readonly path: string | undefined
  /** With STORAGE_CONDITION: the version the key has now, undefined when there is no such key. */
  readonly version: string | undefined

  constructor(code: StorageErrorCode, message: string, detail: StorageErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.code = code
    this.path = detail.path
    this.version = detail.version
  }
}

/** Finds ENOSPC and EDQUOT anywhere down the chain of causes. */
export function isDiskFull(error: unknown): boolean {
  for (let seen = error; seen instanceof Error; seen = seen.cause) {
    const code = (seen as { code?: unknown }).code
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'WAL_FULL') return true
  }
  return false
}

const CODE_OF_LOG: Record<string, StorageErrorCode> = {
  WAL_CORRUPT: 'STORAGE_CORRUPT',
  WAL_CLOSED: 'STORAGE_CLOSED',
  WAL_FORMAT: 'STORAGE_FORMAT',
  WAL_POISONED: 'STORAGE_READ_ONLY',
  WAL_OPTIONS: 'STORAGE_OPTION',
}

/** The same failure in this package's words. A StorageError passes as it is. */
export function fromLog(error: unknown): StorageError {
  if (error instanceof StorageError) return error
  const message = error instanceof Error ? error.message : String(error)
  const path = error instanceof WalError ? error.path : (error as { path?: string } | null)?.path
  if (isDiskFull(error)) {
    return new StorageError('STORAGE_DISK_FULL', `the disk is full: ${message}`, { path, cause: error })
  }
  const code = error instanceof WalError ? CODE_OF_LOG[error.code] : undefined
  return new StorageError(code ?? 'STORAGE_IO', message, { path, cause: error })
}

/**
 * What a store says after its log has failed: nothing more is written, reads go on. For ever, unless it was
 * for want of room.
 */
export function readOnly(cause: unknown): StorageError {
  const { message } = fromLog(cause)
  const isFull = isDiskFull(cause)
  const code = isFull ? 'STORAGE_DISK_FULL' : 'STORAGE_READ_ONLY'
  const until = isFull ? 'until there is room again' : 'until it is reopened'
  const path = (cause as { path?: string } | null)?.path
  return new StorageError(code, `the store is read-only ${until}: ${message}`, { path, cause })
}
