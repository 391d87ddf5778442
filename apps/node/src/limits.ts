/**
 * Every bound of the node in one place: what is queued, kept or waited for has a name here. Sizes of keys,
 * values and frames are the wire's and stand in `@minivault/protocol`.
 */

/** Connections one node accepts, unless `-maxconns` or the descriptor limit says less. */
export const CONNECTIONS_MAX = 50_000
/**
 * Descriptors kept free of clients: segments, blobs, the listening sockets, the log file of the supervisor.
 */
export const DESCRIPTORS_RESERVED = 64

/**
 * How much V8's old generation may grow, beyond what was alive after the last collection, until the next. Of
 * itself V8 keeps to a tenth here, since the pauses are short, and does not count what its helpers mark
 * beside them: that was a tenth of the CPU of a loaded member.
 */
export const HEAP_GROWING_PERCENT = 200

/**
 * Bytes one socket read may bring: all connections share the one buffer, since a read is parsed before the
 * next.
 */
export const READ_BUFFER_BYTES = 512 * 1024
/** Size of a pooled output chunk; a reply that does not fit leaves in a buffer of its own. */
export const OUTPUT_CHUNK_BYTES = 64 * 1024
/** Of these, so many lie in one memory with the read buffer and the log's window. */
export const OUTPUT_CHUNKS_IN_MEMORY = 16
/**
 * Connections answered in one turn after which all but the newest send what they have: these chunks suffice.
 */
export const TURN_FLUSHES_AFTER = OUTPUT_CHUNKS_IN_MEMORY - 1
/** Shorter pieces of a chunk, from its beginning, are kept as views. */
export const OUTPUT_VIEWS_MAX = 1024
/** Output chunks kept for reuse: what 50 busy connections need, no more. */
export const OUTPUT_CHUNKS_POOLED = 64
/** Bytes a client may leave unread before its requests are no longer read. */
export const OUTPUT_HIGH_WATER_BYTES = 1024 * 1024
/** The same for a client that has yet to show the key before it may do anything. */
export const STRANGER_UNSENT_BYTES_MAX = 4096
/**
 * Bytes that all clients together may leave unread, large values on their way out not counted. From half of
 * it on nobody is read from who leaves anything unread; a connection that would take more than all of it is
 * closed.
 */
export const UNSENT_BYTES_MAX = 256 * 1024 * 1024
/** Requests of one connection under way at once (power of two); more stay unread until replies have left. */
export const REPLY_SLOTS = 1024

/**
 * An operation without an answer after this long is in doubt (HTTP 504, binary: the connection is closed).
 */
export const OPERATION_TIMEOUT_MS = 30_000
/** A cluster gives an operation up before, so that its client hears what is known of it. */
export const CLUSTER_DEADLINE_MS = 25_000
/** HTTP: after which a client may ask again whose request found too few replicas. */
export const NO_QUORUM_RETRY_SECONDS = 1
/** Places in which operations of one connection on one key follow each other; a power of two. */
export const SAME_KEY_PLACES = 16 * 1024
/** Replies of which not a byte is taken for this long end the connection. */
export const WRITE_TIMEOUT_MS = 30_000
/**
 * A started request must be complete by then; between requests a connection may be silent for as long as it
 * likes.
 */
export const FRAME_TIMEOUT_MS = 30_000
/** HTTP: headers must be complete by then, whole requests by the second. */
export const HTTP_HEADERS_TIMEOUT_MS = 15_000
export const HTTP_REQUEST_TIMEOUT_MS = 300_000
/**
 * HTTP: a connection may be silent so long between two requests; a little more than what load balancers and
 * proxies in front of it wait for, so that it is they who end it. Told to clients in whole seconds.
 */
export const HTTP_KEEP_ALIVE_MS = 72_000
/** HTTP: a key of 65,535 bytes may be percent-encoded to three times as much. */
export const HTTP_HEADER_BYTES_MAX = 256 * 1024
/** HTTP: of a request that is answered without `node:http`; with its head it is held uncounted. */
export const PLAIN_HEAD_BYTES_MAX = 8 * 1024
export const PLAIN_BODY_BYTES_MAX = 56 * 1024
/** HTTP: what may surround the value in a request body. */
export const HTTP_BODY_OVERHEAD_BYTES = 64 * 1024
/** HTTP: an unread rest of a refused body up to this size is skipped, above it the connection is closed, */
export const HTTP_SKIP_BYTES_MAX = 64 * 1024
/** Sweep that finds stalled requests. */
export const SWEEP_INTERVAL_MS = 1000

/** Requests remembered, so that a retry is answered and not repeated. */
export const LEDGER_ENTRIES = 64 * 1024
/** Versions of batches remembered for their retries; the oldest batch goes first. */
export const LEDGER_BATCH_VERSIONS = 64 * 1024
/** Pages of scans filled at once, and those that wait for their turn; one more is refused. */
export const SCANS_AT_ONCE_MAX = 16
export const SCANS_WAITING_MAX = 4096
/** Of a cluster: keys of one list that members ask each other for, and bytes of our own with their values. */
export const SCAN_LIST_ENTRIES_MAX = 1000
export const SCAN_LIST_ENTRIES_MIN = 16
export const SCAN_LIST_BYTES = 256 * 1024
/** So long a list is waited for, and all that a page takes; keys of a page asked for at once. */
export const SCAN_PATIENCE_MS = 500
export const SCAN_PAGE_MS_MAX = 10_000
export const SCAN_READS_AT_ONCE = 64
/** The latest moment at which a value may end, in wall milliseconds: what 48 bits hold. */
export const EXPIRY_MS_MAX = 2 ** 48 - 1
/**
 * After a signal: how long requests under way may take before their connections are cut, and clients that
 * have all their replies may take to hang up. Well below the ten seconds that supervisors wait.
 */
export const DRAIN_TIMEOUT_MS = 7000
export const DRAIN_IDLE_MS = 1000

/**
 * A master that does not answer is asked again after so long, twice as long each time: no longer than a
 * master with an empty folder listens before it begins a new cluster (with a tenth that is added by chance),
 * so that it hears of the one there is.
 */
export const MASTER_BACKOFF_MS_MIN = 125
export const MASTER_BACKOFF_MS_MAX = 750
export const MASTER_TIMEOUT_MS = 5_000
/** The names of a thousand members. */
export const MASTER_REPLY_BYTES_MAX = 1024 * 1024

/** Values one connection may have on their way in chunks at once. */
export const CHUNKED_VALUES_MAX = 8

/**
 * A larger value is written to a file of its own before it takes effect; requests behind it on its connection
 * wait for it, so that a client reads what it has just sent.
 */
export const HELD_ABOVE_BYTES = 64 * 1024

/**
 * A compressed value that may become larger is not unpacked in the turn in which it came, but in pieces, one
 * such value at a time over all connections.
 */
export const UNPACKED_AT_ONCE_BYTES_MAX = 512 * 1024

/** Values that are on their way into files at once, over all connections: each has a descriptor. */
export const INTAKES_MAX = 256
/**
 * Bytes of incomplete requests held over all connections: compressed values, JSON texts, batches, HTTP
 * bodies. A connection of the binary port may have HELD_FREE_BYTES of them uncounted.
 */
export const HELD_BYTES_MAX = 256 * 1024 * 1024
export const HELD_FREE_BYTES = 64 * 1024
/**
 * Pieces (1 MiB each) of values on their way out that are in memory, over all connections; of one value; and
 * buffers that are kept for use again.
 */
export const PIECES_OUT_MAX = 64
export const PIECES_AHEAD = 2
export const PIECES_KEPT = 4
/** Buffers for unfinished rests of requests, a read each; and the rest from which on one is worth it. */
export const RESTS_POOLED = 8
export const REST_POOLED_BYTES_MIN = 4096
/** Slices of outgoing values, a chunk each, kept for use again. */
export const SLICES_POOLED = 16
/** What they are kept in: its size to begin with, and how many are kept for use again. */
export const KEPT_REPLIES_BUFFER_BYTES = 16 * 1024
export const KEPT_REPLIES_POOLED = 64
/** Replies kept until their turn comes, in bytes; above it a connection takes no further requests. */
export const KEPT_REPLIES_BYTES_MAX = 1024 * 1024

/** Bytes of large values being read from disk above which a connection takes one request at a time. */
export const READING_BYTES_MAX = 32 * 1024 * 1024
/** Refused chunked values whose further chunks are passed over; one more ends the connection. */
export const CHUNKED_REFUSALS_MAX = 64
/**
 * A chunk that is not the last is at least this large: smaller ones would cost more to keep than they carry.
 */
export const CHUNK_BYTES_MIN = 1024
/**
 * HTTP: pipelined requests of one connection that wait for their answers; it is not read on above. And of all
 * connections together, the one that would add to them is closed.
 */
export const HTTP_PIPELINE_MAX = 16
export const HTTP_UNFINISHED_MAX = 16 * 1024
/** HTTP: bytes given to the parser at once, between requests and in the body of one. */
export const HTTP_HEAD_SLICE_BYTES = 1024
export const HTTP_BODY_SLICE_BYTES = 16 * 1024
/** HTTP: after refusing a large body, how long it is read into nothing so that the reply is not lost. */
export const HTTP_LINGER_MS = 2000

/** RESP: a longer reply to MGET is not written as its values are told. */
export const VALUES_AT_HAND_BYTES_MAX = 64 * 1024
/** RESP: keys of one command that are asked for in one turn of the event loop. */
export const ASKED_AT_ONCE_MAX = 10_000
/** RESP: keys of one command, or transaction, that are looked at again when it takes effect. */
export const KEYS_PROVED_MAX = 10_000
/** RESP: pages of keys that KEYS and FLUSHDB go through; most keys of one SCAN, whatever its COUNT. */
export const KEYS_A_PAGE = 1000
export const KEY_PAGE_BYTES = 1024 * 1024
export const SCAN_ENTRIES_MAX = 10_000
/** RESP: positions of scans that are remembered for the numbers that clients hold, and their bytes. */
export const SCAN_POSITIONS_MAX = 65_536
export const SCAN_POSITION_BYTES_MAX = 16 * 1024 * 1024
/** HTTP: lines of a head. `node:http` would pass over those behind its own bound, a condition among them. */
export const HTTP_HEADERS_MAX = 256
/** HTTP: the longest life of a value that a header may ask for. */
export const HTTP_TTL_MS_MAX = 2 ** 47
/** HTTP: how long a browser may remember what pages of another origin may do. */
export const HTTP_PREFLIGHT_SECONDS = 86_400
/** HTTP: how often a write judged against what is there is tried again when others were faster. */
export const HTTP_CONDITION_TRIES_MAX = 64
/** HTTP: what a body in chunks, on its way into a file, counts of the bytes that are held. */
export const HTTP_STAGING_BYTES = 2 * 1024 * 1024
/** HTTP: a reply above this counts among the bytes that are held until the client has taken it. */
export const HTTP_REPLY_FREE_BYTES = 4096
/** HTTP: pieces (1 MiB each) of values on their way out that are in memory, over all connections. */
export const HTTP_PIECES_OUT_MAX = 32
/** HTTP: a page of a listing, but for its first entry. */
export const LISTING_BYTES_MAX = 1024 * 1024
/** RESP: readers of requests that have not come whole, kept for use again. */
export const RESP_REQUESTS_POOLED = 64
/** RESP: what a copied argument takes beside its bytes. */
export const ARGUMENT_BYTES = 128
/** RESP: what MULTI queues, as commands and as bytes of their arguments. */
export const TRANSACTION_COMMANDS_MAX = 10_000
export const TRANSACTION_BYTES_MAX = 4 * 1024 * 1024
/** RESP: keys that one connection watches, each with what an argument takes beside its bytes. */
export const WATCHED_BYTES_MAX = 4 * 1024 * 1024
/** RESP: a pattern of KEYS, SCAN and the like: matching a key costs up to the product of both lengths. */
export const PATTERN_BYTES_MAX = 1024
/** RESP: a connection's name, and what its library calls itself. */
export const CLIENT_NAME_BYTES_MAX = 256

/**
 * TLS: from the connection to the first byte, and from there to the end of the handshake; also how long a
 * client that was refused may take to end its side.
 */
export const TLS_HANDSHAKE_TIMEOUT_MS = 10_000
/** How old the resident memory may be that the health document tells. */
export const HEALTH_MEMORY_AGE_MS_MAX = 100

/** Peers: the same refusal of batches is logged so often, and so many refusals are told apart. */
export const PEER_REFUSAL_LOG_MS = 60_000
export const PEER_REFUSALS_KNOWN_MAX = 64
/** Peers: from dialling to a connection that may be used; and from a batch to its reply. */
export const PEER_CONNECT_TIMEOUT_MS = 5000
export const PEER_DEADLINE_MS = 5000
/** Peers: how often deadlines are looked at, and who is to be dialled again. */
export const PEER_SWEEP_MS = 100
/** Peers: the pause before a peer is dialled again, from the first failure on, doubled with each. */
export const PEER_REDIAL_MS_MIN = 100
export const PEER_REDIAL_MS_MAX = 2000
/** Peers: connections to one, and the unsent bytes of each from which on another is opened. */
export const PEER_CONNECTIONS_MAX = 10
export const PEER_CONNECTION_FULL_BYTES = 512 * 1024
/** Peers: a link to one that is no member is closed when it was not used for so long; so many are kept. */
export const PEER_LINK_IDLE_MS = 30_000
export const PEER_STRANGERS_MAX = 64
/**
 * Peers: a reply to a batch waits so long for others at most, and so many leave together. Whoever has leave
 * for fewer unanswered batches (`-workers`) waits as long for each.
 */
export const PEER_REPLY_MS = 2
export const PEER_REPLIES_OWED_MAX = 8
/** Peers: messages wait so many turns of the event loop at most for those of the next, while more come. */
export const PEER_TURNS_MAX = 4
/** Peers: a batch that has become so large leaves before the turn is over, or waits alone. */
export const PEER_BATCH_BYTES = 60 * 1024
/** Peers: what waits for one of them, and for how long; the oldest is dropped. */
export const PEER_WAITING_BYTES_MAX = 16 * 1024 * 1024
export const PEER_WAITING_MS_MAX = 2000
/** Peers: the quickest reply of so long tells the clock of the other. */
export const PEER_CLOCK_SAMPLE_MS = 10_000
/** Peers: what a peer may send of a reply before it is whole. */
export const PEER_REPLY_BYTES_MAX = 4096
/** Cluster: so old is a tombstone at least, and so long ago has expired what is let go of with it. */
export const TOMBSTONE_AGE_MS = 24 * 3_600_000
/** Cluster: leaves looked at in one tick for what is old, and keys of those that have something old. */
export const SWEPT_A_TICK = 1024
export const READ_A_TICK = 128
/** Cluster: keys let go of in one tick, of partitions that were dropped; the disk may be read for each. */
export const LET_GO_A_TICK = 256
/** Cluster: the core's timers come at most so late, and lie in a ring of so many steps. */
export const TIMER_STEP_MS = 4
/** Cluster: by so much the time of the timers goes on at most, however late they are looked at. */
export const TIMER_ADVANCE_MS = 16
export const TIMER_STEPS = 1024
/** Cluster: how often a start looks whether a quorum is there. */
export const READY_LOOK_MS = 20
/** A cluster's large values: fetched at once, and those that wait; one more counts as lost. */
export const LARGE_FETCHES_MAX = 4
export const LARGE_FETCHES_WAITING_MAX = 64
/** How long a file stays after it was last spoken of (longer than any operation), and how often one looks. */
export const LARGE_KEPT_MS = 90_000
export const LARGE_SWEEP_MS = 10_000
/** Of an operator's request; and how long a node that is to be added is dialled for, and looked for. */
export const ADMIN_BODY_BYTES_MAX = 1024 * 1024
export const ADMIN_DIAL_MS_MAX = 3000
export const ADMIN_DIAL_LOOK_MS = 20
/** Requests of which a member remembers what it held: 50,000 writes a second for five seconds. */
export const MEMBER_LEDGER_ENTRIES = 256 * 1024
/** How long a plain write waits for answers before a round settles it; a busy disk or machine is no loss. */
export const WRITE_PATIENCE_MS = 1000
/** The same for what is compared or brought to another member. */
export const REPAIR_PATIENCE_MS = 1000
