/**
 * One block of a hint file, checked: four bytes of checksum, then entries in order. The checksum's seed is
 * the segment's id plus the block's place in the file, so that no block passes for another.
 */

import { crc32 } from '@minivault/wal'
import { EntryList } from './entry-list.ts'
import { BLOCK_HEADER_BYTES } from './hint-format.ts'
import { int32At, type KeyEntry } from './key-entry.ts'

/** A hint file is not what its header promised; whoever catches it makes the hint anew. */
export class HintDamaged extends Error {
  override readonly name = 'HintDamaged'
  readonly path: string

  constructor(path: string, position: number, cause?: unknown) {
    super(`${path} is damaged at ${position}`, cause === undefined ? undefined : { cause })
    this.path = path
  }
}

export class HintBlock {
  readonly list = new EntryList()
  /** Where `read` finds the bytes; grown by whoever fills it. */
  bytes = new Uint8Array(0)

  /** Takes the block in bytes[at, end) if its checksum is right. */
  take(bytes: Uint8Array, at: number, end: number, seed: number): boolean {
    if (end - at < BLOCK_HEADER_BYTES) return false
    if (int32At(bytes, at) !== crc32(bytes, at + BLOCK_HEADER_BYTES, end, seed)) return false
    return this.list.walk(bytes, at + BLOCK_HEADER_BYTES, end)
  }

  /** Reads the entry of exactly this key. */
  search(
    space: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    segment: number,
    into: KeyEntry,
  ): boolean {
    const index = this.list.find(space, key, keyStart, keyEnd)
    if (index < 0) return false
    this.list.read(index, segment, into)
    return true
  }

  /** Makes room for so many bytes. */
  room(length: number): Uint8Array {
    if (this.bytes.length < length) this.bytes = new Uint8Array(length)
    return this.bytes
  }
}
