/** When a value of so many milliseconds ends, in wall milliseconds; 0: never. */
import { StorageError } from '@minivault/storage'
import { EXPIRY_MS_MAX } from '../limits.ts'

/** Throws STORAGE_OPTION where that is later than can be said. */
export function expiryOf(ttlMs: number, now: () => number): number {
  if (ttlMs === 0) return 0
  const end = Math.floor(now()) + ttlMs
  if (end <= EXPIRY_MS_MAX) return end
  throw new StorageError('STORAGE_OPTION', 'the value would end after the year 10889')
}
