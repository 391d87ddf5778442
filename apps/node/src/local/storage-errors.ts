/** What a storage error is called on the wire. A code without a row is a defect of ours: INTERNAL. */
import { ERROR, type ErrorNumber } from '@minivault/protocol'
import { StorageError } from '@minivault/storage'

const NAMES: Partial<Record<string, ErrorNumber>> = {
  STORAGE_CORRUPT: ERROR.CORRUPT,
  STORAGE_READ_ONLY: ERROR.READ_ONLY,
  STORAGE_DISK_FULL: ERROR.DISK_FULL,
  STORAGE_CLOSED: ERROR.SHUTTING_DOWN,
  STORAGE_KEY_LENGTH: ERROR.KEY_LENGTH,
  STORAGE_VALUE_TOO_LARGE: ERROR.VALUE_TOO_LARGE,
  STORAGE_VALUE_ENCODING: ERROR.BAD_COMPRESSION,
  STORAGE_NOT_A_NUMBER: ERROR.NOT_A_NUMBER,
  STORAGE_BATCH: ERROR.VALUE_TOO_LARGE,
  STORAGE_OPTION: ERROR.BAD_REQUEST,
  STORAGE_SCAN: ERROR.BAD_REQUEST,
  STORAGE_SCANS_MAX: ERROR.OVERLOADED,
  STORAGE_SCAN_EXPIRED: ERROR.OVERLOADED,
  STORAGE_STREAM_EXPIRED: ERROR.OVERLOADED,
}

export function errorOf(error: unknown): ErrorNumber {
  if (!(error instanceof StorageError)) return ERROR.INTERNAL
  return NAMES[error.code] ?? ERROR.INTERNAL
}
