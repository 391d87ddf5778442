/**
 * Makes the hint files: at open for segments that have none (the tail of a crash, or a damaged hint), walking
 * their records; later for each segment that has sealed, from the runs in memory.
 *
 * As `Replayer` of the log it says which segments an open need not read: those with a hint that is bound to
 * them.
 */

import { join } from 'node:path'
import { compareVersions, Version } from '@minivault/clock'
import type { hashKey } from '@minivault/codec'
import type { FileSystem, Log, Replayer } from '@minivault/wal'
import { DroppedRanges } from '../dropped-ranges.ts'
import { AwakeHints } from '../hint/awake-hints.ts'
import { HintFile } from '../hint/hint-file.ts'
import { hintName } from '../hint/hint-format.ts'
import { HintWriter } from '../hint/hint-writer.ts'
import { MergedCursor } from '../hint/key-cursor.ts'
import { RunBuilder } from '../hint/key-run.ts'
import { HINT_SLICE_ENTRIES, MERGE_SLICE_BYTES } from '../limits.ts'
import { SPACE } from '../mutation.ts'
import { RecordView } from '../record.ts'
import { StorageError } from '../storage-error.ts'
import { addRecord } from './add-record.ts'
import { SegmentKeys } from './segment-keys.ts'

export interface HintMakerOptions {
  fileSystem: FileSystem
  /** Folder of the hint files; made where it is missing. */
  directory: string
  layoutHash: number
  hash: typeof hashKey
}

export class HintMaker implements Replayer {
  /** What the open found, by number. */
  readonly segments = new Map<number, SegmentKeys>()
  /** Of the user's space. */
  readonly highestBallot = new Version()
  /** Loaded when the keys are known. */
  readonly dropped: DroppedRanges
  /** Hint files that had to be made anew. */
  rebuilt = 0
  readonly #options: HintMakerOptions
  readonly #awake = new AwakeHints()
  readonly #builder = new RunBuilder()
  readonly #view = new RecordView()
  #walked: SegmentKeys | null = null

  constructor(options: HintMakerOptions) {
    this.#options = options
    this.dropped = new DroppedRanges(options.hash)
    options.fileSystem.makeDirectory(options.directory)
  }

  covers(number: number, seed: number, bytes: number): boolean {
    const keys = new SegmentKeys(number)
    if (!this.#open(keys, seed, bytes)) return false
    keys.isCold = true
    this.segments.set(number, keys)
    return true
  }

  entry(segment: number, offset: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#walked?.number !== segment) {
      this.#walked = new SegmentKeys(segment)
      this.#builder.clear()
    }
    if (!this.#add(this.#walked, offset, bytes, start, end)) {
      throw new StorageError('STORAGE_CORRUPT', `segment ${segment} at ${offset}: the entry is no record`)
    }
  }

  ended(number: number, seed: number, bytes: number): void {
    const keys = this.#walked?.number === number ? this.#walked : new SegmentKeys(number)
    if (this.#walked !== keys) this.#builder.clear()
    this.#walked = null
    keys.runs = [this.#builder.toRun(number)]
    this.#builder.clear()
    keys.isCold = true
    this.segments.set(number, keys)
    this.rebuilt += 1
    const writer = this.#writer(keys, seed, bytes)
    while (!writer.step(HINT_SLICE_ENTRIES)) {}
    this.#open(keys, seed, bytes)
  }

  /** Removes hint files of segments that are no more. Call it after the log has opened. */
  removeStrays(): void {
    const { fileSystem, directory } = this.#options
    const wanted = new Set([...this.segments.keys()].map(hintName))
    for (const name of fileSystem.list(directory)) {
      if (/^\d{10}\.hint(\.new)?$/.test(name) && !wanted.has(name)) this.#unlink(join(directory, name))
    }
  }

  /** Writes the hint of a sealed segment from its runs, which go then. Rejects with what the disk says. */
  async make(keys: SegmentKeys, seed: number, bytes: number, pause: () => Promise<void>): Promise<void> {
    const writer = this.#writer(keys, seed, bytes)
    while (!writer.step(HINT_SLICE_ENTRIES)) await pause()
    this.#open(keys, seed, bytes)
  }

  /** The keys of a segment whose hint is damaged, read from its records at once. Throws WAL_CORRUPT. */
  reread(log: Log, keys: SegmentKeys, bytes: number): void {
    this.#builder.clear()
    for (let from = 0; from < bytes; ) {
      from = log.readBlocks(keys.number, from, MERGE_SLICE_BYTES, (offset, entry, start, end) => {
        this.#add(keys, offset, entry, start, end)
      })
    }
    keys.hint?.close()
    keys.hint = null
    keys.runs = [this.#builder.toRun(keys.number)]
    this.#builder.clear()
    this.rebuilt += 1
  }

  /** Lets all files go. */
  close(): void {
    for (const { hint } of this.segments.values()) hint?.close()
  }

  remove(keys: SegmentKeys): void {
    keys.hint?.close()
    keys.hint = null
    keys.runs = []
    this.#unlink(join(this.#options.directory, hintName(keys.number)))
  }

  /** False: the entry is no record. */
  #add(keys: SegmentKeys, offset: number, bytes: Uint8Array, start: number, end: number): boolean {
    const view = this.#view
    if (!view.read(bytes, start, end)) return false
    if (view.space === SPACE.segment) {
      if (end - view.keyEnd !== 8) return true
      const note = new DataView(bytes.buffer, bytes.byteOffset + view.keyEnd, 8)
      keys.ageMin = note.getUint32(0, true)
      keys.ageMax = note.getUint32(4, true)
      return true
    }
    if (view.space === SPACE.user && compareVersions(view.ballot, this.highestBallot) > 0) {
      this.highestBallot.copy(view.ballot)
    }
    return addRecord(this.#builder, view, offset, bytes, start, end)
  }

  #writer(keys: SegmentKeys, seed: number, bytes: number): HintWriter {
    const { fileSystem, directory, layoutHash, hash } = this.#options
    const path = join(directory, hintName(keys.number))
    const { number, ageMin, ageMax } = keys
    const cursor = new MergedCursor(keys.runs.map((run) => run.cursor({}, keys.overtaken)))
    return new HintWriter(cursor, {
      fileSystem,
      path,
      number,
      seed,
      bytes,
      layoutHash,
      ageMin,
      ageMax,
      hash,
    })
  }

  /** Takes the hint file in place of the runs. False: there is none that is bound to the segment. */
  #open(keys: SegmentKeys, seed: number, bytes: number): boolean {
    const { fileSystem, directory, layoutHash } = this.#options
    const path = join(directory, hintName(keys.number))
    const hint = HintFile.open(
      fileSystem,
      path,
      { number: keys.number, seed, bytes, layoutHash },
      this.#awake,
    )
    if (hint === null) return false
    keys.hint = hint
    keys.runs = []
    keys.overtaken = null
    keys.ageMin = hint.header.ageMin
    keys.ageMax = hint.header.ageMax
    if (compareVersions(hint.header.highestBallot, this.highestBallot) > 0) {
      this.highestBallot.copy(hint.header.highestBallot)
    }
    return true
  }

  #unlink(path: string): void {
    try {
      this.#options.fileSystem.remove(path)
    } catch {
      // Not there, or left for the next open: a hint without its segment is removed then.
    }
  }
}
