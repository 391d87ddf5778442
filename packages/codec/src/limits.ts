/** The named bounds of this package. */

/** Values up to this length are stored as they are. */
export const COMPRESS_ABOVE_BYTES = 1024
/** A compressed form is kept when it is at least 1 / 2^3 shorter. */
export const COMPRESS_GAIN_SHIFT = 3
/** While compressing does not pay, at most this many values in a row are not even tried. */
export const COMPRESS_SKIP_MAX = 63
/** The compressor keeps an output buffer of at most this size between calls. */
export const COMPRESS_BUFFER_BYTES_MAX = 1024 * 1024

/** A zstd window above this is refused whatever the caller allows: it is memory that the frame asks for. */
export const ZSTD_WINDOW_BYTES_MAX = 128 * 1024 * 1024
/** The same for fzstd, which moves its whole window for each block. RFC 8878 asks decoders for 8 MiB. */
export const FZSTD_WINDOW_BYTES_MAX = 8 * 1024 * 1024
/** No zstd block regenerates more than this. */
export const ZSTD_BLOCK_BYTES_MAX = 128 * 1024
/** lz4 cannot expand a byte into more than this many. */
export const LZ4_EXPANSION_MAX = 255

/** Size of a piece, where a value is decompressed in pieces: about a millisecond of work. */
export const VALUE_PIECE_BYTES = 512 * 1024
/** A decoder that had to make room for a larger zstd window than this is not kept for use again. */
export const ZSTD_WINDOW_KEPT_BYTES = 8 * 1024 * 1024
