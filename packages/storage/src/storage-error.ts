/**
 * The one error class of this package. `code` is the stable part: it decides what a caller does and which wire
 * status it becomes; the message is for a person; the error of the level below is the `cause`.
 */

export type StorageErrorCode =
  | 'STORAGE_CLOSED'
  | 'STORAGE_CORRUPT'
  | 'STORAGE_DISK_FULL'
  | 'STORAGE_FOLDER'
  | 'STORAGE_FORMAT'
  | 'STORAGE_KEY_LENGTH'
  | 'STORAGE_LOCKED'
  | 'STORAGE_OPTION'
  | 'STORAGE_READ_ONLY'
  | 'STORAGE_VALUE_ENCODING'
  | 'STORAGE_VALUE_TOO_LARGE'

export interface StorageErrorDetail {
  path?: string | undefined
  cause?: unknown
}

export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly code: StorageErrorCode
  /** The file or folder it is about, where there is one. */
  readonly path: string | undefined

  constructor(code: StorageErrorCode, message: string, detail: StorageErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.code = code
    this.path = detail.path
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
