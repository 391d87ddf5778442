/**
 * The named bounds of the log. Each says why it is what it is; options are checked against them at open.
 */

/** A position's offset is an int32, and one file must stay small enough to merge and to copy. */
export const SEGMENT_BYTES_MAX = 1 << 30
export const SEGMENT_BYTES_MIN = 1 << 12
export const SEGMENT_BYTES_DEFAULT = 64 << 20

/** The ring in memory: a power of two, so that a position becomes an index by a mask. */
export const WINDOW_BYTES_MAX = 1 << 30
export const WINDOW_BYTES_MIN = 1 << 12
export const WINDOW_BYTES_DEFAULT = 32 << 20

/** Entries nobody asked a level for are written by then. */
export const FLUSH_AFTER_MS_DEFAULT = 10

/**
 * An open block of this size leaves at the end of its turn, asked for or not: a larger one is no longer in
 * the processor's cache when its checksums are taken and the kernel copies it.
 */
export const FLUSH_ABOVE_BYTES = 64 << 10

/**
 * Pieces of the log that the ring can map at once: one per roll and one per turn of the ring. Older ones are
 * read from disk.
 */
export const EXTENT_COUNT_MAX = 16

/** Segment numbers are positive int32. */
export const SEGMENT_NUMBER_MAX = 0x7fffffff

/**
 * A block is not longer, unless one entry or group is: whoever goes through the log block by block holds up
 * nobody for long.
 */
export const LOG_BLOCK_BYTES = 1 << 20

/** Bytes that open reads at once, and that an output of merge collects before it writes. */
export const READ_CHUNK_BYTES = 1 << 20
export const OUTPUT_BLOCK_BYTES = 1 << 20

/**
 * Zeros that are written ahead of the log, where syncs are asked for: a sync then finds blocks that the file
 * has already and need not wait for the file system's journal, but with one piece in very many. Where more
 * than a part of a piece comes in one commit, that would be no gain beside writing everything twice.
 */
export const FILL_BYTES = 512 << 10
export const FILLED_COMMIT_BYTES_MAX = FILL_BYTES >> 2

/**
 * The tail is synced when so much of it was written since, though nobody asked: a rare fsync among writers
 * that want none then finds little to do. Each sync costs those writers something, hence not more often.
 */
export const TAIL_SYNC_BYTES = 32 << 20

/** An output of merge is synced whenever so much more of it is written. */
export const OUTPUT_SYNC_BYTES = 4 << 20

/** Descriptors kept open for reading sealed segments. */
export const DESCRIPTOR_COUNT_MAX = 256

/** How often in a row a read or write is made again that was interrupted (EINTR) or had to wait (EAGAIN). */
export const TRANSIENT_COUNT_MAX = 32
