/**
 * Every bound of the store, by name. A key, a value and a queue have a limit here or they have none;
 * what is refused for size is refused with the code that README lists beside the limit.
 */

/** Longest key in bytes; the record keeps the length in 16 bits. */
export const KEY_BYTES_MAX = 65_535

/** Longest value in bytes, uncompressed. */
export const VALUE_BYTES_MAX = 100 * 1024 * 1024

/**
 * A longer value gets a file of its own under `blobs/` instead of a place in the log: from there on the file
 * costs less than the log and one merge of it (docs/decisions/0004-blob-threshold.md).
 */
export const BLOB_ABOVE_BYTES = 512 * 1024

/** A longer value is compressed where that pays; a shorter one costs more than it saves. */
export const COMPRESS_ABOVE_BYTES = 1024

/** Most operations of one batch. Its bytes are bounded by a quarter of a segment, and of the log's window. */
export const BATCH_OPERATIONS_MAX = 100_000

/** Bounds of the options in bytes. A segment and the window have those of the log. */
export const CACHE_BYTES_MIN = 1024 * 1024
export const CACHE_BYTES_MAX = 1024 ** 4
export const KEYDIR_BYTES_MIN = 4096

/** Default of `cacheBytes`: window and cache together. */
export const CACHE_BYTES_DEFAULT = 512 * 1024 * 1024

/**
 * The log window is half of `cacheBytes`, a power of two, within these: what was just written is what is read
 * next, and it lies there without having been copied.
 */
export const WINDOW_BYTES_MAX = 256 * 1024 * 1024
export const WINDOW_BYTES_MIN = 1024 * 1024

/** Keys whose slots and records are touched together before they are asked for. */
export const FORESEEN_MAX = 16

/** Shards of the keydir; each grows alone. */
export const SHARD_COUNT = 256

/** Shards of the keydir that are told of a new hint file before the event loop gets its turn. */
export const SHARDS_A_SLICE = 16

/** One insertion into the cache moves at most so many bytes of what stays in it. */
export const CACHE_MOVE_BYTES_MAX = 256 * 1024

/** One slice of a running merge: after this many bytes or records the event loop gets its turn. */
export const MERGE_SLICE_BYTES = 512 * 1024
export const MERGE_SLICE_RECORDS = 256

/** A merge whose output the device has not taken in yet looks again after so many milliseconds. */
export const MERGE_REST_MS = 5

/** Merges in a row before the log has filled another segment. */
export const MERGE_ROUNDS_MAX = 16

/**
 * A blob file is written, read and verified in pieces of this size; each has its checksum in the record. Part
 * of the format.
 */
export const BLOB_PIECE_BYTES = 1024 * 1024

/**
 * A blob file is synced after each so many bytes. With one sync at its end another file's fsync waited up to
 * 150 ms behind a value of 100 MB, so it is up to 30 ms.
 */
export const BLOB_SYNC_BYTES = 8 * 1024 * 1024

/** Pieces of one file that are read at once for a `get`. */
export const BLOB_READS_MAX = 2

/**
 * Values that are pushed in: pieces that one of them may have in memory, one of which fills while others are
 * written; the room below which its source shall wait, which is what a source hands over at once.
 */
export const INTAKE_PIECES_MAX = 4
export const INTAKE_ROOM_BYTES = 512 * 1024

/** Pieces of all of them in memory, and how many of those buffers are kept for use again. */
export const INTAKE_BUFFERS_MAX = 64
export const INTAKE_BUFFERS_KEPT = 8

/** A value stream that nobody reads on is ended after this time, at most twice. */
export const STREAM_IDLE_MS_MAX = 60_000

/** The search for orphans looks into so many directories before the event loop gets its turn. */
export const ORPHAN_SLICE_FOLDERS = 32

/**
 * A copied value of more than the first and at most the second many bytes is carved out of a slab; shorter
 * ones V8 keeps on its own heap anyway.
 */
export const HEAP_COPY_BYTES_MAX = 64
export const SLAB_COPY_BYTES_MAX = 4096
export const SLAB_BYTES = 32 * 1024

/** A scan holds its view of the store, and with it files, so long at most; and so many may be open. */
export const SCAN_HOLD_MS_MAX = 10 * 60_000
export const SCAN_COUNT_MAX = 1024

/**
 * A page of a scan: entries of the first one, which doubles up to the maximum; bytes of records from which on
 * it is full; reads of it that are in flight at a time.
 */
export const SCAN_PAGE_ENTRIES_MIN = 16
export const SCAN_PAGE_ENTRIES_MAX = 256
export const SCAN_PAGE_BYTES = 1024 * 1024
export const SCAN_READS_MAX = 16

/** Entries that a scan passes over before the event loop gets its turn. */
export const SCAN_SLICE_ENTRIES = 4096

/** A scan's read from disk that took longer has waited for the device; so many go to the threads then. */
export const SCAN_READ_MS_MAX = 0.05
export const SCAN_READS_LATER_MIN = 16
export const SCAN_READS_LATER_MAX = 1024

/** Keys appended to the log are sorted in memory so many at a time: about a millisecond's work. */
export const RUN_ENTRIES = 4096

/** Entries that go into a hint file, or out of the hints into the keydir, before others get their turn. */
export const HINT_SLICE_ENTRIES = 1024

/** A store of so many entries is loaded before `open` returns; a larger one answers while it loads. */
export const LOAD_AT_OPEN_ENTRIES = 32_768

/** Blocks of hint files kept for the searches to come. */
export const HINT_BLOCKS_KEPT = 64

/** A read that had to wait for a hint block so often goes on synchronously. */
export const HINT_WAITS_MAX = 4

/** Hint files that have a descriptor at a time. */
export const AWAKE_HINTS_MAX = 256

/**
 * `verify` reads so much of a segment, and so many blocks of a hint file, before the event loop gets its
 * turn.
 */
export const VERIFY_SLICE_BYTES = 512 * 1024
export const HINT_BLOCKS_A_TURN = 16

/** A snapshot copies files in pieces of this size, and links so many before the event loop gets its turn. */
export const COPY_PIECE_BYTES = 1024 * 1024
export const LINKS_A_TURN = 32

/** While the disk is full: every so many milliseconds a file of so many bytes is tried. */
export const SPACE_LOOK_MS = 1000
export const SPACE_PROBE_BYTES = 1024 * 1024

/** How often an open looks at the lock anew when another opener is quicker. */
export const LOCK_TRIES_MAX = 100

/** Entries that the clear of a level deletes at once. */
export const CLEAR_ENTRIES = 256
