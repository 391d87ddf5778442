/**
 * Pages of scans. Each is a scan of the store's own, from the asker's cursor to the page's end: nothing is
 * held between two pages. So many are under way at once; others wait for their turn, up to a bound.
 */
import { ERROR, ProtocolError } from '@minivault/protocol'
import { cursorOf, type ScanEntry, type ScanOptions, type Store } from '@minivault/storage'
import type { Answer, Complete, Operation, ScanQuery } from '../key-value.ts'
import { SCANS_AT_ONCE_MAX, SCANS_WAITING_MAX } from '../limits.ts'
import { errorOf } from './storage-errors.ts'

/** Fills a page. How to go on; null: that was all. */
export type FillPage = (query: ScanQuery) => Promise<string | null>

interface Waiting {
  readonly token: number
  readonly query: ScanQuery
}

export class ScanPages {
  readonly #complete: Complete
  readonly #answer: Answer
  readonly #fill: FillPage
  readonly #waiting: Waiting[] = []
  #running = 0

  /** @param answer the one that all of a node's answers are given with */
  constructor(complete: Complete, answer: Answer, fill: FillPage) {
    this.#complete = complete
    this.#answer = answer
    this.#fill = fill
  }

  submit(operation: Operation, token: number): void {
    const waiting = { token, query: operation.scan! }
    if (this.#running < SCANS_AT_ONCE_MAX) this.#begin(waiting)
    else if (this.#waiting.length < SCANS_WAITING_MAX) this.#waiting.push(waiting)
    else {
      this.#complete(token, this.#answer.fail(ERROR.OVERLOADED, `${SCANS_WAITING_MAX} scans are waiting`))
    }
  }

  async #begin({ token, query }: Waiting): Promise<void> {
    this.#running += 1
    const tell = await this.#page(query)
    this.#running -= 1
    const next = this.#waiting.shift()
    if (next !== undefined) this.#begin(next)
    this.#complete(token, tell(this.#answer))
  }

  /** What is to be told of it. */
  async #page(query: ScanQuery): Promise<(answer: Answer) => Answer> {
    if (!query.mayBegin()) return (answer) => answer.fail(ERROR.TIMEOUT)
    try {
      const cursor = await this.#fill(query)
      return (answer) => Object.assign(answer.ok(), { cursor })
    } catch (error) {
      const number = error instanceof ProtocolError ? ERROR[error.code] : errorOf(error)
      return (answer) => answer.fail(number, (error as Error).message)
    }
  }
}

/** A page of what a store holds. */
export async function pageOf(store: Store, query: ScanQuery): Promise<string | null> {
  const scan = store.scan(optionsOf(query))
  let last: ScanEntry | null = null
  try {
    for (let count = 0; query.isWanted(); count++) {
      const { done, value: entry } = await scan.next()
      if (done === true) return null
      // The one above the number only says that there is more.
      if (count === query.entriesMax || !query.take(entry)) break
      last = entry
    }
  } finally {
    scan.close()
  }
  return last === null ? query.cursor : cursorOf(last.key, last.key.length, query.reverse)
}

function optionsOf(query: ScanQuery): ScanOptions {
  const { prefix, from, to, reverse, keysOnly, cursor, entriesMax } = query
  const options: ScanOptions = { prefix, reverse, keysOnly, leaveFiles: true, limit: entriesMax + 1 }
  if (from !== null) options[query.fromExclusive ? 'gt' : 'gte'] = from
  if (to !== null) options[query.toInclusive ? 'lte' : 'lt'] = to
  if (cursor !== '') options.cursor = cursor
  return options
}
