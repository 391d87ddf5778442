/**
 * A page of a scan of the whole cluster. This node's own store may hold only some of the partitions, and lag
 * behind: so that many members are asked that of every partition a majority of its replicas is heard.
 *
 *   own list ─┐
 *   theirs   ─┴▶ merged, key by key ─▶ a majority has one version: it is shown, out of our own store
 *                                      else a quorum is asked for this key
 *
 * Who does not answer in time is replaced by another one. A list ends where its asker wanted it to, so all
 * are heard only up to the shortest of them; from there on everything again, until the page is full.
 */
import type { KeyList, ListMessage, Placement } from '@minivault/cluster'
import { encodeList } from '@minivault/cluster'
import { ProtocolError } from '@minivault/protocol'
import { cursorOf, type ScanEntry, type Store } from '@minivault/storage'
import type { ScanQuery } from '../../key-value.ts'
import {
  SCAN_LIST_ENTRIES_MAX,
  SCAN_LIST_ENTRIES_MIN,
  SCAN_PAGE_MS_MAX,
  SCAN_READS_AT_ONCE,
} from '../../limits.ts'
import type { Time } from '../../time.ts'
import { coverOf } from './cover.ts'
import { ListAsking } from './list-asking.ts'
import { type Candidate, mergeLists } from './merged-lists.ts'
import { type ListQuery, type OwnList, ownList } from './own-list.ts'
import { ScanReads, type ScanReadsParts } from './scan-reads.ts'

/** How this member stands with the others. */
export interface ScanCircle {
  readonly self: number
  readonly placement: Placement
  /** Whether what we say counts in all partitions. */
  readonly votes: boolean
  /** Numbers of the others, those that are likely to answer first. */
  readonly others: readonly number[]
}

export interface ClusterScanParts extends ScanReadsParts {
  readonly store: Store
  readonly time: Time
  /** 0 ≤ random < 1. */
  readonly random: number
  /** Null: this is no member yet. */
  readonly circle: () => ScanCircle | null
  readonly send: (member: number, list: Uint8Array) => void
}

interface Heard {
  readonly own: OwnList
  readonly lists: ReadonlyMap<number, Pick<KeyList, 'entries' | 'isEnd'>>
}

export class ClusterScan {
  readonly reads: ScanReads
  readonly #parts: ClusterScanParts
  readonly #asking: ListAsking

  constructor(parts: ClusterScanParts) {
    this.#parts = parts
    this.reads = new ScanReads(parts)
    this.#asking = new ListAsking(parts.time, parts.random, parts.send)
  }

  close(): void {
    this.#asking.close()
  }

  // --- what others ask

  /** From another member. */
  onMessage(from: number, message: ListMessage): void {
    if (message.kind === 'these') this.#asking.hear(from, message)
    else this.#answer(from, message).catch(() => {})
  }

  /** Whoever asked too much, or at a bad time, hears nothing, and asks another. */
  async #answer(from: number, question: ListMessage & { kind: 'which' }): Promise<void> {
    const entriesMax = Math.min(question.entriesMax, SCAN_LIST_ENTRIES_MAX)
    // As of before the list: what was held without a vote may be told without one.
    const circle = this.#parts.circle()
    if (circle === null || entriesMax === 0) return
    const { entries, isEnd } = await ownList(this.#parts.store, { ...question, entriesMax }, true)
    const { number } = question
    const { epoch } = circle.placement
    const list = { kind: 'these', number, epoch, votes: circle.votes, isEnd, entries } as const
    this.#parts.send(from, encodeList(list))
  }

  // --- a page

  /** How to go on; null: that was all. Throws ProtocolError NO_QUORUM. */
  async page(query: ScanQuery): Promise<string | null> {
    const page = new Page(query)
    const untilMs = this.#parts.time.elapsedMs() + SCAN_PAGE_MS_MAX
    for (let from: string | null = query.cursor; from !== null; ) {
      const { own, lists } = await this.#hear(page.questionFrom(from), query.keysOnly, untilMs)
      const { placement } = this.#circle()
      const { candidates, upTo } = mergeLists(lists, placement, query.reverse)
      const held = new Map(own.entries.map((entry) => [textOf(entry.key), entry]))
      for (let at = 0; at < candidates.length; at += SCAN_READS_AT_ONCE) {
        const some = candidates.slice(at, at + SCAN_READS_AT_ONCE)
        const shown = await Promise.all(some.map((one) => this.#shown(one, held, untilMs)))
        for (const entry of shown) if (entry !== null && !page.take(entry)) return page.cursor
      }
      from = upTo === null ? null : cursorOf(upTo, upTo.length, query.reverse)
    }
    return null
  }

  #shown(
    { key, version }: Candidate,
    held: ReadonlyMap<string, ScanEntry>,
    untilMs: number,
  ): ScanEntry | null | Promise<ScanEntry | null> {
    const entry = version === null ? undefined : held.get(textOf(key.bytes))
    if (entry !== undefined && entry.version === version) return entry
    return this.reads.read(key, Math.max(1, untilMs - this.#parts.time.elapsedMs()))
  }

  /** Lists of so many that together they are enough. */
  async #hear(query: ListQuery, keysOnly: boolean, untilMs: number): Promise<Heard> {
    const { store, time } = this.#parts
    const own = await ownList(store, query, keysOnly)
    const entriesMax = own.isEnd ? query.entriesMax : own.entries.length + SCAN_LIST_ENTRIES_MIN
    const lists = new Map<number, Pick<KeyList, 'entries' | 'isEnd'>>()
    const silent = new Set<number>()
    const without = new Set<number>()
    while (time.elapsedMs() < untilMs) {
      const { self, placement, votes, others } = this.#circle()
      if (votes) lists.set(self, own)
      const asked = others.filter((member) => !lists.has(member) && !without.has(member))
      const rest = [...asked.filter((one) => !silent.has(one)), ...asked.filter((one) => silent.has(one))]
      const cover = coverOf(placement, [...lists.keys(), ...rest])
      if (cover === null) throw noQuorum()
      const wanted = cover.filter((member) => !lists.has(member))
      if (wanted.length === 0) return { own, lists }
      const answers = await Promise.all(
        wanted.map((member) => this.#asking.ask(member, { ...query, entriesMax })),
      )
      for (const [index, member] of wanted.entries()) {
        const answer = answers[index]!
        if (answer === null) silent.add(member)
        else if (answer.votes && answer.epoch === placement.epoch) lists.set(member, answer)
        else without.add(member)
      }
    }
    throw noQuorum()
  }

  #circle(): ScanCircle {
    const circle = this.#parts.circle()
    if (circle === null) throw noQuorum()
    return circle
  }
}

/** What was shown so far. */
class Page {
  cursor: string
  readonly #query: ScanQuery
  #count = 0

  constructor(query: ScanQuery) {
    this.#query = query
    this.cursor = query.cursor
  }

  questionFrom(cursor: string): ListQuery {
    const { prefix, from, fromExclusive, to, toInclusive, reverse, entriesMax } = this.#query
    // One more says whether there is more.
    const wanted = Math.max(entriesMax - this.#count + 1, SCAN_LIST_ENTRIES_MIN)
    const bounds = { prefix, from, fromExclusive, to, toInclusive }
    return { ...bounds, reverse, cursor, entriesMax: Math.min(wanted, SCAN_LIST_ENTRIES_MAX) }
  }

  /** False: it is full, or nobody wants it any more. */
  take(entry: ScanEntry): boolean {
    const { entriesMax, keysOnly, reverse } = this.#query
    if (!this.#query.isWanted() || this.#count === entriesMax) return false
    if (!this.#query.take(keysOnly ? { ...entry, value: NOTHING } : entry)) return false
    this.#count += 1
    this.cursor = cursorOf(entry.key, entry.key.length, reverse)
    return true
  }
}

const NOTHING = new Uint8Array()

function textOf({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString('latin1')
}

function noQuorum(): ProtocolError {
  return new ProtocolError('NO_QUORUM', 'too few replicas answered in time')
}
