/** What this node's own store has to say about a range of keys, from some place on. */
import type { ListQuestion } from '@minivault/cluster'
import type { ScanEntry, ScanOptions, Store } from '@minivault/storage'
import { SCAN_LIST_BYTES } from '../../limits.ts'

export type ListQuery = Omit<ListQuestion, 'kind' | 'number'>

export interface OwnList {
  readonly entries: readonly ScanEntry[]
  /** Nothing follows the last one. */
  readonly isEnd: boolean
}

/** As many entries as are asked for, or bytes as are good for a list; one at least, if there is one. */
export async function ownList(store: Store, query: ListQuery, keysOnly: boolean): Promise<OwnList> {
  const scan = store.scan({ ...optionsOf(query), keysOnly, leaveFiles: true, limit: query.entriesMax })
  const entries: ScanEntry[] = []
  let bytes = 0
  try {
    while (bytes < SCAN_LIST_BYTES) {
      const { done, value: entry } = await scan.next()
      if (done === true) return { entries, isEnd: entries.length < query.entriesMax }
      entries.push(entry)
      bytes += entry.key.length + entry.value.length
    }
    return { entries, isEnd: false }
  } finally {
    scan.close()
  }
}

function optionsOf({ prefix, from, fromExclusive, to, toInclusive, reverse, cursor }: ListQuery) {
  const options: ScanOptions = { prefix, reverse }
  if (from !== null) options[fromExclusive ? 'gt' : 'gte'] = from
  if (to !== null) options[toInclusive ? 'lte' : 'lt'] = to
  if (cursor !== '') options.cursor = cursor
  return options
}
