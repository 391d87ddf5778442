/** Bounds of what members send each other: docs/PEERS.md. */

/** One that would be longer is not sent, and not read: with the header it fits a batch of 4 MiB. */
export const MESSAGE_BYTES_MAX = 4 * 1024 * 1024 - 1024
export const KEY_BYTES_MAX = 0xffff
/** Of lives, partitions, floors, keys, evidence: what two bytes can say. */
export const COUNT_MAX = 0xffff
/** A writer begins with so much, and goes back to it when it was emptied. */
export const WRITER_BYTES = 64 * 1024
