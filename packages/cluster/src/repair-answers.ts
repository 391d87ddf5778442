/** What others ask of us who compare, begin anew, or end the tombstones of a leaf. */
import {
  type Copied,
  type Entry,
  type Fence,
  type Fetch,
  type Introduce,
  type Leaves,
  MESSAGE,
  type Release,
  type RepairQuestion,
  type Roots,
} from './messages.ts'
import type { Key } from './ports.ts'
import type { HeldRecord } from './record.ts'
import type { Repair, RepairParts } from './repair.ts'
import { isEmptyLeaf, LEAVES } from './trees.ts'

export interface RepairAnswersParts extends Omit<RepairParts, 'coordinator' | 'exchanges' | 'self'> {
  readonly repair: Repair
  /** Whether a member may compare with us now; else it asks again later. */
  readonly admits: (member: number) => boolean
}

export class RepairAnswers {
  readonly #parts: RepairAnswersParts
  /** By member, the life that it introduced last, and where that stands in the log. */
  readonly #introduced = new Map<number, { readonly life: number; readonly position: number }>()

  constructor(parts: RepairAnswersParts) {
    this.#parts = parts
  }

  answer(from: number, question: RepairQuestion): void {
    const { send, envelope } = this.#parts
    const head = envelope(question.exchange)
    switch (question.kind) {
      case MESSAGE.roots:
        if (!this.#parts.admits(from)) return
        return send(from, { kind: MESSAGE.rootsDiffer, ...head, partitions: this.#differing(question) })
      case MESSAGE.leaves:
        if (question.wantsRecords)
          return send(from, { kind: MESSAGE.copied, ...head, ...this.#copied(question) })
        return send(from, { kind: MESSAGE.entries, ...head, ...this.#entries(question) })
      case MESSAGE.fetch:
        return send(from, { kind: MESSAGE.fetched, ...head, ...this.#fetched(question) })
      case MESSAGE.introduce:
        return this.#introduce(from, question)
      case MESSAGE.fence:
        return this.#fence(from, question)
      case MESSAGE.release:
        return this.#release(from, question)
    }
  }

  // --- comparing

  #differing({ partitions, roots }: Roots): number[] {
    const { trees } = this.#parts.replica
    return partitions.filter((partition, index) => {
      return !trees.hasRoot(partition, roots.subarray(index * 2, index * 2 + 2))
    })
  }

  /** As many leaves as fit a message, but at least one. */
  #entries({ partition, epoch, digests, from, floors }: Leaves) {
    const { repair, replica, limits } = this.#parts
    repair.adopt(floors, epoch)
    const ours = this.#floorsIn(partition)
    const leaves: number[] = []
    const entries: Entry[] = []
    for (const leaf of replica.trees.differing(partition, digests)) {
      if (leaf < from) continue
      if (entries.length >= limits.entriesMax) return { leaves, entries, next: leaf, floors: ours }
      leaves.push(leaf)
      entries.push(...this.#entriesOf(partition, leaf))
    }
    return { leaves, entries, next: LEAVES, floors: ours }
  }

  /** The same, with the records of leaves of which the other holds nothing. */
  #copied({ partition, epoch, digests, from, floors }: Leaves) {
    const { repair, replica, limits } = this.#parts
    repair.adopt(floors, epoch)
    const ours = this.#floorsIn(partition)
    const leaves: number[] = []
    const entries: Entry[] = []
    const records: Copied['records'][number][] = []
    let bytes = 0
    for (const leaf of replica.trees.differing(partition, digests)) {
      if (leaf < from) continue
      const isFull = records.length >= limits.copiedMax || bytes >= limits.copiedBytesMax
      if (isFull || entries.length >= limits.entriesMax)
        return { leaves, entries, next: leaf, floors: ours, records }
      leaves.push(leaf)
      const held = isEmptyLeaf(digests, leaf) ? this.#recordsOf(partition, leaf) : null
      bytes += held?.bytes ?? 0
      if (held !== null) records.push(...held.records)
      else entries.push(...this.#entriesOf(partition, leaf))
    }
    return { leaves, entries, next: LEAVES, floors: ours, records }
  }

  #entriesOf(partition: number, leaf: number): Entry[] {
    const { repair } = this.#parts
    return repair.keysIn(partition, [leaf]).map((key) => ({ key, ballot: repair.ballotOf(key) }))
  }

  /** Null: more than one message is to bring. */
  #recordsOf(partition: number, leaf: number) {
    const { store, replica, limits } = this.#parts
    const records: Copied['records'][number][] = []
    let bytes = 0
    const keys = [...store.keysIn(partition, leaf)]
    if (keys.length > limits.copiedMax) return null
    for (const key of keys) {
      // First all of it: to look for it without its value would read the disk once more.
      const { record } = store.read(key)
      if (record === null || replica.isReleased(key)) continue
      records.push({ key, record })
      bytes += record.value?.bytes ?? 0
      if (bytes > limits.copiedBytesMax) return null
    }
    return { records, bytes }
  }

  /** As many as fit a message, but at least one. */
  #fetched({ keys }: Fetch) {
    const { store, limits } = this.#parts
    const records: { key: Key; record: HeldRecord }[] = []
    let answered = 0
    let bytes = 0
    for (const key of keys) {
      if (answered > 0 && bytes >= limits.fetchedBytesMax) break
      answered += 1
      const { record } = store.read(key)
      if (record === null) continue
      records.push({ key, record })
      bytes += record.value?.bytes ?? 0
    }
    return { records, answered }
  }

  /** Until we vote again, ours may say too much. */
  #floorsIn(partition: number) {
    const { marks, votesIn } = this.#parts
    return votesIn(partition) ? marks.floorsIn(partition) : []
  }

  // --- beginning anew

  #introduce(from: number, { exchange, epoch, life, partitions }: Introduce): void {
    const { marks, replica, placement, send, afterSync, envelope } = this.#parts
    // Who comes by a layout that we have not heard of is asked to wait: see #allows.
    if (epoch > placement.epoch) return
    const known = this.#introduced.get(from)
    // It comes with some partitions at a time: one sync is enough for all.
    const position = known?.life === life ? known.position : marks.note({ kind: 'life', member: from, life })
    this.#introduced.set(from, { life, position })
    const votes = partitions.map((partition) => this.#parts.votesIn(partition))
    const promised = partitions.map((partition) => replica.promisedUpTo(partition))
    const floors = partitions.flatMap((partition) => this.#floorsIn(partition))
    afterSync(position, () => {
      const { lives } = marks
      send(from, { kind: MESSAGE.introduced, ...envelope(exchange), lives, votes, promised, floors })
    })
  }

  // --- the end of tombstones

  #fence(from: number, question: Fence): void {
    const { marks, replica, send, afterSync, envelope } = this.#parts
    const { exchange, partition, leaf, upTo } = question
    const { lives } = marks
    if (!this.#allows(question)) {
      return send(from, { kind: MESSAGE.fenced, ...envelope(exchange), lives, digest: null })
    }
    const position = marks.note({ kind: 'fence', partition, leaf, ballot: upTo })
    const digest = replica.digestUpTo(question)
    afterSync(position, () => send(from, { kind: MESSAGE.fenced, ...envelope(exchange), lives, digest }))
  }

  /**
   * Not by another layout: whoever has introduced himself by it is to be fenced, too. And what is to have
   * expired has done so by our clock.
   */
  #allows({ epoch, partition, expiredBeforeMs }: Fence): boolean {
    const { env, placement, votesIn } = this.#parts
    return epoch === placement.epoch && votesIn(partition) && expiredBeforeMs <= env.wallMs()
  }

  /** Those that were fenced by another layout were not these: who has come since may hold something else. */
  #release(from: number, { exchange, epoch, partition, leaf, upTo, expiredBeforeMs }: Release): void {
    const { repair, placement, votesIn, send, envelope } = this.#parts
    if (epoch !== placement.epoch || !votesIn(partition)) return
    repair.release({ partition, leaf, upTo, expiredBeforeMs }, () => {
      send(from, { kind: MESSAGE.released, ...envelope(exchange), partition, leaf })
    })
  }
}
