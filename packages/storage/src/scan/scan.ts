/**
 * A scan: the live entries of a range as of the moment it began, in the order of their bytes. They are
 * fetched in pages, some to start with, more with each page, so that an entry costs little and a scan that is
 * left early has not read much; at most SCAN_READS_MAX of a page's values are read from disk at a time.
 *
 * A view of the store is held until `close`, the end or leaving of a loop, an error, or SCAN_HOLD_MS_MAX;
 * reaching the end keeps it, for `seek` may go back.
 *
 * Several calls may wait at a time: they share the page that is being fetched. A seek or close makes that
 * page worthless, told by `#generation`.
 */

import { copyBytes } from '@minivault/codec'
import { HintDamaged } from '../hint/hint-block.ts'
import type { KeyCursor } from '../hint/key-cursor.ts'
import { ENTRY_FLAG, type KeyEntry } from '../hint/key-entry.ts'
import { BLOB_BIT, LENGTH_MASK } from '../keydir.ts'
import {
  SCAN_PAGE_BYTES,
  SCAN_PAGE_ENTRIES_MAX,
  SCAN_PAGE_ENTRIES_MIN,
  SCAN_READS_MAX,
  SCAN_SLICE_ENTRIES,
} from '../limits.ts'
import { EMPTY_BYTES, VALUE_TYPE } from '../mutation.ts'
import { fromLog, type StorageError } from '../storage-error.ts'
import {
  cursorOf,
  flagOf,
  keyOf,
  limitOf,
  rangeFrom,
  rangeOf,
  type ScanOptions,
  type ScanRange,
  wrong,
} from './scan-range.ts'
import type { ScanEntry, ScanView } from './scan-source.ts'

export interface ScanHost {
  /** Throws when the scan may not go on. */
  check(scan: Scan): void
  /** The event loop gets its turn. */
  turn(): Promise<void>
  onClosed(scan: Scan): void
}

export class Scan implements AsyncIterable<ScanEntry> {
  readonly #view: ScanView
  readonly #host: ScanHost
  readonly #whole: ScanRange
  readonly #keysOnly: boolean
  readonly #leavesFiles: boolean
  /** Where the scan began, or where it was last sent to. */
  #range: ScanRange
  #cursor: KeyCursor | null = null
  #page: ScanEntry[] = []
  #at = 0
  #pageEntries = SCAN_PAGE_ENTRIES_MIN
  #pages = 0
  #left: number
  /** The cursor has nothing more. */
  #isAtEnd = false
  #fetching: Promise<void> | null = null
  #generation = 0
  /** Hint files that were made anew for this scan. */
  readonly #repaired = new Set<string>()
  /** The key given out last, in memory of its own; -1: none yet. */
  #last = new Uint8Array(64)
  #lastBytes = -1
  /** It was given out since `#range` was set. */
  #isBehindLast = false
  readonly #givenCursor: string | undefined
  #isClosed = false
  #error: StorageError | null = null

  /** Throws STORAGE_SCAN before the view is taken. */
  constructor(options: ScanOptions, view: () => ScanView, host: ScanHost) {
    if (typeof options !== 'object' || options === null) throw wrong('the options must be an object')
    this.#whole = this.#range = rangeOf(options)
    this.#left = limitOf(options)
    this.#keysOnly = flagOf('keysOnly', options.keysOnly)
    this.#leavesFiles = flagOf('leaveFiles', options.leaveFiles)
    this.#givenCursor = options.cursor
    this.#host = host
    this.#view = view()
  }

  /** Resumes right behind the entry given out last, in another scan of the same options. */
  get cursor(): string | undefined {
    return this.#lastBytes < 0
      ? this.#givenCursor
      : cursorOf(this.#last, this.#lastBytes, this.#whole.reverse)
  }

  /** Nothing is left to give out, unless it is sent back. */
  get isAtEnd(): boolean {
    return this.#left === 0 || (this.#isAtEnd && this.#at === this.#page.length)
  }

  next(): Promise<IteratorResult<ScanEntry>> {
    const entry = this.#take()
    return entry === undefined ? this.#nextLater(false) : Promise.resolve({ done: false, value: entry })
  }

  /** Up to `count` entries, fewer only where the scan ends. */
  async nextPage(count: number): Promise<ScanEntry[]> {
    if (!Number.isSafeInteger(count) || count < 1) throw wrong('a page has 1 entry or more')
    const page: ScanEntry[] = []
    for (;;) {
      for (let entry = this.#take(); entry !== undefined; entry = this.#take()) {
        if (page.push(entry) === count) return page
      }
      if (!(await this.#fetch(count - page.length))) return page
    }
  }

  /**
   * Goes on at this key, or right behind it in the scan's direction, within the scan's range and view. Also
   * backwards, and from the end; `limit` counts on. Throws STORAGE_SCAN.
   */
  seek(key: string | Uint8Array): void {
    const range = rangeFrom(this.#whole, keyOf('key', key), true)
    if (this.#isClosed) return
    this.#range = range
    this.#isBehindLast = false
    this.#restart()
  }

  /** Frees what the scan holds; harmless when it is closed. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#restart()
    this.#view.release()
    this.#host.onClosed(this)
  }

  /** Closes it; who asks from now on gets the error. */
  fail(error: StorageError): StorageError {
    this.#error ??= error
    this.close()
    return error
  }

  [Symbol.asyncIterator](): AsyncIterator<ScanEntry, undefined> {
    return {
      next: () => {
        const entry = this.#take()
        return entry === undefined ? this.#nextLater(true) : Promise.resolve({ done: false, value: entry })
      },
      return: () => {
        this.close()
        return Promise.resolve({ done: true, value: undefined })
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  async #nextLater(closesAtEnd: boolean): Promise<IteratorResult<ScanEntry, undefined>> {
    while (await this.#fetch(this.#pageEntries)) {
      const value = this.#take()
      if (value !== undefined) return { done: false, value }
    }
    if (closesAtEnd) this.close()
    return { done: true, value: undefined }
  }

  #take(): ScanEntry | undefined {
    if (this.#at === this.#page.length || this.#left === 0) return undefined
    const entry = this.#page[this.#at++]!
    // What was given out is not held here.
    if (this.#at === this.#page.length) this.#forgetPage()
    const { key } = entry
    if (key.length > this.#last.length) this.#last = new Uint8Array(key.length * 2)
    copyBytes(key, 0, key.length, this.#last, 0)
    this.#lastBytes = key.length
    this.#isBehindLast = true
    this.#left -= 1
    return entry
  }

  /** Makes sure of a page to take from; false at the end. */
  async #fetch(wanted: number): Promise<boolean> {
    if (this.#error !== null) throw this.#error
    if (this.#isClosed || this.isAtEnd) return false
    if (this.#at < this.#page.length) return true
    this.#fetching ??= this.#fetchPage(Math.min(wanted, this.#left)).finally(() => {
      this.#fetching = null
    })
    await this.#fetching
    if (this.#error !== null) throw this.#error
    return !this.#isClosed
  }

  async #fetchPage(wanted: number): Promise<void> {
    const generation = this.#generation
    try {
      this.#host.check(this)
      // Pages from memory would hold up the event loop one after the other.
      if (this.#pages++ > 0) await this.#host.turn()
      if (generation !== this.#generation) return
      await this.#readPage(Math.min(wanted, SCAN_PAGE_ENTRIES_MAX), generation)
      this.#pageEntries = Math.min(2 * this.#pageEntries, SCAN_PAGE_ENTRIES_MAX)
    } catch (error) {
      // Of a page that nobody waits for any more.
      if (generation !== this.#generation) return
      await this.#onError(error)
    }
  }

  /** A hint file that is damaged is made anew, once. */
  async #onError(error: unknown): Promise<void> {
    if (!(error instanceof HintDamaged) || this.#repaired.has(error.path)) {
      this.fail(fromLog(error))
      return
    }
    this.#repaired.add(error.path)
    this.#restart()
    try {
      await this.#view.repair(error)
    } catch (failed) {
      this.fail(fromLog(failed))
    }
  }

  async #readPage(wanted: number, generation: number): Promise<void> {
    const view = this.#view
    this.#cursor ??= view.cursor(this.#rest())
    const cursor = this.#cursor
    const page: (ScanEntry | null)[] = []
    const reads = new PageReads(page)
    let isAtEnd = false
    let bytes = 0
    for (let steps = 1; page.length < wanted && bytes < SCAN_PAGE_BYTES; steps++) {
      if (steps % SCAN_SLICE_ENTRIES === 0) await this.#host.turn()
      if (generation !== this.#generation) return
      isAtEnd = !cursor.next()
      if (isAtEnd) break
      const { entry } = cursor
      if (entry.isTombstone || view.isExpired(entry.expiresAtMs)) continue
      if (this.#keysOnly && (entry.flags & ENTRY_FLAG.ownVersion) === 0 && view.mayShow(entry)) {
        page.push(described(entry))
        continue
      }
      // A value in a file of its own may be long: it is the page's last.
      const isLong = (entry.lengthWord & BLOB_BIT) !== 0 && !this.#leavesFiles
      bytes += isLong ? SCAN_PAGE_BYTES : entry.lengthWord & LENGTH_MASK
      const found = view.read(entry, this.#leavesFiles)
      if (!(found instanceof Promise)) page.push(found)
      else if (reads.add(found)) await reads.oldest()
    }
    await reads.all()
    if (generation !== this.#generation) return
    this.#page = page.filter((entry) => entry !== null)
    if (this.#keysOnly) for (const entry of this.#page) entry.value = EMPTY_BYTES
    this.#at = 0
    this.#isAtEnd = isAtEnd
  }

  /** What has not been given out. */
  #rest(): ScanRange {
    if (!this.#isBehindLast) return this.#range
    return rangeFrom(this.#range, this.#last.slice(0, this.#lastBytes), false)
  }

  /** Forgets what was fetched. */
  #restart(): void {
    this.#generation += 1
    this.#cursor?.close()
    this.#cursor = null
    this.#isAtEnd = false
    this.#forgetPage()
  }

  #forgetPage(): void {
    this.#page = []
    this.#at = 0
  }
}

/** The entries of a page that are being read from disk, each put in its place when it comes. */
class PageReads {
  readonly #page: (ScanEntry | null)[]
  readonly #reads: Promise<void>[] = []
  #settled = 0
  #error: { cause: unknown } | null = null

  constructor(page: (ScanEntry | null)[]) {
    this.#page = page
  }

  /** True: as many are being read as may be at a time. */
  add(read: Promise<ScanEntry | null>): boolean {
    const place = this.#page.push(null) - 1
    this.#reads.push(
      read.then(
        (entry) => {
          this.#page[place] = entry
        },
        (cause: unknown) => {
          this.#error ??= { cause }
        },
      ),
    )
    return this.#reads.length - this.#settled >= SCAN_READS_MAX
  }

  async oldest(): Promise<void> {
    await this.#reads[this.#settled++]
    if (this.#error !== null) throw this.#error.cause
  }

  async all(): Promise<void> {
    while (this.#settled < this.#reads.length) await this.oldest()
    if (this.#error !== null) throw this.#error.cause
  }
}

/** All but the value, without its record. */
function described(entry: KeyEntry): ScanEntry {
  const { bytes, keyStart, keyEnd, ballot, expiresAtMs, flags } = entry
  return {
    key: new Uint8Array(bytes.subarray(keyStart, keyEnd)),
    value: EMPTY_BYTES,
    version: ballot.toString(),
    type: (flags & ENTRY_FLAG.json) !== 0 ? VALUE_TYPE.json : VALUE_TYPE.raw,
    expiresAtMs,
  }
}
