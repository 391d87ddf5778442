/**
 * The engine as scans see it: a view is the sorted lists of all segments at one moment. Lists never change,
 * and the files behind them stay while their segments are pinned, so nothing is copied for a view.
 *
 * A record that the log's window or the cache holds is answered at once; one that has not reached the
 * durability it was written for, later; one on disk as `ReadPace` says.
 */

import { type hashKey, KeyHash } from '@minivault/codec'
import type { Durability } from '@minivault/wal'
import type { Engine } from '../engine.ts'
import { isExpired } from '../expiry.ts'
import { fingerprintOf, shardOf } from '../fingerprint.ts'
import type { Found } from '../found.ts'
import type { KeyRange } from '../hint/entry-list.ts'
import type { HintDamaged } from '../hint/hint-block.ts'
import { type KeyCursor, MergedCursor } from '../hint/key-cursor.ts'
import type { KeyEntry } from '../hint/key-entry.ts'
import { closedError, NO_TOKEN } from '../hot-door.ts'
import { BLOB_BIT, LENGTH_MASK, LEVEL_SHIFT } from '../keydir.ts'
import type { KeyLists } from '../keys/segment-keys.ts'
import { copiedEntry } from '../reads.ts'
import { fromLog } from '../storage-error.ts'
import type { Waiters } from '../waiters.ts'
import type { ReadPace } from './read-pace.ts'
import type { ScanEntry, ScanSource, ScanView } from './scan-source.ts'

export interface IndexScanParts {
  engine: Engine
  waiters: Waiters
  hash: typeof hashKey
  now: () => number
  pace: ReadPace
}

export class IndexScanSource implements ScanSource {
  readonly #parts: IndexScanParts

  constructor(parts: IndexScanParts) {
    this.#parts = parts
  }

  view(): ScanView {
    if (this.#parts.engine.closed) throw closedError()
    return new IndexView(this.#parts)
  }
}

class IndexView implements ScanView {
  readonly #parts: IndexScanParts
  readonly #lists: KeyLists[]
  readonly #hash = new KeyHash()
  #record = new Uint8Array(4096)

  constructor(parts: IndexScanParts) {
    const { keys, ledger, blobs } = parts.engine
    this.#parts = parts
    this.#lists = keys.lists()
    for (const { segment } of this.#lists) ledger.pin(segment)
    blobs.hold()
  }

  release(): void {
    const { ledger, blobs } = this.#parts.engine
    for (const { segment } of this.#lists) ledger.unpin(segment)
    blobs.release()
  }

  cursor(range: KeyRange): KeyCursor {
    const cursors: KeyCursor[] = []
    const { dropped } = this.#parts.engine.keys
    for (const { segment, hint, runs } of this.#lists) {
      if (hint !== null) cursors.push(dropped.cursor(hint.cursor(range), segment))
      for (const run of runs) cursors.push(dropped.cursor(run.cursor(range), segment))
    }
    return new MergedCursor(cursors, range)
  }

  isExpired(expiresAtMs: number): boolean {
    return isExpired(expiresAtMs, this.#parts.now())
  }

  mayShow({ segment, offset, lengthWord }: KeyEntry): boolean {
    const level = (lengthWord >>> LEVEL_SHIFT) as Durability
    return this.#parts.engine.completions.isReached(level, segment, offset)
  }

  read(entry: KeyEntry, leavesFile: boolean): ScanEntry | null | Promise<ScanEntry | null> {
    const { engine, waiters, pace } = this.#parts
    const { segment, offset, lengthWord } = entry
    const length = lengthWord & LENGTH_MASK
    const key = new Uint8Array(entry.bytes.subarray(entry.keyStart, entry.keyEnd))
    const mayShow = this.mayShow(entry)
    const isLeft = leavesFile && (lengthWord & BLOB_BIT) !== 0
    if (mayShow && ((lengthWord & BLOB_BIT) === 0 || isLeft)) {
      if (this.#isInMemory(entry)) {
        const { bytes, at } = engine.lookup
        if (isLeft) engine.reader.describe(engine.found, bytes, at, length)
        else engine.reader.answer(bytes, at, length, NO_TOKEN)
        return entryOf(key, engine.found)
      }
      if (pace.mayReadNow()) {
        if (this.#record.length < length) this.#record = new Uint8Array(2 * length)
        pace.readNow(() => engine.log.readSync(segment, offset, length, this.#record, 0))
        if (isLeft) engine.reader.describe(engine.found, this.#record, 0, length)
        else engine.reader.answer(this.#record, 0, length, NO_TOKEN)
        return entryOf(key, engine.found)
      }
    }
    const token = waiters.token()
    if (isLeft) engine.describing.add(token)
    const answer = waiters.read(token, (found) => entryOf(key, found))
    if (mayShow) engine.reader.readAt(segment, offset, length, token)
    else {
      const level = (lengthWord >>> LEVEL_SHIFT) as Durability
      engine.completions.waitForRead(level, token, segment, offset, length)
      engine.log.demand(engine.log.error === null ? level : 1)
    }
    return answer
  }

  /** Points `lookup` to the entry's record where that is in memory. */
  #isInMemory({ segment, offset, space, bytes, keyStart, keyEnd }: KeyEntry): boolean {
    const { engine, hash } = this.#parts
    const { lookup, log } = engine
    const at = log.windowOffset(segment, offset)
    if (at >= 0) {
      lookup.bytes = log.window
      lookup.at = at
      return true
    }
    hash(bytes, keyStart, keyEnd, this.#hash)
    const shardIndex = shardOf(this.#hash)
    const fingerprint = fingerprintOf(space, this.#hash)
    const slot = lookup.keydir.findPosition(shardIndex, fingerprint, segment, offset)
    return slot >= 0 && lookup.resolve(lookup.keydir.shards[shardIndex]!, slot)
  }

  async repair(damage: HintDamaged): Promise<void> {
    const { keys } = this.#parts.engine
    try {
      for (const lists of this.#lists) {
        if (lists.hint?.path !== damage.path) continue
        // Another may have come across the damage before.
        if (keys.listsOf(lists.segment).hint === lists.hint) keys.repair(damage)
        Object.assign(lists, keys.listsOf(lists.segment))
      }
    } catch (error) {
      throw fromLog(error)
    }
  }
}

function entryOf(key: Uint8Array, found: Found): ScanEntry | null {
  const entry = copiedEntry(found)
  if (entry === undefined) return null
  const { value, version, type, expiresAtMs } = entry
  const { blob } = found
  if (blob === null || value.length > 0) return { key, value, version, type, expiresAtMs }
  return { key, value, version, type, expiresAtMs, leftBytes: blob.size }
}
