/**
 * What the owner of a log is told while it opens: the entries on disk, segment by segment in the order of the
 * numbers. Segments that the owner knows already (by an index of its own on disk) need not be read.
 */
export interface Replayer {
  /**
   * Asked for each listed sealed segment whose header and length are right: `seed` is its random id, `bytes`
   * its length. True: its entries are neither read nor verified now. Absent: all are read.
   */
  covers?(segment: number, seed: number, bytes: number): boolean
  /** One call per entry, in log order. The payload is bytes[start, end), valid only during the call. */
  entry(segment: number, offset: number, bytes: Uint8Array, start: number, end: number): void
  /** After the last entry of each segment that was read and is kept; `bytes` is the length that counts. */
  ended?(segment: number, seed: number, bytes: number): void
}
