/**
 * When a value stops to exist. The one judgement of it: reads, conditions, scans and merge ask here, so that
 * an expired record is a tombstone to all of them from the same millisecond on.
 */

/** `expiresAtMs` and `now` are wall milliseconds; 0 never expires. */
export function isExpired(expiresAtMs: number, now: number): boolean {
  return expiresAtMs !== 0 && expiresAtMs <= now
}
