/**
 * The model's scan: every name there is at the start, sorted. Names are latin1, one character a byte, so that
 * the order of strings is the order of bytes.
 */

import type { Entry } from '../reads.ts'
import type { ScanOptions } from '../scan/scan-range.ts'
import type { ScanEntry } from '../scan/scan-source.ts'
import { StorageError } from '../storage-error.ts'
import { bytesOf } from '../write-options.ts'
import type { Bytes, SimpleScan } from './simple-door.ts'

/** A string of one character each. */
export function nameOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

export class MemoryScan implements SimpleScan {
  /** The range, in the scan's direction; the entries are never changed, only replaced in the store. */
  #range: [string, Entry][]
  #at = 0
  #left: number
  #given: string | undefined
  readonly #reverse: boolean
  readonly #keysOnly: boolean
  readonly #check: () => void

  /** `check` throws when the store is closed. */
  constructor(live: Iterable<[string, Entry]>, options: ScanOptions, check: () => void) {
    const isWanted = rangeOf(options)
    this.#range = [...live].filter(([name]) => isWanted(name)).sort(([a], [b]) => (a < b ? -1 : 1))
    this.#reverse = options.reverse === true
    if (this.#reverse) this.#range.reverse()
    this.#left = options.limit ?? Number.POSITIVE_INFINITY
    this.#given = options.cursor
    this.#keysOnly = options.keysOnly === true
    this.#check = check
  }

  get cursor(): string | undefined {
    return this.#given
  }

  async next(): Promise<IteratorResult<ScanEntry>> {
    const [value] = await this.nextPage(1)
    return value === undefined ? { done: true, value } : { done: false, value }
  }

  async nextPage(count: number): Promise<ScanEntry[]> {
    this.#check()
    if (!Number.isInteger(count) || count < 1) throw wrong('a page has 1 entry or more')
    const page = this.#range.slice(this.#at, this.#at + Math.min(count, this.#left))
    this.#at += page.length
    this.#left -= page.length
    const last = page.at(-1)
    if (last !== undefined) this.#given = cursorOf(last[0], this.#reverse)
    return page.map(([name, entry]) => ({
      ...entry,
      key: Uint8Array.from(Buffer.from(name, 'latin1')),
      value: this.#keysOnly ? new Uint8Array(0) : entry.value.slice(),
    }))
  }

  seek(key: Bytes): void {
    const target = boundOf('the key to seek', key)
    const at = this.#range.findIndex(([name]) => (this.#reverse ? name <= target : name >= target))
    this.#at = at === -1 ? this.#range.length : at
  }

  close(): void {
    this.#range = []
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ScanEntry> {
    try {
      for (let step = await this.next(); !step.done; step = await this.next()) yield step.value
    } finally {
      this.close()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }
}

function rangeOf(options: ScanOptions): (name: string) => boolean {
  const { limit, cursor, reverse } = options
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 0)) {
    throw wrong('limit must be an integer of 0 or more')
  }
  if (options.gt !== undefined && options.gte !== undefined) throw wrong('gt and gte exclude each other')
  if (options.lt !== undefined && options.lte !== undefined) throw wrong('lt and lte exclude each other')
  const [prefix, gt, gte, lt, lte] = (['prefix', 'gt', 'gte', 'lt', 'lte'] as const).map((bound) => {
    const key = options[bound]
    return key === undefined ? undefined : boundOf(bound, key)
  })
  const given = cursor === undefined ? undefined : nameOfCursor(cursor, reverse === true)
  return (name) =>
    (prefix === undefined || name.startsWith(prefix)) &&
    (gt === undefined || name > gt) &&
    (gte === undefined || name >= gte) &&
    (lt === undefined || name < lt) &&
    (lte === undefined || name <= lte) &&
    (given === undefined || (reverse ? name < given : name > given))
}

function boundOf(what: string, key: unknown): string {
  if (typeof key !== 'string' && !(key instanceof Uint8Array)) {
    throw wrong(`${what} must be a string or bytes`)
  }
  return nameOf(bytesOf('key', key))
}

/** The direction, then the key. */
function cursorOf(name: string, reverse: boolean): string {
  return (reverse ? '<' : '>') + Buffer.from(name, 'latin1').toString('base64url')
}

function nameOfCursor(cursor: string, reverse: boolean): string {
  const name = Buffer.from(String(cursor).slice(1), 'base64url').toString('latin1')
  if (name === '' || cursorOf(name, reverse) !== cursor)
    throw wrong('no scan in this direction gave that cursor')
  return name
}

function wrong(message: string): StorageError {
  return new StorageError('STORAGE_SCAN', message)
}
