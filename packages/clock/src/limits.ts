/** The named bounds of this package. */

/** Wall milliseconds are 48 bits: good until the year 10889. */
export const WALL_MS_MAX = 2 ** 48 - 1
export const COUNTER_MAX = 0xffff

/** A version whose wall time is further ahead of our own wall clock than this is never adopted. */
export const MAX_OFFSET_MS = 500

/** The persisted bound is moved once for about this much issued time ... */
export const BOUND_STEP_MS = 10_000
/**
 * ... and this long before it is reached, so that whoever persists it may still take versions below the old
 * one.
 */
export const BOUND_AHEAD_MS = 2_000
