/** What two members hold is made equal: asked by us (`Comparison`), answered to others. */
import type { Version } from '@minivault/clock'
import { Comparison } from './comparison.ts'
import type { Coordinator } from './coordinator.ts'
import type { Exchange } from './exchange.ts'
import type { Exchanges } from './exchanges.ts'
import { HandingOver } from './handing-over.ts'
import type { Limits } from './limits.ts'
import {
  type Entry,
  type Leaves,
  MESSAGE,
  type Message,
  type RepairQuestion,
  type Roots,
} from './messages.ts'
import type { Key, ReplicaStore } from './ports.ts'
import { type HeldRecord, ZERO } from './record.ts'
import type { Replica } from './replica.ts'
import { LEAVES } from './trees.ts'

export interface RepairParts {
  readonly store: ReplicaStore
  readonly replica: Replica
  readonly coordinator: Coordinator
  readonly exchanges: Exchanges
  readonly limits: Limits
  readonly self: number
  readonly send: (member: number, message: Message) => void
  readonly epoch: () => number
  readonly time: () => Version
}

export class Repair {
  readonly #parts: RepairParts

  constructor(parts: RepairParts) {
    this.#parts = parts
  }

  /**
   * Brings both to the newer record of every key of these partitions.
   *
   * @param onOver whether all was compared and brought
   */
  compareWith(member: number, partitions: readonly number[], onOver: (isComplete: boolean) => void): void {
    const { exchanges, limits } = this.#parts
    new Comparison(this, exchanges, limits, member, partitions, onOver).start()
  }

  // --- asked by a comparison of ours

  get patienceMs(): number {
    return this.#parts.coordinator.patience.ms
  }

  askRoots(exchange: Exchange, partitions: readonly number[]): void {
    const { trees } = this.#parts.replica
    const roots = new Int32Array(partitions.length * 2)
    for (const [index, partition] of partitions.entries()) {
      roots.set(trees.digests(partition).subarray(-2), index * 2)
    }
    this.#ask(exchange, { kind: MESSAGE.roots, partitions, roots, ...this.#envelope(exchange.number) })
  }

  askLeaves(exchange: Exchange, partition: number, from: number): void {
    const digests = this.#parts.replica.trees.digests(partition)
    const envelope = this.#envelope(exchange.number)
    this.#ask(exchange, { kind: MESSAGE.leaves, partition, digests, from, ...envelope })
  }

  askFor(exchange: Exchange, keys: readonly Key[]): void {
    this.#ask(exchange, { kind: MESSAGE.fetch, keys, ...this.#envelope(exchange.number) })
  }

  /** Zero where there is nothing. */
  ballotOf(key: Key): Version {
    return this.#parts.store.find(key).record?.ballot ?? ZERO
  }

  keysIn(partition: number, leaves: readonly number[]): Key[] {
    return leaves.flatMap((leaf) => [...this.#parts.store.keysIn(partition, leaf)])
  }

  /** Offers what we hold. */
  bringTo(member: number, key: Key, onOver: () => void): void {
    const { record } = this.#parts.store.find(key)
    if (record === null) onOver()
    else this.#handOver(member, key, record, onOver)
  }

  /** Offers to ourselves what another holds. */
  take(key: Key, record: HeldRecord, onOver: () => void): void {
    this.#handOver(this.#parts.self, key, record, onOver)
  }

  #handOver(member: number, key: Key, record: HeldRecord, onOver: () => void): void {
    const { coordinator, exchanges } = this.#parts
    new HandingOver(coordinator, exchanges, key, onOver).start(member, record)
  }

  #ask({ electorate }: Exchange, question: RepairQuestion): void {
    this.#parts.send(electorate.members[0]!, question)
  }

  // --- answered to others

  answer(from: number, question: RepairQuestion): void {
    const envelope = this.#envelope(question.exchange)
    switch (question.kind) {
      case MESSAGE.roots: {
        const partitions = this.#differing(question)
        return this.#parts.send(from, { kind: MESSAGE.rootsDiffer, partitions, ...envelope })
      }
      case MESSAGE.leaves:
        return this.#parts.send(from, { kind: MESSAGE.entries, ...this.#entries(question), ...envelope })
      case MESSAGE.fetch: {
        const records = question.keys.flatMap((key) => {
          const { record } = this.#parts.store.find(key)
          return record === null ? [] : [{ key, record }]
        })
        return this.#parts.send(from, { kind: MESSAGE.fetched, records, ...envelope })
      }
    }
  }

  #differing({ partitions, roots }: Roots): number[] {
    const { trees } = this.#parts.replica
    return partitions.filter((partition, index) => {
      return !trees.hasRoot(partition, roots.subarray(index * 2, index * 2 + 2))
    })
  }

  /** As many leaves as fit a message, but at least one. */
  #entries({ partition, digests, from }: Leaves): { leaves: number[]; entries: Entry[]; next: number } {
    const leaves: number[] = []
    const entries: Entry[] = []
    for (const leaf of this.#parts.replica.trees.differing(partition, digests)) {
      if (leaf < from) continue
      if (entries.length >= this.#parts.limits.entriesMax) return { leaves, entries, next: leaf }
      leaves.push(leaf)
      for (const key of this.#parts.store.keysIn(partition, leaf)) {
        entries.push({ key, ballot: this.ballotOf(key) })
      }
    }
    return { leaves, entries, next: LEAVES }
  }

  #envelope(exchange: number) {
    return { exchange, epoch: this.#parts.epoch(), time: this.#parts.time() }
  }
}
