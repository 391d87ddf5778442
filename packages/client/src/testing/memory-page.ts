/*
 * Pages of scans of a table in memory.
 */

import { fromLetters, lettersOf } from '../bytes.ts'
import type { PageWanted } from '../http-scan.ts'
import { EMPTY } from '../request.ts'
import type { Listed, Page } from '../scan-page.ts'
import type { MemoryTable } from './memory-table.ts'

/** The cursor is the last key of the page before. */
export function pageOf(table: MemoryTable, wanted: PageWanted): Page {
  const { reverse, keysOnly, entriesMax = 0, cursor = EMPTY } = wanted
  const isWanted = rangeTest(wanted)
  const behind = lettersOf(cursor)
  const isBehind = (key: string) => behind === '' || (reverse ? key < behind : key > behind)
  const found = table.keys().filter((key) => isWanted(key) && isBehind(key))
  if (reverse) found.reverse()
  const keys = entriesMax > 0 ? found.slice(0, entriesMax) : found
  const listed: Listed[] = keys.map((key) => {
    const { value, version, isJson, expiresAtMs } = table.get(key)!
    const type = isJson ? 'json' : 'raw'
    const shown = keysOnly ? EMPTY : new Uint8Array(value)
    return { entry: { key: fromLetters(key), value: shown, version, type, expiresAtMs }, isBare: false }
  })
  return { listed, cursor: keys.length < found.length ? fromLetters(keys.at(-1)!) : null }
}

function rangeTest(wanted: PageWanted): (key: string) => boolean {
  const prefix = lettersOf(wanted.prefix)
  const from = lettersOf(wanted.from ?? EMPTY)
  const to = lettersOf(wanted.to ?? EMPTY)
  return (key) => {
    if (!key.startsWith(prefix)) return false
    if (key < from || (wanted.fromExclusive === true && from !== '' && key === from)) return false
    return to === '' || key < to || (wanted.toInclusive === true && key === to)
  }
}
