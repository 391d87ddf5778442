/**
 * Where a level's keys lie in the store: behind one byte.
 *
 *     level   ''        'a'         gt 'a'                   everything
 *     store   [00]      [00 61]     gt [00 61], prefix [00]  prefix [00]
 *
 * A level may hold the empty key, a store's keys have 1 to 65,535 bytes; so a level's have 0 to 65,534. The
 * order stays. What else is in the store the level neither sees nor clears.
 */

import type { ScanOptions } from '../scan/scan-range.ts'

const PREFIX = Uint8Array.of(0)

/** What abstract-level has made of a caller's range: `gte` goes before `gt`, `lte` before `lt`. */
export interface LevelRange {
  gt?: Buffer
  gte?: Buffer
  lt?: Buffer
  lte?: Buffer
  reverse: boolean
}

export function toStore(key: Buffer): Buffer {
  return Buffer.concat([PREFIX, key])
}

export function fromStore(key: Uint8Array): Buffer {
  return asBuffer(key).subarray(PREFIX.length)
}

/** The same bytes, not copied. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

export function scanOf({ gt, gte, lt, lte, reverse }: LevelRange, keysOnly: boolean): ScanOptions {
  return {
    prefix: PREFIX,
    reverse,
    keysOnly,
    ...(gte !== undefined ? { gte: toStore(gte) } : gt !== undefined ? { gt: toStore(gt) } : {}),
    ...(lte !== undefined ? { lte: toStore(lte) } : lt !== undefined ? { lt: toStore(lt) } : {}),
  }
}
