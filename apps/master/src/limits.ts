/** The named bounds of the master. */

/** Workers say that they are there so often. */
export const HEARTBEAT_MS = 1_000
/** While a cluster is about to begin. */
export const HEARTBEAT_COLLECTING_MS = 200
/** A worker that was silent for longer is not there. */
export const LIVE_MS = 5_000

/** A new cluster begins when nobody new has come for so long, */
export const COLLECT_MS = 1_000
/** or so long after the first one came. */
export const COLLECT_MS_MAX = 5_000

/** Layouts are looked at, and those who wait to join are brought on, so often. */
export const TICK_MS = 500
/** A worker that could not be reached is tried again after so long. */
export const REACH_AGAIN_MS = 2_000

/** For what the master asks of a worker: is it there, */
export const REACH_TIMEOUT_MS = 3_000
/** and questions and requests about its layout. */
export const ADMIN_TIMEOUT_MS = 10_000

export const REPLY_BYTES_MAX = 4 * 1024 * 1024
export const BODY_BYTES_MAX = 1024 * 1024
export const CONNECTIONS_MAX = 10_000
/** For the whole of a request to come. */
export const REQUEST_TIMEOUT_MS = 10_000
/** For what is under way at the end. */
export const DRAIN_MS = 2_000

export const CACHE_BYTES = 8 * 1024 * 1024
