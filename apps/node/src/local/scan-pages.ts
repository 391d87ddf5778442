/**
 * Pages of scans. Each is a scan of the store's own, from the asker's cursor to the page's end: nothing is
 * held between two pages. So many are under way at once; others wait for their turn, up to a bound.
 */
import { ERROR } from '@minivault/protocol'
import { cursorOf, type ScanEntry, type ScanOptions } from '@minivault/storage'
import type { Operation, ScanQuery } from '../key-value.ts'
import { SCANS_AT_ONCE_MAX, SCANS_WAITING_MAX } from '../limits.ts'
import { type Asked, askedBy } from './answers.ts'
import { failBy, type Replica } from './replica.ts'

interface Waiting {
  readonly asked: Asked
  readonly query: ScanQuery
}

export class ScanPages {
  readonly #replica: Replica
  readonly #waiting: Waiting[] = []
  #running = 0

  constructor(replica: Replica) {
    this.#replica = replica
  }

  submit(operation: Operation, token: number): void {
    const { answers } = this.#replica
    const asked = askedBy(operation, token)
    asked.request.clear()
    const waiting = { asked, query: operation.scan! }
    if (this.#running < SCANS_AT_ONCE_MAX) this.#begin(waiting)
    else if (this.#waiting.length < SCANS_WAITING_MAX) this.#waiting.push(waiting)
    else answers.fail(asked, ERROR.OVERLOADED, `${SCANS_WAITING_MAX} scans are waiting`)
  }

  async #begin({ asked, query }: Waiting): Promise<void> {
    const { answers } = this.#replica
    this.#running += 1
    try {
      if (!query.mayBegin()) return answers.fail(asked, ERROR.TIMEOUT, null)
      const cursor = await this.#page(query)
      const answer = answers.answer.ok()
      answer.cursor = cursor
      answers.give(asked)
    } catch (error) {
      failBy(this.#replica, asked, error)
    } finally {
      this.#running -= 1
      const next = this.#waiting.shift()
      if (next !== undefined) this.#begin(next)
    }
  }

  /** Fills the page. How to go on; null: that was all. */
  async #page(query: ScanQuery): Promise<string | null> {
    const scan = this.#replica.store.scan(optionsOf(query))
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
}

function optionsOf(query: ScanQuery): ScanOptions {
  const { prefix, from, to, reverse, keysOnly, cursor, entriesMax } = query
  const options: ScanOptions = { prefix, reverse, keysOnly, leaveFiles: true, limit: entriesMax + 1 }
  if (from !== null) options[query.fromExclusive ? 'gt' : 'gte'] = from
  if (to !== null) options[query.toInclusive ? 'lte' : 'lt'] = to
  if (cursor !== '') options.cursor = cursor
  return options
}
