/*
 * The named bounds of the wire. Both ends check them; nothing on the wire is trusted to be smaller.
 *
 * An announced length above a bound is refused from the header alone, before a byte of the body is stored.
 * Memory is never taken by an announced length: it grows with bytes received.
 */

/** Keys have 1 to 65,535 bytes; zero is not a key. */
export const KEY_BYTES_MAX = 65_535

/** The largest value, in bytes, before and after decompression: 100 MiB. */
export const VALUE_BYTES_MAX = 100 * 1024 * 1024

/** The largest frame of the second form, header included. Larger values travel as chunks. */
export const FRAME_BYTES_MAX = 256 * 1024

/** What a connection that has not authenticated may make the server hold, where the mode asks for it. */
export const UNAUTHENTICATED_BYTES_MAX = 4096

/** The body of HELLO and of its reply (a member name and a message included). */
export const HELLO_BYTES_MAX = 2048

/** A member's name (its normalised public URL) in HELLO. */
export const MEMBER_NAME_BYTES_MAX = 512

/** An error's message on the wire, in bytes of UTF-8; longer ones are cut. */
export const MESSAGE_BYTES_MAX = 1024

/**
 * Value bytes in one chunk frame, so that other replies get between. Beside a key above 65,480 bytes fewer
 * fit: a sender looks at FRAME_BYTES_MAX, too.
 */
export const CHUNK_BYTES = 192 * 1024

/** The operations of a BATCH, their values and heads included: 4 MiB. */
export const BATCH_BYTES_MAX = 4 * 1024 * 1024
export const BATCH_OPERATIONS_MAX = 10_000

/** A batch of messages of one member to another: 8 MiB. */
export const PEER_BATCH_BYTES_MAX = 8 * 1024 * 1024

/** Entries of a page of a SCAN where its request names no number, and the most it may name. */
export const SCAN_ENTRIES_DEFAULT = 1000
export const SCAN_ENTRIES_MAX = 10_000

/** How deep arrays and objects may nest in a JSON text. */
export const JSON_DEPTH_MAX = 10_000

/**
 * A length above every bound, kept small enough to stay a small integer: what an announced length is clamped
 * to.
 */
export const LENGTH_CLAMP = 0x3fff_ffff

/** RESP: the arguments of a request, the bytes of one with all its heads, and of an inline request. */
export const RESP_ARGUMENTS_MAX = 1024 * 1024
export const RESP_REQUEST_BYTES_MAX = 128 * 1024 * 1024
export const RESP_INLINE_BYTES_MAX = 64 * 1024
/** RESP: the arguments of a request from a client that has not authenticated. */
export const RESP_STRANGER_ARGUMENTS_MAX = 16
