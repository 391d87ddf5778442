/**
 * A page of a SCAN on its way: what has been found of it, until the answer says how to go on. It has no more
 * bytes than asked for, but at least one entry: one that does not fit a page of its own goes without its
 * value.
 */
import { Version } from '@minivault/clock'
import { SCAN_PAGE_BYTES_MAX, SCAN_PAGE_HEAD_BYTES, ScanPageEntry, ScanPageWriter } from '@minivault/protocol'
import { cursorBytesOf, type ScanEntry, VALUE_TYPE } from '@minivault/storage'

const ENTRY_HEAD_BYTES = 26
const NOTHING = new Uint8Array(0)
const writer = new ScanPageWriter()
const written = new ScanPageEntry()

interface Found {
  entry: ScanEntry
  isTooLarge: boolean
}

export class ScanPage {
  readonly #bytesMax: number
  readonly #keysOnly: boolean
  readonly #found: Found[] = []
  #bytes = SCAN_PAGE_HEAD_BYTES

  constructor(bytesMax: number, keysOnly: boolean) {
    this.#bytesMax = bytesMax
    this.#keysOnly = keysOnly
  }

  /** False: the page is full without this one. */
  take(entry: ScanEntry): boolean {
    const { key, value } = entry
    const keyBytes = ENTRY_HEAD_BYTES + key.length
    const room = this.#bytesMax - this.#bytes - keyBytes - cursorBytesOf(key.length)
    const isFirst = this.#found.length === 0
    if (room < value.length && !isFirst) return false
    const isTooLarge = room < value.length || entry.leftBytes !== undefined
    this.#found.push({ entry, isTooLarge: isTooLarge && !this.#keysOnly })
    this.#bytes += keyBytes + (isTooLarge ? 0 : value.length)
    return true
  }

  /** The value of the reply. */
  encode(cursor: string | null): Uint8Array {
    const cursorBytes = cursor === null ? NOTHING : Buffer.from(cursor, 'latin1')
    const page = new Uint8Array(this.#bytes + cursorBytes.length)
    writer.begin(page, 0, SCAN_PAGE_BYTES_MAX)
    for (const { entry, isTooLarge } of this.#found) {
      const { key, value, version, type, expiresAtMs, leftBytes } = entry
      written.isJson = type === VALUE_TYPE.json
      written.isTooLarge = isTooLarge
      written.valueBytes = this.#keysOnly ? 0 : (leftBytes ?? value.length)
      written.version.copy(Version.parse(version))
      written.expiresAtMs = expiresAtMs
      writer.add(written, key, isTooLarge ? NOTHING : value)
    }
    writer.finish(cursorBytes)
    return page
  }
}
