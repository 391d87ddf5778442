/*
 * The live entries of a range of keys, in the order of their bytes. They come in pages; when the first entry
 * of a page is taken the next page is asked for, never more than that one ahead. The server holds nothing for
 * a scan between pages, so leaving the loop only lets the page go that is on its way.
 *
 * A value that no page has room for is fetched when its entry's turn comes. If it is replaced meanwhile, the
 * entry is the new one; if it is deleted, there is none.
 */

import {
  decodeScanPage,
  encodeScanRequest,
  FRAME_BYTES_MAX,
  FRAME_FLAG,
  FRAME_REQUEST_HEAD_BYTES,
  SCAN_ENTRIES_DEFAULT,
  SCAN_PAGE_HEAD_BYTES,
  type ScanPageEntry,
  type ScanWanted,
} from '@minivault/protocol'
import { applyLevels, badArgument } from './arguments.ts'
import type { Calls } from './calls.ts'
import { ClientError } from './client-error.ts'
import { SCAN_FETCHES_MAX } from './limits.ts'
import type { ScanEntry, ScanOptions } from './options.ts'
import { EMPTY, KIND, type Reply } from './request.ts'
import type { Listed, Page } from './scan-page.ts'
import { cursorOf, flagOf, limitOf, rangeOf, type ScanRange } from './scan-range.ts'

const DONE: IteratorResult<ScanEntry, undefined> = { done: true, value: undefined }

export class Scan implements AsyncIterable<ScanEntry>, AsyncDisposable {
  readonly #calls: Calls
  readonly #options: ScanOptions
  readonly #range: ScanRange
  readonly #keysOnly: boolean
  readonly #stopper = new AbortController()
  readonly #signal: AbortSignal
  #left: number
  #page: Page | null = null
  #at = 0
  #ahead: Promise<Page> | null = null
  /** the key given out last */
  #last: Uint8Array | null = null
  /** one `next` after the other, also where several are called at once */
  #turn: Promise<unknown> = Promise.resolve()
  #isClosed = false

  /** Use `Client.scan`. */
  constructor(calls: Calls, options: ScanOptions) {
    this.#calls = calls
    this.#options = { ...options }
    this.#range = rangeOf(options)
    this.#left = limitOf(options)
    this.#keysOnly = flagOf('keysOnly', options.keysOnly)
    const own = this.#stopper.signal
    this.#signal = options.signal === undefined ? own : AbortSignal.any([options.signal, own])
  }

  /** Goes on right behind the entry given out last, in another scan of the same range and direction. */
  get cursor(): string | undefined {
    return this.#last === null ? this.#options.cursor : cursorOf(this.#last, this.#range.reverse)
  }

  next(): Promise<IteratorResult<ScanEntry, undefined>> {
    const result = this.#turn.then(() => this.#next())
    this.#turn = result.catch(() => {})
    return result
  }

  /** Lets go of all it holds; idempotent. Who waits for an entry is told that this is the end. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#page = null
    this.#ahead = null
    this.#stopper.abort()
  }

  [Symbol.asyncIterator](): AsyncIterator<ScanEntry, undefined> {
    return {
      next: () => this.next(),
      return: async () => {
        this.close()
        return DONE
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  async #next(): Promise<IteratorResult<ScanEntry, undefined>> {
    try {
      while (!this.#isClosed && this.#left > 0 && !this.#range.isEmpty) {
        const listed = await this.#take()
        if (listed === null) break
        const value = listed.isBare && !this.#keysOnly ? await this.#fetch(listed.entry) : listed.entry
        if (this.#isClosed) break
        this.#last = listed.entry.key
        if (value === null) continue
        this.#left -= 1
        return { done: false, value }
      }
    } catch (error) {
      if (this.#isClosed) return DONE
      this.close()
      throw error
    }
    this.close()
    return DONE
  }

  /** The next entry of this page or of the one behind it; null: that was the last. */
  async #take(): Promise<Listed | null> {
    for (;;) {
      const listed = this.#page?.listed[this.#at++]
      if (listed !== undefined) return listed
      const cursor = this.#page === null ? EMPTY : this.#page.cursor
      if (cursor === null) return null
      const page = await (this.#ahead ?? this.#ask(cursor))
      if (this.#isClosed) return null
      this.#page = page
      this.#ahead = null
      this.#at = 0
      if (page.cursor !== null && page.listed.length < this.#left) {
        this.#ahead = this.#ask(page.cursor)
        this.#ahead.catch(() => {})
      }
    }
  }

  async #ask(cursor: Uint8Array): Promise<Page> {
    const entriesMax = Math.min(this.#left, SCAN_ENTRIES_DEFAULT)
    return this.#askPage({ ...this.#range, entriesMax, cursor }, this.#keysOnly)
  }

  async #askPage(wanted: ScanWanted, keysOnly: boolean): Promise<Page> {
    const { prefix, reverse } = this.#range
    const value = encodeScanRequest(wanted)
    if (FRAME_REQUEST_HEAD_BYTES + prefix.length + value.length > FRAME_BYTES_MAX) {
      throw badArgument('prefix and bounds are too long together')
    }
    const reply = await this.#calls.ask(KIND.scan, prefix, this.#callOptions(), (request) => {
      applyLevels(request, this.#options)
      request.beyondOpcodes = 'scan'
      request.value = value
      request.scan = { ...wanted, prefix, reverse, keysOnly }
      request.flags = (reverse ? FRAME_FLAG.reverse : 0) | (keysOnly ? FRAME_FLAG.noValue : 0)
    })
    return reply.page ?? pageOf(reply, keysOnly)
  }

  /** The entry with its value; null: it is gone. */
  async #fetch(listed: ScanEntry): Promise<ScanEntry | null> {
    const { key } = listed
    let known = listed
    for (let tries = 0; tries < SCAN_FETCHES_MAX; tries++) {
      const reply = await this.#calls.ask(KIND.get, key, this.#callOptions(), (request) =>
        applyLevels(request, this.#options),
      )
      if (!reply.exists) return null
      if (reply.version !== known.version) {
        // Replaced since: what else is known of it is looked up anew.
        const only = { from: key, to: key, toInclusive: true, entriesMax: 1 }
        const [found] = (await this.#askPage(only, true)).listed
        if (found === undefined) return null
        known = found.entry
      }
      if (reply.version === known.version) return { ...known, value: reply.value }
    }
    const said = 'a large value was replaced again and again while it was fetched'
    throw new ClientError('VERSION_MISMATCH', said, { retryable: true, version: known.version })
  }

  #callOptions(): { signal: AbortSignal; timeoutMs?: number } {
    const { timeoutMs } = this.#options
    return { signal: this.#signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) }
  }
}

function pageOf({ value, hasMore }: Reply, keysOnly: boolean): Page {
  const listed: Listed[] = []
  const cursorBytes = decodeScanPage(value, 0, value.length, keysOnly, (entry) => {
    listed.push({ entry: entryOf(value, entry), isBare: entry.isTooLarge })
  })
  if (cursorBytes < 0 || hasMore !== cursorBytes > 0) {
    throw new ClientError('CLIENT_PROTOCOL', 'the server sent what is no page of a scan')
  }
  const at = SCAN_PAGE_HEAD_BYTES
  return { listed, cursor: hasMore ? value.slice(at, at + cursorBytes) : null }
}

function entryOf(bytes: Uint8Array, entry: ScanPageEntry): ScanEntry {
  return {
    key: bytes.slice(entry.keyStart, entry.keyEnd),
    value: bytes.slice(entry.valueStart, entry.valueEnd),
    version: entry.version.toString(),
    type: entry.isJson ? 'json' : 'raw',
    expiresAtMs: entry.expiresAtMs,
  }
}
