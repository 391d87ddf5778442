/**
 * The window: the newest bytes of the log in one off-heap ring (FASTER's in-memory tail, Chandramouli et al.
 * 2018). Appends are built here, writes leave from here, recent records are read from here.
 *
 * Places in the ring are *virtual addresses*: int32 that grow for ever and wrap; the low bits are the index.
 * An *extent* maps a piece of a segment's file to addresses: within one, file offset and address grow
 * together. A new one starts with each segment and whenever the tail skips to the ring's beginning because a
 * block would not fit before its end.
 *
 * Invariant: addresses in [end - size, end) hold the bytes that were last put there; only those are handed
 * out. Memory is touched only as the tail first passes it.
 */
import { EXTENT_COUNT_MAX } from './limits.ts'

export class Window {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly words: Int32Array
  readonly size: number
  readonly mask: number
  /** Address behind the newest reserved byte. */
  end = 0

  readonly #segments = new Int32Array(EXTENT_COUNT_MAX)
  readonly #offsets = new Int32Array(EXTENT_COUNT_MAX)
  readonly #addresses = new Int32Array(EXTENT_COUNT_MAX)
  #count = 0

  /** `bytes` goes on behind the ring for `spareBytes`, which are not the window's affair. */
  constructor(size: number, spareBytes = 0) {
    const buffer = new ArrayBuffer(size + spareBytes)
    this.bytes = new Uint8Array(buffer)
    this.view = new DataView(buffer)
    this.words = new Int32Array(buffer)
    this.size = size
    this.mask = size - 1
  }

  /** From here on `offset` of `segment` lies at `address`. The same start again replaces the extent. */
  extend(segment: number, offset: number, address: number): void {
    this.#forget(address)
    let at = this.#count
    if (at > 0 && this.#segments[at - 1] === segment && this.#offsets[at - 1] === offset) at--
    if (at === EXTENT_COUNT_MAX) {
      this.#shift(1)
      at--
    }
    this.#segments[at] = segment
    this.#offsets[at] = offset
    this.#addresses[at] = address
    this.#count = at + 1
  }

  /**
   * Drops extents that the ring has overwritten: none may grow so old that its addresses come round again.
   */
  #forget(address: number): void {
    let gone = 0
    while (gone + 1 < this.#count && (address - this.#addresses[gone + 1]!) >>> 0 >= this.size) gone++
    if (gone > 0) this.#shift(gone)
  }

  #shift(by: number): void {
    this.#segments.copyWithin(0, by)
    this.#offsets.copyWithin(0, by)
    this.#addresses.copyWithin(0, by)
    this.#count -= by
  }

  /** Index of this position in `bytes`, or -1 when the ring no longer holds it. */
  indexOf(segment: number, offset: number): number {
    for (let at = this.#count - 1; at >= 0; at--) {
      if (this.#segments[at] !== segment || offset < this.#offsets[at]!) continue
      const address = (this.#addresses[at]! + (offset - this.#offsets[at]!)) | 0
      const age = (this.end - address) | 0
      return age > 0 && age <= this.size ? address & this.mask : -1
    }
    return -1
  }
}
