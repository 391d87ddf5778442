/**
 * Every key of the log, segment by segment: the truth of which the keydir is a cache. Knows which segments
 * are cold, finds a key there, and gives cursors over all keys in order.
 *
 *     append → KeyRecorder → runs in memory ── sealed ──▶ hint file
 *     no slot in the keydir → the cold segments, youngest first: bloom → block index → one block of the hint
 *
 * Invariant: of the records of one key, the one with the highest ballot lies in a segment of the highest age.
 * So a search stops where all segments left are older than the one it has found the key in.
 */

import type { KeyHash } from '@minivault/codec'
import type { Log } from '@minivault/wal'
import type { DroppedRanges } from '../dropped-ranges.ts'
import { compactRuns } from '../hint/compact-runs.ts'
import type { KeyRange } from '../hint/entry-list.ts'
import { HintDamaged } from '../hint/hint-block.ts'
import type { HintFile } from '../hint/hint-file.ts'
import { isWinner, type KeyCursor } from '../hint/key-cursor.ts'
import { KeyEntry } from '../hint/key-entry.ts'
import type { KeyRun } from '../hint/key-run.ts'
import { type Evictor, SLOT_CACHE, SLOT_OFFSET, SLOT_SEGMENT } from '../keydir.ts'
import { RUN_ENTRIES, SHARD_COUNT, SHARDS_A_SLICE } from '../limits.ts'
import { HintBlocks } from './hint-blocks.ts'
import type { HintMaker } from './hint-maker.ts'
import { KeyRecorder } from './key-recorder.ts'
import type { Overtaken } from './overtaken.ts'
import { type KeyLists, SegmentKeys } from './segment-keys.ts'

/** `missing`: a block of a hint file must be read first. */
export const SEARCH = { absent: 0, found: 1, missing: 2 } as const
export type SearchResult = (typeof SEARCH)[keyof typeof SEARCH]

export class KeyIndex implements Evictor {
  /** What `search` found. Valid until the next search. */
  found = new KeyEntry()
  /** What `search` would have had to read. */
  missingFile: HintFile | null = null
  missingBlock = 0
  /** Drops the cached record of a slot that goes. */
  onEvicted: (cacheReference: number) => void = () => {}
  hasEvicted = false
  /** A segment has got its hint: slots of this shard that had to stay may go. */
  onHinted: (shardIndex: number) => void = () => {}
  /** To be told of every record that goes into the log. */
  readonly recorder: KeyRecorder
  readonly dropped: DroppedRanges
  readonly #log: Log
  readonly #maker: HintMaker
  readonly #segments: Map<number, SegmentKeys>
  readonly #blocks = new HintBlocks()
  /** By segment number: 1 where a hint file can stand in for slots. */
  #hinted = new Uint8Array(64)
  /** Youngest first. */
  #cold: SegmentKeys[] = []
  #candidate = new KeyEntry()
  /** Merged away, but scans may still read them. */
  readonly #retired = new Map<number, SegmentKeys>()
  /** Segments whose hint is not written. */
  readonly #unhinted = new Set<SegmentKeys>()
  #making: Promise<void> | null = null
  readonly #pause: () => Promise<void>
  readonly #onFailed: (error: unknown) => void

  constructor(log: Log, maker: HintMaker, pause: () => Promise<void>, onFailed: (error: unknown) => void) {
    this.#log = log
    this.dropped = maker.dropped
    this.#maker = maker
    this.#segments = maker.segments
    this.#pause = pause
    this.#onFailed = onFailed
    this.recorder = new KeyRecorder(log, (run, overtaken) => this.#take(run, overtaken))
    for (const keys of this.#segments.values()) this.#settle(keys)
    this.#sortCold()
  }

  /** Whether a key without a slot may exist. */
  get hasCold(): boolean {
    return this.#cold.length > 0
  }

  get coldCount(): number {
    return this.#cold.length
  }

  /** What blooms, block indexes and runs take. */
  get memoryBytes(): number {
    let sum = 0
    for (const keys of this.#segments.values()) sum += keys.memoryBytes
    return sum
  }

  isCold(segment: number): boolean {
    return this.#segments.get(segment)?.isCold ?? false
  }

  /**
   * Looks for the newest record of a key in the cold segments; the result stands in `found`. Without
   * `readsDisk` it stops at the first block that memory has not.
   */
  search(
    space: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    hash: KeyHash,
    readsDisk: boolean,
  ): SearchResult {
    let oldest = -1
    const goneBelow = this.dropped.isEmpty ? 0 : this.dropped.goneBelow(space, hash)
    for (let i = 0; i < this.#cold.length; i++) {
      const keys = this.#cold[i]!
      if (keys.ageMax < oldest) break
      if (keys.number < goneBelow) continue
      const result = this.#searchOne(keys, space, key, keyStart, keyEnd, hash, readsDisk)
      if (result === SEARCH.missing) return result
      if (result === SEARCH.absent) continue
      const candidate = this.#candidate
      if (oldest >= 0 && !isWinner(candidate, this.found)) continue
      oldest = keys.ageMin
      this.#candidate = this.found
      this.found = candidate
    }
    return oldest < 0 ? SEARCH.absent : SEARCH.found
  }

  /** Reads what the last search was missing, without holding up the loop. */
  fetchMissing(done: (error: unknown) => void): void {
    this.#blocks.read(this.missingFile!, this.missingBlock, (error) => {
      done(error instanceof HintDamaged ? null : error)
    })
  }

  #searchOne(
    keys: SegmentKeys,
    space: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    hash: KeyHash,
    readsDisk: boolean,
  ): SearchResult {
    if (keys.hint !== null) {
      try {
        return this.#searchHint(keys, keys.hint, space, key, keyStart, keyEnd, hash, readsDisk)
      } catch (error) {
        if (!(error instanceof HintDamaged)) throw error
        this.#reread(keys)
      }
    }
    return this.#searchRuns(keys, space, key, keyStart, keyEnd)
  }

  /** Throws HintDamaged, also where bloom and index have to be read again. */
  #searchHint(
    keys: SegmentKeys,
    hint: HintFile,
    space: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    hash: KeyHash,
    readsDisk: boolean,
  ): SearchResult {
    if (!hint.mayHave(space, hash)) return SEARCH.absent
    const number = hint.blockOf(space, key, keyStart, keyEnd)
    if (number < 0) return SEARCH.absent
    let block = this.#blocks.get(hint, number)
    if (block === null) {
      if (!readsDisk) {
        this.missingFile = hint
        this.missingBlock = number
        return SEARCH.missing
      }
      block = this.#blocks.readSync(hint, number)
    }
    return block.search(space, key, keyStart, keyEnd, keys.number, this.#candidate)
      ? SEARCH.found
      : SEARCH.absent
  }

  #searchRuns(
    keys: SegmentKeys,
    space: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
  ): SearchResult {
    // Later runs have the newer records.
    for (let i = keys.runs.length - 1; i >= 0; i--) {
      if (keys.runs[i]!.find(space, key, keyStart, keyEnd, this.#candidate)) return SEARCH.found
    }
    return SEARCH.absent
  }

  /**
   * Cursors over all keys as of now, one for each sorted list, and the segments they read; or over these
   * segments only.
   */
  cursors(range: KeyRange, only?: readonly number[]): { cursors: KeyCursor[]; segments: number[] } {
    this.recorder.finishRun()
    const cursors: KeyCursor[] = []
    const segments = [...(only ?? this.#segments.keys())]
    for (const segment of segments) {
      const { hint, runs } = (this.#segments.get(segment) ?? this.#retired.get(segment))!
      if (hint !== null) cursors.push(this.dropped.cursor(hint.cursor(range), segment))
      for (const run of runs) cursors.push(this.dropped.cursor(run.cursor(range), segment))
    }
    return { cursors, segments }
  }

  /** What a view of all keys as of now is made of. */
  lists(): KeyLists[] {
    this.recorder.finishRun()
    return [...this.#segments.keys()].map((segment) => this.listsOf(segment))
  }

  listsOf(segment: number): KeyLists {
    const { hint, runs } = (this.#segments.get(segment) ?? this.#retired.get(segment))!
    return { segment, hint, runs: [...runs] }
  }

  /** Entries in all segments, overtaken ones included. */
  get entryCount(): number {
    let sum = 0
    for (const keys of this.#segments.values()) sum += keys.entryCount
    return sum
  }

  /** The segment of a damaged hint is read again, and its keys kept in memory until there is a new hint. */
  repair({ path }: HintDamaged): void {
    for (const keys of [...this.#segments.values(), ...this.#retired.values()]) {
      if (keys.hint?.path === path) this.#reread(keys)
    }
  }

  /** All newest records have slots: nothing need be looked for in the segments. */
  warm(): void {
    for (const keys of this.#cold) {
      keys.isCold = false
      keys.hint?.dropMemory()
    }
    this.#sortCold()
  }

  // --- merge

  /** The keys of a finished output of merge. */
  adopt(segment: number, runs: KeyRun[], ageMin: number, ageMax: number): void {
    this.recorder.finishRun()
    const keys = new SegmentKeys(segment)
    keys.runs = runs
    keys.ageMin = ageMin
    keys.ageMax = ageMax
    keys.isCold = true
    this.#segments.set(segment, keys)
    this.#unhinted.add(keys)
    this.#sortCold()
  }

  /** The sources leave; the outputs are as cold as they were. */
  replace(sources: readonly number[], outputs: readonly number[]): void {
    const isCold = sources.some((segment) => this.isCold(segment))
    for (const segment of outputs) {
      const keys = this.#segments.get(segment)!
      // Its slots may have been dropped as soon as it had its hint, before this.
      keys.isCold = isCold || keys.hasEvicted
    }
    for (const segment of sources) {
      const keys = this.#segments.get(segment)
      if (keys === undefined) continue
      this.#segments.delete(segment)
      this.#unhinted.delete(keys)
      this.#retired.set(segment, keys)
      this.#hinted[segment] = 0
    }
    this.#sortCold()
  }

  /** The segment's file is gone, and nobody reads its hint. */
  removeHint(segment: number): void {
    const keys = this.#retired.get(segment)
    if (keys === undefined) return
    this.#retired.delete(segment)
    if (keys.hint !== null) this.#blocks.forget(keys.hint)
    this.#maker.remove(keys)
  }

  // --- eviction

  mayEvict(shard: Int32Array, slot: number, gently: boolean): boolean {
    const segment = shard[slot + SLOT_SEGMENT]!
    if (this.#hinted[segment] !== 1) return false
    if (!gently) return true
    return shard[slot + SLOT_CACHE] === 0 && this.#log.windowOffset(segment, shard[slot + SLOT_OFFSET]!) < 0
  }

  evicted(shard: Int32Array, slot: number): void {
    const reference = shard[slot + SLOT_CACHE]!
    if (reference !== 0) this.onEvicted(reference)
    this.hasEvicted = true
    const keys = this.#segments.get(shard[slot + SLOT_SEGMENT]!)!
    keys.hasEvicted = true
    if (keys.isCold) return
    keys.isCold = true
    this.#sortCold()
  }

  // --- hint files

  /** The log's marks have moved: what has sealed gets its hint, one segment at a time. */
  progress(): void {
    if (this.#unhinted.size === 0 || this.#making !== null) return
    for (const keys of this.#unhinted) {
      if (!this.#log.isSealed(keys.number)) continue
      this.#making = this.#make(keys).finally(() => {
        this.#making = null
        this.progress()
      })
      return
    }
  }

  /** Resolves when no hint is being written. */
  async idle(): Promise<void> {
    while (this.#making !== null) await this.#making
  }

  /** Writes what is left to write, then lets all files go. The log is closed by now. */
  async close(isClean: boolean): Promise<void> {
    this.recorder.finishRun()
    while (this.#making !== null) await this.#making
    if (isClean) {
      for (const keys of [...this.#unhinted]) if (this.#log.isSealed(keys.number)) await this.#make(keys)
    }
    for (const { hint } of [...this.#segments.values(), ...this.#retired.values()]) hint?.close()
  }

  async #make(keys: SegmentKeys): Promise<void> {
    if (this.recorder.segment === keys.number) this.recorder.finishRun()
    this.#unhinted.delete(keys)
    const info = this.#log.segments().find(({ id }) => id === keys.number)
    if (info === undefined) return
    try {
      await this.#maker.make(keys, info.seed, info.bytes, this.#pause)
    } catch (error) {
      // The runs stay in memory and serve; the next open makes the hint.
      this.#onFailed(error)
      return
    }
    const { number } = keys
    if (this.#segments.get(number) === keys) {
      this.#settle(keys)
      for (let shardIndex = 0; shardIndex < SHARD_COUNT; shardIndex++) {
        this.onHinted(shardIndex)
        if (shardIndex % SHARDS_A_SLICE === 0) await this.#pause()
      }
    }
    // It was merged away meanwhile.
    else if (!this.#retired.has(number)) this.#maker.remove(keys)
  }

  #reread(keys: SegmentKeys): void {
    const info = this.#log.segments().find(({ id }) => id === keys.number)!
    if (keys.hint !== null) this.#blocks.forget(keys.hint)
    this.#maker.reread(this.#log, keys, info.bytes)
    this.#hinted[keys.number] = 0
    if (this.#segments.has(keys.number)) this.#unhinted.add(keys)
  }

  #take(run: KeyRun, overtaken: Overtaken): void {
    let keys = this.#segments.get(run.segment)
    if (keys === undefined) {
      keys = new SegmentKeys(run.segment)
      keys.overtaken = overtaken
      this.#segments.set(run.segment, keys)
      this.#unhinted.add(keys)
    }
    keys.runs.push(run)
    compactRuns(keys.runs, RUN_ENTRIES)
  }

  /** A hint file can stand in for the slots of its segment. */
  #settle(keys: SegmentKeys): void {
    const { number, hint } = keys
    if (hint === null) return
    if (number >= this.#hinted.length) {
      const grown = new Uint8Array(Math.max(number + 1, this.#hinted.length * 2))
      grown.set(this.#hinted)
      this.#hinted = grown
    }
    this.#hinted[number] = 1
    if (!keys.isCold) hint.dropMemory()
  }

  #sortCold(): void {
    this.#cold = [...this.#segments.values()].filter(({ isCold }) => isCold)
    this.#cold.sort((a, b) => b.ageMax - a.ageMax || b.number - a.number)
  }
}
