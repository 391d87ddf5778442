/*
 * The named bounds and defaults of the client.
 */

/** Connections to a node. Two: a large value on one leaves the other to the small ones. */
export const CONNECTIONS_DEFAULT = 2

/** How long a call may take in all, retries included. */
export const TIMEOUT_MS_DEFAULT = 10_000

/** How long connecting, HELLO and AUTH may take together before the next try. */
export const CONNECT_TIMEOUT_MS_DEFAULT = 3_000

/** How long a server that knows only the documented opcodes may be silent about HELLO. */
export const HELLO_TIMEOUT_MS_DEFAULT = 2_500

/** Requests on their way or waiting for a connection; one more is refused with CLIENT_QUEUE_FULL. */
export const QUEUE_REQUESTS_MAX_DEFAULT = 10_000

/** Requests unanswered on one connection; the rest waits in the client's own queue. */
export const IN_FLIGHT_MAX = 1_000

/** Bytes handed to a socket and not yet taken before further requests wait. */
export const UNSENT_BYTES_MAX = 4 * 1024 * 1024

/** Times a request is sent again after its connection broke. */
export const RETRIES_MAX_DEFAULT = 5

/** First and longest pause before connecting again; doubled each time, with up to half of it at random. */
export const RECONNECT_MS_MIN = 20
export const RECONNECT_MS_MAX = 2_000

/** How often time-outs are looked for while requests wait: they come at most this late. */
export const SWEEP_MS = 25

/** New request ids taken after CLOCK_TOO_FAR before the server is asked to stamp its own. */
export const CLOCK_RETRIES_MAX = 3

/** Values up to this are copied behind each other into one write; larger ones follow as they are. */
export const COPY_BYTES_MAX = 16 * 1024

/** What one read of a socket may bring. */
export const READ_BUFFER_BYTES = 64 * 1024

/** A connection keeps a buffer for incomplete replies up to this: larger than the largest frame. */
export const INCOMING_KEPT_BYTES_MAX = 512 * 1024

/** Values from a source up to this are gathered and sent like any other; also all of unknown size. */
export const STREAM_GATHER_BYTES_MAX = 4 * 1024 * 1024

/** Values from a source on their way at once, each on a connection of its own; further ones wait. */
export const UPLOADS_MAX = 4

/** Bytes of an upload handed to its socket and not yet taken before the source is asked for more. */
export const UPLOAD_UNSENT_BYTES_MAX = 512 * 1024

/** What an HTTP reply may have beside a value: the rest of its page, or of an error. */
export const HTTP_REPLY_OVERHEAD_BYTES = 2 * 1024 * 1024

/** What one call of a stream of a value asks for; at most two such pieces of it are in memory. */
export const STREAM_PIECE_BYTES = 1024 * 1024

/** Tries of `update` where the call does not say otherwise. */
export const UPDATE_ATTEMPTS_MAX_DEFAULT = 16

/** The pause before the second try of `update`, doubled with each up to the longest; a random part of it. */
export const UPDATE_PAUSE_MS_MIN = 2
export const UPDATE_PAUSE_MS_MAX = 200

/** Times a scan looks again for a large value that is replaced while it is fetched. */
export const SCAN_FETCHES_MAX = 8

/** Of several nodes: answers whose times are remembered, the least of them, how often they are looked at. */
export const LATENCIES_KEPT = 512
export const LATENCIES_LEAST = 64
export const LATENCIES_STEP = 32

/**
 * How long a node may take before the next is asked as well: three times what 99 of 100 answers took, within
 * these bounds; and before that is known. A value gets a millisecond for each so many bytes on top.
 */
export const TRY_MS_MIN = 50
export const TRY_MS_MAX = 1_000
export const TRY_MS_START = 1_000
export const TRY_LATENCIES = 3
export const TRY_BYTES_PER_MS = 10_000

/** A node that answers other calls may take so many times as long for a write. */
export const BUSY_TRIES = 8

/** Nodes that work on one call at the same time. */
export const ATTEMPTS_AT_ONCE_MAX = 3

/** Attempts of a call are numbered by a byte. */
export const ATTEMPT_MAX = 255

/**
 * The shortest wait before a second node is asked to read, the share of reads for which one may be, and how
 * many such are saved up at most.
 */
export const HEDGE_MS_MIN = 2
export const HEDGE_SHARE_DEFAULT = 0.05
export const HEDGES_SAVED_MAX = 20

/** First and longest rest of a node that refuses, or does not answer; doubled with each failure. */
export const REST_MS_MIN = 50
export const REST_MS_MAX = 2_000

/** How long a node that does not answer may take to answer HEALTH before its connection is given up. */
export const PROBE_MS = 3_000

/** First and longest pause of a call that every node has refused; doubled each time. */
export const ROUND_PAUSE_MS_MIN = 20
export const ROUND_PAUSE_MS_MAX = 1_000

/** How old a layout may be before it is asked for again while there are calls; and after a hint. */
export const LAYOUT_MS_MAX = 10_000
export const LAYOUT_HINTED_MS_MIN = 500

/** How long a node that is a member no more is kept, for the calls that it has. */
export const NODE_LEAVES_MS = 60_000

/** Reads of one `getMany` under way at once. */
export const READS_AT_ONCE_MAX = 256
