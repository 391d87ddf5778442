/**
 * What a scan must give out: the live cells of a range in the order of their keys' bytes, as of the moment it
 * was asked for, whatever is written or merged while it is read.
 */
import type { Scan, ScanEntry, ScanOptions } from '@minivault/storage'
import type { Machine } from '../disk/machine.ts'
import { type Cell, isLive } from './history.ts'
import { print } from './payload.ts'

/** The scan's own options, with keys as strings. */
export interface ScanRequest {
  prefix?: string
  gte?: string
  gt?: string
  lt?: string
  lte?: string
  limit?: number
  reverse?: boolean
  keysOnly?: boolean
}

export type Pair = readonly [key: string, cell: Cell]

/** Keys of tests are ASCII: their order as strings is that of their bytes. */
export function inOrder(cells: ReadonlyMap<string, Cell>, request: ScanRequest, nowMs: number): Pair[] {
  const { prefix = '', gt, gte, lt, lte, limit = Number.POSITIVE_INFINITY } = request
  const inside = (key: string) =>
    key.startsWith(prefix) &&
    (gt === undefined || key > gt) &&
    (gte === undefined || key >= gte) &&
    (lt === undefined || key < lt) &&
    (lte === undefined || key <= lte)
  const pairs = [...cells].filter(([key, cell]) => inside(key) && isLive(cell, nowMs))
  pairs.sort(([a], [b]) => (a < b ? -1 : 1))
  if (request.reverse) pairs.reverse()
  return pairs.slice(0, limit)
}

/** Reads a scan to its end, page by page. `meanwhile` runs behind the first page. */
export async function readScan(
  machine: Machine,
  scan: Scan,
  pageEntries: number,
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<ScanEntry[]> {
  const entries: ScanEntry[] = []
  for (let pages = 0; ; pages++) {
    const page = await machine.until(scan.nextPage(pageEntries))
    entries.push(...page)
    if (page.length === 0) return entries
    if (pages === 0) await meanwhile()
  }
}

/** In words, or null. */
export function scanDifference(
  wanted: readonly Pair[],
  found: readonly ScanEntry[],
  { keysOnly = false }: ScanOptions,
): string | null {
  for (const [i, [key, cell]] of wanted.entries()) {
    const entry = found[i]
    if (entry === undefined) return `a scan ends before ${key}`
    if (print(entry.key) !== key) return `a scan gives ${print(entry.key)} in the place of ${key}`
    if (print(entry.value) !== (keysOnly ? '' : cell.value)) return `a scan gives ${key} another value`
    if (cell.version !== '' && entry.version !== cell.version) return `a scan gives ${key} another version`
    if (entry.expiresAtMs !== cell.expiresAtMs) return `a scan gives ${key} another expiry`
  }
  const more = found[wanted.length]
  return more === undefined ? null : `a scan gives ${print(more.key)}, which must not be there`
}
